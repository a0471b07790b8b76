"""A layer as a small image: its strongest channel, or bars."""

from __future__ import annotations

import numpy as np

from cnnviz.figures.layer_tiles import SIDE, bars, strongest_channel, tile
from cnnviz.mosaics import in_colours


def test_a_tile_is_the_channel_with_the_largest_mean() -> None:
    values = np.zeros((4, 4, 3), np.float32)
    values[0, 0, 0], values[..., 2] = 9, 1  # a mean of 9/16 against 1
    values[1, 2, 2] = 2
    image, channel = tile(values)
    assert (strongest_channel(values), channel) == (2, 2)
    np.testing.assert_array_equal(image[1, 2], in_colours(np.array([[255]]))[0, 0])
    np.testing.assert_array_equal(image[0, 0], in_colours(np.array([[128]]))[0, 0])


def test_large_maps_become_small_and_keep_their_shape() -> None:
    image, _ = tile(np.random.default_rng(0).random((200, 100, 2)).astype(np.float32))
    assert image.shape == (SIDE, SIDE // 2, 3)


def test_bars_are_as_long_as_the_values_are_large() -> None:
    drawn = bars(np.array([0.25, 1.0, 0.0, 0.5], np.float32), height=40, width=20)
    lengths = (drawn[[5, 15, 25, 35], :, 3] == 255).sum(axis=1)
    assert lengths.tolist() == [5, 20, 0, 10]
    assert bars(np.ones(1000, np.float32)).shape == (SIDE, 28, 4)
    assert not (bars(np.zeros(3, np.float32))[..., 3] == 255).any()


def test_values_that_are_no_numbers_do_not_win() -> None:
    values = np.ones((2, 2, 2), np.float32)
    values[0, 0, 1] = np.nan
    assert strongest_channel(values) == 0
