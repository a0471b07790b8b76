"""Feature visualizations of many filters as one image, and that image on a page with what can be said of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from cnnviz.figures.html import render
from cnnviz.mosaics import even_columns

__all__ = ["COLUMNS", "MARGIN", "grid", "on_page"]

COLUMNS, MARGIN = 8, 5
"""The tutorial's grid."""


def grid(images: np.ndarray, columns: int = COLUMNS, margin: int = MARGIN) -> np.ndarray:
    """Returns images beside each other in rows, black between them: uint8 (h, w, c).

    Args:
        images: uint8 (n, height, width, c), n from 1.
        columns: at most so many in a row, see `mosaics.even_columns`.
        margin: pixels between images.
    """
    count, height, width, channels = images.shape
    columns = even_columns(count, columns)
    rows = -(-count // columns)
    canvas = np.zeros((rows * (height + margin) - margin, columns * (width + margin) - margin, channels), np.uint8)
    for nth, image in enumerate(images):
        top, left = (nth // columns) * (height + margin), (nth % columns) * (width + margin)
        canvas[top : top + height, left : left + width] = image
    return canvas


def on_page(
    file: bytes,
    shape: tuple[int, ...],
    words: Sequence[str],
    *,
    side: int,
    alt: str,
    marked: int | None = None,
    columns: int = COLUMNS,
    margin: int = MARGIN,
) -> Markup:
    """Returns a `grid` as HTML, in which each image tells of itself under the pointer; all of it fits a window.

    Args:
        file: the grid as PNG or JPEG bytes.
        shape: the grid's (height, width, …) in pixels.
        words: what is said of each image; names in it become text.
        side: of each image, in pixels.
        alt: what the grid shows, for those who can't see it.
        marked: which image has a frame.
        columns: as the grid's.
        margin: as the grid's.
    """
    height, width = shape[:2]
    columns = even_columns(len(words), columns)
    cells = []
    for nth, word in enumerate(words):
        top, left = (nth // columns) * (side + margin), (nth % columns) * (side + margin)
        cells.append((word, f"{100 * left / width:.3f}", f"{100 * top / height:.3f}", nth == marked))
    return render(
        "feature_visualizations.html",
        file=file,
        alt=alt,
        width=width,
        height=height,
        wide=f"{width / height:.3f}",
        pixelated=side < 40,
        cells=cells,
        cell_width=f"{100 * side / width:.3f}",
        cell_height=f"{100 * side / height:.3f}",
    )
