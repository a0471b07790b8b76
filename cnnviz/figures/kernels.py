"""Kernels as images: every filter's weights for every input in one mosaic, with what their colours mean."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from cnnviz.figures.style import escape_attr, escape_text

__all__ = ["Mosaic", "colour_scale", "enlarge", "grid_of", "matrix_of", "norm_bars"]

_MARGIN = np.array((150, 154, 153), np.uint8)
_PIXEL = 4
"""How many pixels of a mosaic a weight is high and wide, next to a margin of one."""


@dataclass(frozen=True, eq=False)
class Mosaic:
    """Tiles of one size in rows and columns.

    Attributes:
        image: uint8 (h, w, 3), grey between the tiles.
        rows, columns: how many tiles.
        filters: which filter each tile is of, int64 (rows · columns,), row by row; -1 for none.
        inputs: which of the filter's inputs, the same; -1 where a tile shows all of them.
    """

    image: np.ndarray
    rows: int
    columns: int
    filters: np.ndarray
    inputs: np.ndarray


def grid_of(tiles: np.ndarray, filters: np.ndarray, columns: int = 16) -> Mosaic:
    """Returns a tile for each filter, in rows.

    Args:
        tiles: uint8 (n, h, w, 3).
        filters: which filter each is of, int64 (n,).
        columns: tiles in a row, at most.
    """
    count = len(tiles)
    columns = max(1, min(columns, count))
    rows = -(-count // columns)
    spread = np.full((rows * columns, *tiles.shape[1:]), _MARGIN, np.uint8)
    spread[:count] = tiles
    numbers = np.full(rows * columns, -1, np.int64)
    numbers[:count] = filters
    return Mosaic(_laid(spread, rows, columns), rows, columns, numbers, np.full(rows * columns, -1, np.int64))


def matrix_of(tiles: np.ndarray, filters: np.ndarray, inputs: np.ndarray) -> Mosaic:
    """Returns a row for each filter and a column for each of its inputs.

    Args:
        tiles: uint8 (n, m, h, w, 3).
        filters: which filter each row is of, int64 (n,).
        inputs: which input each column is of, int64 (m,).
    """
    rows, columns = tiles.shape[:2]
    flat = tiles.reshape(rows * columns, *tiles.shape[2:])
    return Mosaic(_laid(flat, rows, columns), rows, columns, np.repeat(filters, columns), np.tile(inputs, rows))


def _laid(tiles: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Tiles with a margin at the right and below each, so that all positions of the mosaic are equally large."""
    margin = 0 if tiles.shape[1] == tiles.shape[2] == 1 else 1
    tiles = tiles.repeat(_PIXEL, axis=1).repeat(_PIXEL, axis=2)
    height, width = tiles.shape[1:3]
    canvas = np.empty((rows, columns, height + margin, width + margin, 3), np.uint8)
    canvas[:] = _MARGIN
    canvas[:, :, :height, :width] = tiles.reshape(rows, columns, height, width, 3)
    return np.ascontiguousarray(
        canvas.transpose(0, 2, 1, 3, 4).reshape(rows * (height + margin), columns * (width + margin), 3)
    )


def enlarge(image: np.ndarray, pixels: int) -> np.ndarray:
    """Returns an image with every pixel as a square, as large as a whole factor makes it without being wider."""
    factor = max(1, pixels // max(image.shape[1], 1))
    size = (image.shape[1] * factor, image.shape[0] * factor)
    return cv2.resize(image, size, interpolation=cv2.INTER_NEAREST)


def colour_scale(
    low: tuple[int, int, int], middle: tuple[int, int, int], high: tuple[int, int, int], greatest: float
) -> str:
    """Returns a bar of colours from -`greatest` over 0 to `greatest`, with these numbers; as HTML."""
    colours = ",".join(f"rgb{one}" for one in (low, middle, high))
    number = escape_text(f"{greatest:.3g}", 12)
    return (
        '<div style="display:flex;align-items:center;gap:0.5rem;font-size:0.85rem;font-variant-numeric:tabular-nums">'
        f'<span>−{number}</span><span role="img" aria-label="Colours from minus {number} to {number}" '
        f'style="width:9rem;height:0.7rem;border-radius:0.2rem;background:linear-gradient(90deg,{colours})"></span>'
        f"<span>{number}</span></div>"
    )


def norm_bars(norms: np.ndarray, marked: int, what: str = "Norm of each filter's weights") -> str:
    """Returns thin bars for the filters' norms in order, one of them marked, numbers as tooltips; as HTML.

    Args:
        norms: float (n,), at least 0; of more than 512 the greatest of neighbours are drawn.
        marked: whose bar stands out.
        what: what the bars are.
    """
    step = math.ceil(len(norms) / 512)
    greatest = float(norms.max(initial=0)) or 1.0
    bars = []
    for start in range(0, len(norms), step):
        part = norms[start : start + step]
        at = start + int(part.argmax())
        high = 100 * float(part.max()) / greatest
        colour = "#d9480f" if start <= marked < start + step else "rgb(20 153 140 / 0.75)"
        bars.append(
            f'<div title="filter {at}: {float(part.max()):.3g}" style="flex:1 1 0;min-width:0;'
            f'height:{max(1, high):.1f}%;background:{colour}"></div>'
        )
    return (
        f'<div role="img" aria-label="{escape_attr(what)}: from {float(norms.min(initial=greatest)):.3g} to '
        f'{greatest:.3g}" '
        'style="display:flex;align-items:flex-end;gap:1px;height:4.5rem;border-bottom:1px solid rgb(128 128 128 / '
        f'0.5)">{"".join(bars)}</div>'
    )
