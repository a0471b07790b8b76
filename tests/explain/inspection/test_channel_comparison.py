"""Channels of two sides on one scale, and how far apart they are."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz.explain.inspection.channel_comparison import apart, both
from cnnviz.mosaics import shades

ONE = np.stack([np.full((2, 2), 2.0), [[0.0, 1.0], [2.0, 3.0]]], axis=-1).astype(np.float32)
OTHER = np.stack([np.full((2, 2), 8.0), [[0.0, 0.0], [6.0, -2.0]]], axis=-1).astype(np.float32)


def test_a_channel_is_brighter_where_it_is_stronger_on_either_side() -> None:
    first, second = (made.levels for made in both(ONE, OTHER, "channel"))
    assert (first[..., 0] == round(255 / 4)).all()
    assert (second[..., 0] == 255).all()
    assert first[..., 1].tolist() == [[0, round(255 / 6)], [round(255 * 2 / 6), round(255 * 3 / 6)]]
    assert second[..., 1].tolist() == [[0, 0], [255, -85]]


def test_one_scale_holds_for_all_channels() -> None:
    first, second = (made.levels for made in both(ONE, OTHER, "layer"))
    assert (second[..., 0] == 255).all()
    assert (first[..., 0] == round(255 * 2 / 8)).all()
    assert int(second.min()) == round(-255 * 2 / 8)
    larger = both(ONE, np.full((3, 3, 5), 5, np.float32), "layer")
    assert [one.levels.shape for one in larger] == [(2, 2, 2), (3, 3, 5)]
    assert [set(one.high) for one in larger] == [{5.0}, {5.0}]


def test_each_image_goes_to_its_own_greatest_values() -> None:
    for made, values in zip(both(ONE, OTHER, "each"), (ONE, OTHER), strict=True):
        np.testing.assert_array_equal(made.levels, shades(values, "each").levels)


@pytest.mark.parametrize("scale", ["channel", "layer", "each"])
def test_nothing_is_dark(scale: str) -> None:
    assert not any(made.levels.any() for made in both(0 * ONE, 0 * ONE, scale))


@pytest.mark.parametrize("scale", ["channel", "layer", "each"])
def test_zero_is_the_same_in_all_channels_on_both_sides(scale: str) -> None:
    for made, values in zip(both(ONE, OTHER, scale), (ONE, OTHER), strict=True):
        assert (values == 0).any()
        np.testing.assert_array_equal(made.levels == 0, values == 0)


def test_distance_is_the_mean_over_all_places() -> None:
    assert apart(ONE, OTHER).tolist() == [6.0, pytest.approx((0 + 1 + 4 + 5) / 4)]
