"""Covered boxes, against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz.errors import ImageError
from cnnviz.explain.robustness.covering import COVERS, cover, pixel_box

RAMP = np.arange(0, 240, 5, dtype=np.uint8).reshape(4, 4, 3)


@pytest.mark.parametrize(
    ("how", "inside"),
    [("grey", [128, 128, 128]), ("mean", [112, 118, 122])],  # 15·(0 + … + 15)/16 = 112.5, 117.5, 122.5; halves go even
)
def test_only_the_box_is_covered_and_the_image_is_left_as_it_was(how: str, inside: list[int]) -> None:
    before = RAMP.copy()
    made = cover(RAMP, (1, 2, 2, 1), how)
    expected = before.copy()
    expected[1, 2] = expected[2, 2] = inside
    np.testing.assert_array_equal(made, expected)
    np.testing.assert_array_equal(RAMP, before)


def test_a_blurred_box_is_the_gaussian_of_a_tenth_of_a_side_with_what_lies_around() -> None:
    image = np.zeros((1, 40, 1), np.uint8)
    image[0, 20:] = 200  # an edge, along one line
    weights = np.exp(-0.5 * (np.arange(-12, 13) / 4) ** 2)  # 40 / 10, to three deviations
    weights /= weights.sum()
    made = cover(image, (0, 16, 1, 8), "blur")[0, :, 0].astype(float)
    expected = [200 * weights[12 + 20 - at :].sum() for at in range(16, 24)]
    np.testing.assert_allclose(made[16:24], expected, atol=1.5)
    assert (made[:16] == 0).all()
    assert (made[24:] == 200).all()


def test_percents_become_the_nearest_pixels() -> None:
    assert pixel_box((25, 50, 50, 25), (8, 4, 3)) == (4, 1, 2, 2)
    assert pixel_box((0, 0, 100, 100), (7, 13, 1)) == (0, 0, 7, 13)
    assert pixel_box((99, 99, 1, 1), (8, 8, 1)) == (7, 7, 1, 1)
    assert pixel_box((30, 30, 1, 1), (8, 8, 1)) == (2, 2, 1, 1)


@pytest.mark.parametrize("shape", [(8, 8, 1), (5, 31, 3), (300, 451, 3)])
def test_each_box_of_percents_can_be_covered(shape: tuple[int, int, int]) -> None:
    image = np.zeros(shape, np.uint8)
    for left in (0, 33, 96, 99):
        for width in (1, 4, 100 - left):
            if left + width <= 100:
                assert (cover(image, pixel_box((left, left, width, width), shape), "grey") == 128).any()


@pytest.mark.parametrize("box", [(-1, 0, 2, 2), (0, 0, 0, 1), (3, 0, 2, 1), (0, 4, 1, 1)])
def test_what_is_no_box_of_the_image_is_refused(box: tuple[int, int, int, int]) -> None:
    for how in COVERS:
        with pytest.raises(ImageError, match="isn't within 4 × 4"):
            cover(RAMP, box, how)
    with pytest.raises(ImageError, match="no cover 'tape'"):
        cover(RAMP, (0, 0, 1, 1), "tape")
    with pytest.raises(ImageError, match="expected uint8"):
        cover(RAMP / 255, (0, 0, 1, 1))
