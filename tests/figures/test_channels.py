"""Channels as one picture, and layers as blocks."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest

from cnnviz.figures.channels import LONGEST, columns_of, on_page, spread, tight
from cnnviz.mosaics import in_colours, raw


@pytest.mark.parametrize("shape", [(1,), (7,), (2048,), (8, 8, 1), (224, 224, 64), (1, 1000, 3), (1000, 1, 5), (9, 4)])
def test_no_row_is_longer_than_the_channels(shape: tuple[int, ...]) -> None:
    columns = columns_of(shape)
    assert 1 <= columns <= shape[-1]
    gaps = -shape[-1] % columns
    assert gaps < columns


@pytest.mark.parametrize(("side", "count"), [(3, 10), (224, 9), (1, 40)])
def test_every_tile_is_where_a_click_on_it_is_taken_to_be(side: int, count: int) -> None:
    rng = np.random.default_rng(side)
    grey = np.broadcast_to(rng.permutation(200)[:count].astype(np.uint8), (side, side, count))
    order, columns = rng.permutation(count), 4
    drawn = on_page(grey, order, columns, "viridis", np.zeros(count, bool))
    rows = -(-count // columns)
    assert max(drawn.shape) <= LONGEST
    assert (drawn.shape[0] % rows, drawn.shape[1] % columns) == (0, 0)
    for nth, channel in enumerate(order):
        row, column = divmod(nth, columns)
        at = int((row + 0.5) * drawn.shape[0] / rows), int((column + 0.5) * drawn.shape[1] / columns)
        np.testing.assert_array_equal(drawn[at], in_colours(grey[:1, :1, channel])[0, 0])


def test_silent_channels_alone_are_crossed_out() -> None:
    grey, silent = np.zeros((16, 16, 4), np.uint8), np.array([False, True, False, False])
    drawn = on_page(grey, np.arange(4), 2, "viridis", silent)
    plain = on_page(grey, np.arange(4), 2, "viridis", np.zeros(4, bool))
    changed = (drawn != plain).any(axis=2)
    half = drawn.shape[0] // 2
    assert changed[:half, half:].any()
    changed[:half, half:] = False
    assert not changed.any()


def test_a_saved_mosaic_has_every_pixel() -> None:
    values = np.random.default_rng(0).random((5, 4, 3)).astype(np.float32)
    saved = tight(raw(values), np.array([2, 0, 1]), 2, "magma")
    assert saved.shape == (2 * 5 + 1, 2 * 4 + 1, 3)
    np.testing.assert_array_equal(saved[:5, :4], in_colours(raw(values)[..., 2], "magma"))
    np.testing.assert_array_equal(saved[6:, :4], in_colours(raw(values)[..., 1], "magma"))


def test_bars_stand_for_counts_and_names_stay_text() -> None:
    drawn = spread(np.array([4, 0, 1]), np.array([-1.0, 0, 1, 2]), 'a "<b>"')
    svg = base64.b64decode(re.search(r"base64,([^\"]+)", drawn).group(1)).decode()
    heights = [float(one) for one in re.findall(r'<rect [^>]*height="([\d.]+)"', svg)]
    assert heights == pytest.approx([heights[0], heights[0] / 2], abs=0.1)
    assert "<b>" not in drawn
