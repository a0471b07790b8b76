"""A layer's channels as one image for a page, and how its values are spread. Importing this loads no TensorFlow."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence

import cv2
import numpy as np

from cnnviz.figures.prediction import ACCENT
from cnnviz.figures.style import escape_attr, escape_text
from cnnviz.mosaics import FULL, Shades, channel_maps, in_colours, mosaic

__all__ = ["colour_bar", "columns_of", "cross_out", "on_page", "spread", "tight"]

LONGEST = 960
"""No side of a mosaic for the page is over so many pixels."""
WIDE = 1.8
"""About how much wider than high a mosaic is."""
_LINE = (420, 96)


def columns_of(shape: tuple[int, ...], wide: float = WIDE) -> int:
    """Returns how many tiles stand in a row for a layer's output of this shape, (h, w, channels) or (units,).

    Such that the last row has few gaps, and the whole is about `wide` times as wide as high.
    """
    height, width = (*shape[:-1], 1, 1)[:2] if len(shape) > 1 else (1, 1)
    count, ideal = shape[-1], math.sqrt(shape[-1] * wide * height / width)
    tried = range(max(1, min(count, math.floor(0.7 * ideal))), max(1, min(count, math.ceil(1.4 * ideal))) + 1)
    return min(tried, key=lambda one: -count % one / count + 0.2 * abs(math.log(one / ideal)))


def tight(levels: np.ndarray, order: np.ndarray, columns: int, colour_map: str) -> np.ndarray:
    """Returns the channels in a map's colours with all their pixels, uint8 RGB, for a file."""
    return in_colours(mosaic(channel_maps(levels), order, columns, margin=1), colour_map)


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
    size = max(1, round(height * factor) - 1), max(1, round(width * factor) - 1)
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST
    canvas = np.full((rows * (size[0] + 1), columns * (size[1] + 1), 3), 128, np.uint8)
    for nth in range(len(order)):
        top, left = (nth // columns) * (size[0] + 1), (nth % columns) * (size[1] + 1)
        plane = np.ascontiguousarray(planes[..., nth])
        tile = in_colours(cv2.resize(plane, size[::-1], interpolation=way), colour_map)
        canvas[top : top + size[0], left : left + size[1]] = cross_out(tile) if silent[order[nth]] else tile
    return canvas


def cross_out(tile: np.ndarray) -> np.ndarray:
    """Returns a tile, uint8 RGB, with a cross over it, dark and light so that it is seen on every ground."""
    tile = np.ascontiguousarray(tile)
    low, right = tile.shape[0] - 1, tile.shape[1] - 1
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.line(tile, (0, 0), (right, low), colour, thickness)
        cv2.line(tile, (right, 0), (0, low), colour, thickness)
    return tile


def colour_bar(shades: Shades, channels: Sequence[int], colour_map: str, ends: tuple[str, str] | None = None) -> str:
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
    words = [escape_text(one, 60) for one in ends or (f"{low:.3g}", f"{high:.3g}")]
    if low < 0 and ends is not None and shades.from_zero:
        words[0] = f"− {words[1]}"
    png = cv2.imencode(".png", in_colours(np.arange(first, FULL + 1, dtype=np.int16)[None], colour_map)[..., ::-1])[1]
    mark = (
        ""
        if zero is None
        else (
            f'<span style="position:absolute;left:{zero:.1f}%;top:0;bottom:0;border-left:2px solid currentColor">'
            "</span>"
            f'<span style="position:absolute;left:{zero:.1f}%;bottom:100%;transform:translateX(-50%)">0</span>'
        )
    )
    alt = f"Colours from {words[0]} to {words[1]}" + (", 0 is marked" if zero is not None else "")
    return (
        '<div style="max-width:20rem;font-size:0.8rem;line-height:1.3;font-variant-numeric:tabular-nums">'
        f'<div style="position:relative;margin-top:{"1.4em" if mark else "0"}"><img class="colour-bar" '
        f'alt="{escape_attr(alt)}" src="data:image/png;base64,{base64.b64encode(png.tobytes()).decode()}" '
        f'style="display:block;width:100%;height:10px;border-radius:2px">{mark}</div>'
        '<div style="display:flex;justify-content:space-between;gap:2rem">'
        f"<span>{words[0]}</span><span>{words[1]}</span></div></div>"
    )


def spread(counts: np.ndarray, edges: np.ndarray, alt: str) -> str:
    """Returns how values are spread, as bars whose heights are the square roots of the counts; as HTML.

    Args:
        counts: of each of equal steps, int64 (n,).
        edges: of the steps, (n + 1,).
        alt: what it shows, for those who can't see it.
    """
    width, height = _LINE
    base, step = height - 18, width / len(counts)
    top = math.sqrt(max(1, int(counts.max())))
    bars = "".join(
        f'<rect x="{step * nth:.1f}" y="{base - (base - 2) * math.sqrt(count) / top:.1f}" width="{step - 1:.1f}" '
        f'height="{(base - 2) * math.sqrt(count) / top:.1f}" fill="{ACCENT}"/>'
        for nth, count in enumerate(map(int, counts))
        if count
    )
    low, high = float(edges[0]), float(edges[-1])
    zero = width * -low / (high - low) if low < 0 < high else None
    line = f'<line x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{base}" stroke="#808080"/>' if zero is not None else ""
    ends = "".join(
        f'<text x="{x}" y="{height - 4}" text-anchor="{anchor}" font-size="12" font-family="sans-serif" '
        f'fill="#808080">{value:.3g}</text>'
        for x, anchor, value in ((0, "start", low), (width, "end", high))
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{bars}{line}'
        f'<line x1="0" x2="{width}" y1="{base}" y2="{base}" stroke="#808080" stroke-opacity="0.6"/>{ends}</svg>'
    )
    data = base64.b64encode(svg.encode()).decode()
    return (
        f'<img alt="{escape_attr(alt)}" title="{escape_attr(alt)}" src="data:image/svg+xml;base64,{data}" '
        f'style="width:100%;max-width:{width}px">'
    )
