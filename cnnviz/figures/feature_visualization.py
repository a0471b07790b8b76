"""Feature visualizations of many filters as one image, and that image on a page with what can be said of each."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np

from cnnviz.figures.style import escape_attr

__all__ = ["COLUMNS", "MARGIN", "grid", "on_page"]

COLUMNS, MARGIN = 8, 5
"""The tutorial's grid."""
_ABOVE = "12rem"
"""Left of a window's height for what stands above the grid."""
MARKED = "#f2a900"


def grid(images: np.ndarray, columns: int = COLUMNS, margin: int = MARGIN) -> np.ndarray:
    """Returns images beside each other in rows, black between them: uint8 (h, w, c).

    Args:
        images: uint8 (n, height, width, c), n from 1.
        columns: at most so many in a row.
        margin: pixels between images.
    """
    count, height, width, channels = images.shape
    columns = min(columns, count)
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
) -> str:
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
    columns = min(columns, len(words))
    cells = []
    for nth, word in enumerate(words):
        top, left = (nth // columns) * (side + margin), (nth % columns) * (side + margin)
        frame = f"outline:3px solid {MARKED};outline-offset:-1px;" if nth == marked else ""
        cells.append(
            f'<span title="{escape_attr(word)}" style="position:absolute;{frame}left:{100 * left / width:.3f}%;top:'
            f'{100 * top / height:.3f}%;width:{100 * side / width:.3f}%;height:{100 * side / height:.3f}%"></span>'
        )
    kind = "jpeg" if file.startswith(b"\xff\xd8") else "png"
    sharp = "image-rendering:pixelated;" if side < 40 else ""
    return (
        f'<div role="img" aria-label="{escape_attr(alt)}" style="position:relative;aspect-ratio:{width}/{height};'
        f"width:min(100%, {width * 2}px, max(16rem, (100vh - {_ABOVE}) * {width / height:.3f}));"
        f'background:#000;border-radius:0.25rem;overflow:hidden">'
        f'<img alt="" src="data:image/{kind};base64,{base64.b64encode(file).decode()}" style="width:100%;height:100%;'
        f'display:block;{sharp}">{"".join(cells)}</div>'
    )
