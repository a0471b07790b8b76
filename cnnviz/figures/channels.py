"""A layer's channels as one image for a page, and how its values are spread. Importing this loads no TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from markupsafe import Markup

from cnnviz.figures.html import render
from cnnviz.mosaics import FULL, Shades, channel_maps, in_colours, lay_tiles

__all__ = ["colour_bar", "columns_of", "cross_out", "on_page", "spread", "tight"]

LONGEST = 960
"""No side of a mosaic for the page is over so many pixels."""
GAP, GAP_COLOUR = 4, 128
"""So many pixels lie between tiles on the page, where these are not much smaller; in this grey."""
WIDE = 1.8
"""About how much wider than high a mosaic is."""
_LINE = (420, 96)


def columns_of(shape: tuple[int, ...], wide: float = WIDE) -> int:
    """Returns how many tiles stand in a row for a layer's output of this shape, (h, w, channels) or (units,).

    All rows are full wherever the channels can be laid out so in a shape not too far from `wide` times as wide as high;
    else the last row has few gaps.
    """
    height, width = (*shape[:-1], 1, 1)[:2] if len(shape) > 1 else (1, 1)
    count, ideal = shape[-1], math.sqrt(shape[-1] * wide * height / width)
    tried = range(max(1, min(count, math.floor(ideal / 2))), max(1, min(count, math.ceil(2 * ideal))) + 1)
    full = [one for one in tried if count % one == 0]
    return min(full or tried, key=lambda one: -count % one / count + 0.2 * abs(math.log(one / ideal)))


def tight(levels: np.ndarray, order: np.ndarray, columns: int, colour_map: str) -> np.ndarray:
    """Returns the channels in a map's colours with all their pixels and grey between them, uint8 RGB, for a file."""
    tiles = in_colours(channel_maps(levels)[..., order].transpose(2, 0, 1), colour_map)
    return lay_tiles(tiles, columns, 1, GAP_COLOUR)[:-1, :-1]


def on_page(levels: np.ndarray, order: np.ndarray, columns: int, colour_map: str, silent: np.ndarray) -> np.ndarray:
    """Returns the channels as uint8 RGB whose rows and columns of tiles are equally large to the pixel.

    Tiles are shrunk so that the whole fits `LONGEST`, and small ones enlarged so that margins and crosses stay thin.

    Args:
        levels: int16 (h, w, k) or (k,), of `mosaics.shades`.
        order: which channels, in which order.
        columns: tiles in a row.
        colour_map: of `overlay.COLOUR_MAPS`.
        silent: which channels are crossed out, bool (k,).
    """
    planes = channel_maps(levels)[..., order]
    rows = -(-len(order) // columns)
    height, width = planes.shape[:2]
    factor = LONGEST / max(columns * width, rows * height)
    factor = float(math.floor(factor)) if factor >= 1 else factor
    gap = min(GAP, *(max(1, round(side * factor) // 4) for side in (height, width)))
    size = max(1, round(height * factor) - gap), max(1, round(width * factor) - gap)
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST
    tiles = np.empty((len(order), *size, 3), np.uint8)
    for nth, channel in enumerate(order):
        plane = np.ascontiguousarray(planes[..., nth])
        tile = in_colours(cv2.resize(plane, size[::-1], interpolation=way), colour_map)
        tiles[nth] = cross_out(tile) if silent[channel] else tile
    return lay_tiles(tiles, columns, gap, GAP_COLOUR)


def cross_out(tile: np.ndarray) -> np.ndarray:
    """Returns a tile, uint8 RGB, with a cross over it, dark and light so that it is seen on every ground."""
    tile = np.ascontiguousarray(tile)
    low, right = tile.shape[0] - 1, tile.shape[1] - 1
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.line(tile, (0, 0), (right, low), colour, thickness)
        cv2.line(tile, (right, 0), (0, low), colour, thickness)
    return tile


def colour_bar(shades: Shades, channels: Sequence[int], colour_map: str, ends: tuple[str, str] | None = None) -> Markup:
    """Returns which values the colours of channels stand for, 0 marked where it has a colour; as HTML.

    Args:
        shades: of the layer.
        channels: which of them are drawn in these colours.
        colour_map: of `overlay.COLOUR_MAPS`.
        ends: what stands at its ends where channels have different values there; by default the values.
    """
    chosen = np.asarray(channels)
    low, high = float(shades.low[chosen].min()), float(shades.high[chosen].max())
    first, zero = (-FULL if low < 0 else 0) if shades.from_zero else 0, None
    if shades.from_zero and low < 0:
        zero = 50.0
    elif not shades.from_zero and ends is None and low < 0 < high:
        zero = 100 * -low / (high - low)
    left, right = ends or (f"{low:.3g}", f"{high:.3g}")
    if low < 0 and ends is not None and shades.from_zero:
        left = f"− {right}"
    png = cv2.imencode(".png", in_colours(np.arange(first, FULL + 1, dtype=np.int16)[None], colour_map)[..., ::-1])[1]
    mark = None if zero is None else f"{zero:.1f}"
    return render("colour_bar.html", png=png.tobytes(), left=left, right=right, zero=mark)


def spread(counts: np.ndarray, edges: np.ndarray, alt: str) -> Markup:
    """Returns how values are spread, as bars whose heights are the square roots of the counts; as HTML.

    Args:
        counts: of each of equal steps, int64 (n,).
        edges: of the steps, (n + 1,).
        alt: what it shows, for those who can't see it.
    """
    width, height = _LINE
    base, step = height - 18, width / len(counts)
    top = math.sqrt(max(1, int(counts.max())))
    heights = [(base - 2) * math.sqrt(count) / top for count in map(int, counts)]
    bars = [(f"{step * nth:.1f}", f"{base - high:.1f}", f"{high:.1f}") for nth, high in enumerate(heights) if high]
    low, high = float(edges[0]), float(edges[-1])
    return render(
        "spread.html",
        alt=alt,
        width=width,
        height=height,
        base=base,
        bars=bars,
        thick=f"{step - 1:.1f}",
        zero=f"{width * -low / (high - low):.1f}" if low < 0 < high else None,
        low=f"{low:.3g}",
        high=f"{high:.3g}",
    )
