"""Maps in colours, over images and in their place."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz.errors import ImageError
from cnnviz.overlay import COLOUR_MAPS, apply_colour_map, map_layer, normalise, overlay, place_map

EVEN = ("viridis", "magma", "inferno", "cividis")
GREY = np.full((4, 6, 3), 100, np.uint8)


def test_a_map_is_divided_by_its_greatest_value_and_an_empty_one_stays_empty() -> None:
    np.testing.assert_allclose(normalise(np.array([[1, 2], [3, 4]])), [[0.25, 0.5], [0.75, 1.0]])
    assert normalise(np.array([[0.0, 0.0]])).tolist() == [[0.0, 0.0]]
    assert normalise(np.full((2, 2), 1e-12)).tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert normalise(np.ones((2, 2))).dtype == np.float32


@pytest.mark.parametrize("values", [np.array([[-1.0]]), np.array([[np.nan]]), np.array([[np.inf]]), np.ones(3)])
def test_what_is_no_map_is_refused(values: np.ndarray) -> None:
    with pytest.raises(ImageError, match="The map has"):
        normalise(values)


def test_viridis_comes_first_and_ends_where_matplotlibs_does() -> None:
    assert next(iter(COLOUR_MAPS)) == "viridis"
    ends = apply_colour_map(np.array([[0.0, 7.0]]))[0]
    np.testing.assert_allclose(ends, [[68, 1, 84], [253, 231, 37]], atol=2)  # RGB, not OpenCV's BGR


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_all_but_jet_grow_lighter_evenly(name: str) -> None:
    colours = apply_colour_map(np.arange(256, dtype=np.float32)[None], name)[0].astype(float)
    light = colours @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) > -1.5).all() == (name in EVEN)


@pytest.mark.parametrize("shape", [(4, 6), (2, 3), (1, 1), (9, 9)])
def test_an_overlay_mixes_by_its_opacity(shape: tuple[int, int]) -> None:
    values = np.ones(shape, np.float32)
    top = apply_colour_map(np.array([[0.0, 1.0]]), "magma")[0, 1].astype(float)
    for opacity in (0.0, 0.25, 1.0):
        mixed = overlay(GREY, values, opacity, "magma")
        assert mixed.shape == (4, 6, 3)
        assert mixed.dtype == np.uint8
        np.testing.assert_allclose(mixed[2, 3], top * opacity + 100 * (1 - opacity), atol=1)
    assert (GREY == 100).all()


def test_by_strength_what_is_weak_is_clear_and_the_rest_as_opaque_as_its_root() -> None:
    values = np.array([[0.0, 1.0], [4.0, 16.0]])
    layer = map_layer(values, (2, 2, 3), by_strength=True)
    assert (layer.shape, layer.dtype) == ((2, 2, 4), np.uint8)
    np.testing.assert_allclose(layer[..., 3], [[0, 0.25 * 255], [0.5 * 255, 255]], atol=1)
    np.testing.assert_array_equal(layer[..., :3], apply_colour_map(values))
    mixed = overlay(np.full((2, 2, 1), 100, np.uint8), values, 0.5, by_strength=True)
    share = 0.5 * np.array([[0, 0.25], [0.5, 1]])[..., None]
    np.testing.assert_allclose(mixed, share * apply_colour_map(values) + (1 - share) * 100, atol=1)
    assert (mixed[0, 0] == 100).all()


def test_an_empty_map_shows_the_least_colour_everywhere() -> None:
    shown = overlay(GREY, np.zeros((2, 2)), 1.0)
    assert (shown == apply_colour_map(np.array([[0.0, 1.0]]))[0, 0]).all()


def test_maps_are_enlarged_linearly() -> None:
    shown = overlay(np.zeros((4, 8, 1), np.uint8), np.array([[0.0, 1.0]]), 1.0)
    levels = [0, 0, 32, 96, 159, 223, 255, 255]  # pixels' middles lie at -1/8, 1/8, … 9/8 of the way
    expected = apply_colour_map(np.arange(256, dtype=np.float32)[None])[0]
    between = [np.abs(expected.astype(int) - pixel.astype(int)).sum(axis=1).argmin() for pixel in shown[0]]
    np.testing.assert_allclose(between, levels, atol=2)


def test_what_does_not_fit_is_told() -> None:
    values = np.ones((2, 2))
    with pytest.raises(ImageError, match=r"no colour map 'jett': choose one of .*did you mean 'jet'"):
        overlay(GREY, values, colour_map="jett")
    with pytest.raises(ImageError, match=r"opacity is 1\.5: expected 0 to 1"):
        overlay(GREY, values, 1.5)
    with pytest.raises(ImageError, match="image is float64"):
        overlay(GREY / 255, values)


def test_a_map_lies_where_the_model_looked() -> None:
    whole = place_map(np.full((2, 2), 3.0), (10, 8, 3), (4, 1, 5, 6))
    assert whole.shape == (10, 8)
    assert whole.dtype == np.float32
    assert (whole[4:9, 1:7] == 3).all()
    assert whole.sum() == 3 * 5 * 6
    with pytest.raises(ImageError, match="isn't within 10 × 8"):
        place_map(np.ones((2, 2)), (10, 8, 3), (6, 0, 5, 8))
