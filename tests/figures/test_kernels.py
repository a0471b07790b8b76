"""Mosaics of kernels: each tile where it says it is, and bars that have the norms' heights."""

from __future__ import annotations

import re

import numpy as np

from cnnviz.figures.kernels import colour_scale, grid_of, matrix_of, norm_bars, to_width


def tile(image: np.ndarray, rows: int, columns: int, row: int, column: int) -> np.ndarray:
    height, width = image.shape[0] // rows, image.shape[1] // columns
    return image[row * height : (row + 1) * height, column * width : (column + 1) * width]


def test_a_grid_has_each_filter_in_its_place() -> None:
    tiles = np.random.default_rng(0).integers(0, 256, (5, 3, 2, 3), np.uint8)
    made = grid_of(tiles, np.array([4, 0, 3, 1, 2]), columns=3)
    assert (made.rows, made.columns) == (2, 3)
    assert made.filters.tolist() == [4, 0, 3, 1, 2, -1]
    for nth in range(5):
        position = tile(made.image, 2, 3, *divmod(nth, 3))
        np.testing.assert_array_equal(position[2:12:4, 2:8:4], tiles[nth])
    empty = tile(made.image, 2, 3, 1, 2)
    assert (empty == empty[0, 0]).all()


def test_kernels_do_not_touch_and_rows_are_full() -> None:
    tiles = np.zeros((20, 3, 3, 3), np.uint8)
    made = grid_of(tiles, np.arange(20))
    assert (made.rows, made.columns) == (2, 10)
    between = made.image.any(axis=2)
    assert between[:, 12:14].all()
    assert between[12:14].all()
    assert not between[:12, :12].any()
    assert made.tight.shape == (2 * 14 - 2, 10 * 14 - 2, 3)


def test_a_matrix_has_filters_as_rows_and_inputs_as_columns() -> None:
    tiles = np.random.default_rng(0).integers(0, 256, (2, 4, 1, 1, 3), np.uint8)
    made = matrix_of(tiles, np.array([7, 5]), np.array([0, 2, 4, 6]))
    assert made.image.shape == (2 * 5, 4 * 5, 3)
    np.testing.assert_array_equal(made.image[::5, ::5], tiles[:, :, 0, 0])
    assert made.filters.tolist() == [7] * 4 + [5] * 4
    assert made.inputs.tolist() == [0, 2, 4, 6] * 2


def test_enlarged_pixels_are_whole_squares() -> None:
    image = np.random.default_rng(0).integers(0, 256, (2, 3, 3), np.uint8)
    large = to_width(image, 10)
    assert large.shape == (6, 9, 3)
    np.testing.assert_array_equal(large[1::3, 1::3], image)
    assert to_width(image, 1).shape == image.shape


def test_bars_are_as_high_as_the_norms() -> None:
    made = norm_bars(np.array([1.0, 4.0, 2.0]), 2)
    assert [float(one) for one in re.findall(r"height:([\d.]+)%", made)] == [25, 100, 50]
    assert re.findall(r'title="([^"]+)"', made) == ["filter 0: 1", "filter 1: 4", "filter 2: 2"]
    assert made.count("#d9480f") == 1
    many = norm_bars(np.arange(1200.0), 1199)
    assert many.count("title=") == 400
    assert 'title="filter 1199: 1.2e+03"' in many
    assert norm_bars(np.zeros(2), -1).count("height:1.0%") == 2


def test_the_scale_names_both_ends() -> None:
    made = colour_scale((0, 0, 255), (255, 255, 255), (255, 0, 0), 0.123456)
    assert "−0.123<" in made
    assert made.index("rgb(0, 0, 255)") < made.index("rgb(255, 0, 0)")
    assert made.count(">0.123<") == 1
