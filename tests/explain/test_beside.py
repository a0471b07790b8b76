"""Channels of two sides on one scale, and how far apart they are."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz.explain.beside import apart, both
from cnnviz.mosaics import standardised

ONE = np.stack([np.full((2, 2), 2.0), [[0.0, 1.0], [2.0, 3.0]]], axis=-1).astype(np.float32)
OTHER = np.stack([np.full((2, 2), 8.0), [[0.0, 0.0], [6.0, -2.0]]], axis=-1).astype(np.float32)


def test_a_channel_is_brighter_where_it_is_stronger_on_either_side() -> None:
    first, second = both(ONE, OTHER, "channel")
    assert (first[..., 0] == round(255 / 4)).all()
    assert (second[..., 0] == 255).all()
    assert first[..., 1].tolist() == [
        [round(255 * 2 / 8), round(255 * 3 / 8)],
        [round(255 * 4 / 8), round(255 * 5 / 8)],
    ]
    assert second[..., 1].tolist() == [[64, 64], [255, 0]]


def test_one_scale_holds_for_all_channels() -> None:
    first, second = both(ONE, OTHER, "layer")
    assert (second[..., 0] == 255).all()
    assert (first[..., 0] == round(255 * 4 / 10)).all()
    assert int(second.min()) == 0
    larger = both(ONE, np.ones((3, 3, 5), np.float32), "layer")
    assert [one.shape for one in larger] == [(2, 2, 2), (3, 3, 5)]


def test_each_by_itself_is_the_tutorials_way() -> None:
    for made, values in zip(both(ONE, OTHER, "each"), (ONE, OTHER), strict=True):
        np.testing.assert_array_equal(made, standardised(values))


@pytest.mark.parametrize("scale", ["channel", "layer"])
def test_nothing_is_dark(scale: str) -> None:
    assert not any(made.any() for made in both(0 * ONE, 0 * ONE, scale))


def test_distance_is_the_mean_over_all_places() -> None:
    assert apart(ONE, OTHER).tolist() == [6.0, pytest.approx((0 + 1 + 4 + 5) / 4)]
