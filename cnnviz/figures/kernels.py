"""Kernels as images: every filter's weights for every input in one mosaic, with what their colours mean."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from cnnviz.figures.html import render
from cnnviz.images import enlarge
from cnnviz.mosaics import even_columns, lay_tiles

__all__ = ["Mosaic", "colour_scale", "grid_of", "matrix_of", "norm_bars", "to_width"]

_MARGIN = np.array((150, 154, 153), np.uint8)
_PIXEL, _GAP = 4, 2
"""How many pixels of a mosaic a weight is high and wide, and how many lie between kernels."""


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

    @property
    def tight(self) -> np.ndarray:
        """The image without the margin at its right and below it, which makes all places equally large."""
        gap = self.image.shape[1] // self.columns % _PIXEL
        return np.ascontiguousarray(self.image[:-gap, :-gap])


def grid_of(tiles: np.ndarray, filters: np.ndarray, columns: int = 16) -> Mosaic:
    """Returns a tile for each filter, in rows.

    Args:
        tiles: uint8 (n, h, w, 3).
        filters: which filter each is of, int64 (n,).
        columns: tiles in a row, at most.
    """
    count = len(tiles)
    columns = even_columns(count, columns)
    rows = -(-count // columns)
    numbers = np.full(rows * columns, -1, np.int64)
    numbers[:count] = filters
    return Mosaic(_laid(tiles, columns), rows, columns, numbers, np.full(rows * columns, -1, np.int64))


def matrix_of(tiles: np.ndarray, filters: np.ndarray, inputs: np.ndarray) -> Mosaic:
    """Returns a row for each filter and a column for each of its inputs.

    Args:
        tiles: uint8 (n, m, h, w, 3).
        filters: which filter each row is of, int64 (n,).
        inputs: which input each column is of, int64 (m,).
    """
    rows, columns = tiles.shape[:2]
    flat = tiles.reshape(rows * columns, *tiles.shape[2:])
    return Mosaic(_laid(flat, columns), rows, columns, np.repeat(filters, columns), np.tile(inputs, rows))


def _laid(tiles: np.ndarray, columns: int) -> np.ndarray:
    margin = 1 if tiles.shape[1] == tiles.shape[2] == 1 else _GAP
    return lay_tiles(tiles.repeat(_PIXEL, axis=1).repeat(_PIXEL, axis=2), columns, margin, _MARGIN)


def to_width(image: np.ndarray, pixels: int) -> np.ndarray:
    """Returns an image with every pixel as a square, as large as a whole factor makes it without being wider."""
    return enlarge(image, pixels // max(image.shape[1], 1))


def colour_scale(
    low: tuple[int, int, int], middle: tuple[int, int, int], high: tuple[int, int, int], greatest: float
) -> Markup:
    """Returns a bar of colours from -`greatest` over 0 to `greatest`, with these numbers; as HTML."""
    colours = ",".join(f"rgb{one}" for one in (low, middle, high))
    return render("colour_scale.html", colours=colours, greatest=f"{greatest:.3g}")


def norm_bars(norms: np.ndarray, marked: int, what: str = "Norm of each filter's weights") -> Markup:
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
        high = float(part.max())
        bars.append((at, f"{high:.3g}", f"{max(1, 100 * high / greatest):.1f}", start <= marked < start + step))
    low = float(norms.min(initial=greatest))
    return render("norm_bars.html", bars=bars, what=what, low=f"{low:.3g}", greatest=f"{greatest:.3g}")
