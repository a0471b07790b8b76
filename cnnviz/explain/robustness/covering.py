"""An image with a box of it covered, to see what a model makes of the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnviz.errors import ImageError, one_of
from cnnviz.explain.metrics.deletion_insertion import blur, mean_colour

__all__ = ["COVERS", "GREY", "cover", "pixel_box"]

COVERS = {"blur": "Blur", "grey": "Grey", "mean": "Mean colour"}
"""What a box can be covered with, and what a page calls it."""
GREY = 128


def cover(image: np.ndarray, box: Sequence[int], how: str = "grey") -> np.ndarray:
    """Returns a copy of an image whose box shows nothing of what was there: uint8 (height, width, channels).

    Args:
        image: uint8 (height, width, channels).
        box: (top, left, height, width) in pixels.
        how: "blur" is the image blurred, by a Gaussian of a tenth of a side; "grey" is 128; "mean" the image's mean
            colour.

    Raises:
        ImageError: no such way to cover, a box that is not within the image, or an image of another kind.
    """
    if how not in COVERS:
        raise ImageError(f"There is no cover {how!r}: {one_of(how, COVERS)}.")
    if image.dtype != np.uint8 or image.ndim != 3:
        raise ImageError(f"The image is {image.dtype} {image.shape}: expected uint8 (height, width, channels).")
    top, left, height, width = box
    if min(top, left) < 0 or min(height, width) < 1 or top + height > image.shape[0] or left + width > image.shape[1]:
        raise ImageError(
            f"The box {tuple(box)} (top, left, height, width) isn't within {image.shape[0]} × {image.shape[1]}."
        )
    part = np.s_[top : top + height, left : left + width]
    made = image.copy()
    made[part] = GREY if how == "grey" else (blur if how == "blur" else mean_colour)(image)[part]
    return made


def pixel_box(percents: Sequence[float], shape: Sequence[int]) -> tuple[int, int, int, int]:
    """Returns a box (left, top, width, height), in percent of an image's sides, in its pixels.

    Its edges are those of pixels, the nearest ones, and it has one pixel at least.

    Args:
        percents: each 0..100, the box within the image.
        shape: (height, width, …) of the image.

    Returns:
        (top, left, height, width), as `cover` takes it.
    """
    left, top, width, height = percents
    found = []
    for start, length, side in ((top, height, shape[0]), (left, width, shape[1])):
        first = min(side - 1, round(start * side / 100))
        found.append((first, max(1, round((start + length) * side / 100) - first)))
    (first_row, rows), (first_column, columns) = found
    return first_row, first_column, rows, columns
