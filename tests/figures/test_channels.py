"""Channels as one image, and layers as blocks."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest

from cnnviz.figures.channels import GAP, GAP_COLOUR, LONGEST, colour_bar, columns_of, on_page, spread, tight
from cnnviz.images import decode
from cnnviz.mosaics import even_columns, in_colours, shades


@pytest.mark.parametrize("shape", [(1,), (7,), (2048,), (8, 8, 1), (224, 224, 64), (1, 1000, 3), (1000, 1, 5), (9, 4)])
def test_no_row_is_longer_than_the_channels(shape: tuple[int, ...]) -> None:
    columns = columns_of(shape)
    assert 1 <= columns <= shape[-1]
    gaps = -shape[-1] % columns
    assert gaps < columns


@pytest.mark.parametrize("count", [4, 8, 10, 16, 20, 24, 32, 48, 64, 96, 256])
def test_rows_of_maps_are_full_where_they_can_be(count: int) -> None:
    assert count % columns_of((28, 28, count)) == 0
    assert count % even_columns(count, 16) == 0


def test_maps_do_not_touch() -> None:
    white = np.full((10, 10, 4), 255, np.int16)
    made, silent = tight(white, np.arange(4), 2, "viridis"), np.zeros(4, bool)
    assert (made[10] == GAP_COLOUR).all()
    assert (made[:, 10] == GAP_COLOUR).all()
    page = on_page(white, np.arange(4), 2, "viridis", silent)
    half = page.shape[0] // 2
    assert (page[half - GAP : half] == GAP_COLOUR).all()
    assert (page[:, half - GAP : half] == GAP_COLOUR).all()
    assert (page[: half - GAP, : half - GAP] == in_colours(white[:1, :1, 0])[0, 0]).all()


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
    levels = shades(values, "one").levels
    saved = tight(levels, np.array([2, 0, 1]), 2, "magma")
    assert saved.shape == (2 * 5 + 1, 2 * 4 + 1, 3)
    np.testing.assert_array_equal(saved[:5, :4], in_colours(levels[..., 2], "magma"))
    np.testing.assert_array_equal(saved[6:, :4], in_colours(levels[..., 1], "magma"))


@pytest.mark.parametrize("scale", ["each", "one"])
@pytest.mark.parametrize("colour_map", ["viridis", "magma"])
def test_a_value_has_one_colour_in_its_tile_its_large_image_and_its_file(scale: str, colour_map: str) -> None:
    values = np.random.default_rng(1).normal(0.2, 1, (4, 4, 6)).astype(np.float32) * np.arange(1, 7, dtype=np.float32)
    values[::2, ::2], values[..., 3] = 0, np.maximum(values[..., 3], 0)
    shaded = shades(values, scale)
    page = on_page(shaded.levels, np.arange(6), 3, colour_map, np.zeros(6, bool))
    file = tight(shaded.levels, np.arange(6), 3, colour_map)
    height, width = page.shape[0] // 2, page.shape[1] // 3
    zero = in_colours(np.zeros((1, 1), np.int16), colour_map)[0, 0]
    for channel in range(6):
        large = in_colours(shaded.levels[..., channel], colour_map)
        row, column = divmod(channel, 3)
        for y, x in np.ndindex(4, 4):
            tile = page[
                row * height + int((y + 0.5) * (height - 1) / 4), column * width + int((x + 0.5) * (width - 1) / 4)
            ]
            np.testing.assert_array_equal(tile, large[y, x])
            np.testing.assert_array_equal(file[row * 5 + y, column * 5 + x], large[y, x])
            assert (tile == zero).all() == (abs(values[y, x, channel]) < shaded.high[channel] / 510)


def bar(html: str) -> tuple[np.ndarray, list[str], float | None]:
    """A colour bar's colours from left to right, what stands at its ends, and where 0 is marked, in per cent."""
    colours = decode(base64.b64decode(re.search(r"base64,([^\"]+)", html).group(1)))[0]
    mark = re.search(r"left:([\d.]+)%", html)
    return colours, re.findall(r"<span>([^<]*)</span>", html), float(mark[1]) if mark else None


VALUES = np.stack([[[0.0, 1.0]], [[-2.0, 4.0]], [[5.0, 6.0]]], axis=-1).astype(np.float32)


@pytest.mark.parametrize(
    ("scale", "channel", "ends", "zero"),
    [
        ("each", 0, ["0", "1"], None),
        ("each", 1, ["-4", "4"], 50),
        ("each", 2, ["0", "6"], None),
        ("one", 0, ["0", "6"], None),
        ("one", 1, ["-6", "6"], 50),
        ("standardised", 1, ["-5", "7"], 41.7),
        ("standardised", 2, ["4.5", "6.5"], None),
    ],
)
def test_a_colour_bar_has_the_colours_of_its_values(
    scale: str, channel: int, ends: list[str], zero: float | None
) -> None:
    shaded = shades(VALUES, scale)
    colours, words, mark = bar(colour_bar(shaded, [channel], "magma"))
    assert (words, mark) == (ends, zero)
    low, high = float(shaded.low[channel]), float(shaded.high[channel])
    drawn = in_colours(shaded.levels[..., channel], "magma")[0]
    for value, colour in zip(VALUES[0, :, channel].tolist(), drawn, strict=True):
        at = colours[round((value - low) / (high - low) * (len(colours) - 1))]
        assert np.abs(at.astype(int) - colour).max() <= 8  # a level beside, as the tutorial cuts off


def test_a_bar_for_channels_with_ends_of_their_own_says_so_in_words() -> None:
    assert bar(colour_bar(shades(VALUES, "each"), [0, 2], "viridis", ("0", "<its> greatest")))[1:] == (
        ["0", "&lt;its&gt; greatest"],
        None,
    )
    assert bar(colour_bar(shades(VALUES, "each"), [0, 1, 2], "viridis", ("0", "its greatest")))[1:] == (
        ["− its greatest", "its greatest"],
        50,
    )


def test_bars_stand_for_counts_and_names_stay_text() -> None:
    drawn = spread(np.array([4, 0, 1]), np.array([-1.0, 0, 1, 2]), 'a "<b>"')
    svg = base64.b64decode(re.search(r"base64,([^\"]+)", drawn).group(1)).decode()
    heights = [float(one) for one in re.findall(r'<rect [^>]*height="([\d.]+)"', svg)]
    assert heights == pytest.approx([heights[0], heights[0] / 2], abs=0.1)
    assert "<b>" not in drawn
