"""Drawings as models of small grey images see them: strokes to an image, and an image prepared as MNIST's were."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence

import cv2
import numpy as np

from cnnviz.errors import ImageError

__all__ = ["MOST_POINTS", "Strokes", "checked_strokes", "pack_strokes", "prepare", "rasterize", "unpack_strokes"]

Strokes = tuple[tuple[int, ...], ...]
"""Each is x, y, x, y, … from 0 to 255, from the pad's left and its top on."""
MOST_POINTS = 4000
PAD, WIDTH = 280, 20
"""The pad's side and a stroke's width, in pixels."""
_SHARE = 20 / 28
_EMPTY = "Draw a digit."


def rasterize(strokes: Strokes) -> np.ndarray:
    """Returns strokes as a person sees them on the pad: white on black, smooth at their rims, uint8 (280, 280)."""
    canvas = np.zeros((PAD, PAD), np.uint8)
    for stroke in strokes:
        points = np.array(stroke, np.float64).reshape(-1, 2) * ((PAD - 1) / 255)
        fixed = np.rint(points * 16).astype(np.int32)  # sixteenths of a pixel
        if len(fixed) == 1:
            cv2.circle(canvas, tuple(map(int, fixed[0])), WIDTH * 8, 255, -1, cv2.LINE_AA, 4)
        cv2.polylines(canvas, [fixed], False, 255, WIDTH, cv2.LINE_AA, 4)
    return canvas


def prepare(canvas: np.ndarray, size: tuple[int, int] = (28, 28)) -> np.ndarray:
    """Returns a drawing as MNIST's digits were: in a box of 20/28 of the side, its centre of mass in the middle.

    It keeps its aspect, is made smaller by the mean of what each pixel covers, and is moved by whole pixels, at most so
    far that nothing is cut off.

    Args:
        canvas: white on black, uint8 (h, w).
        size: (height, width) of the images that the model takes.

    Returns:
        uint8 (height, width, 1).

    Raises:
        ImageError: nothing is drawn.

    Source:
        LeCun et al. 1998 and yann.lecun.com/exdb/mnist.
    """
    rows, columns = np.flatnonzero(canvas.any(axis=1)), np.flatnonzero(canvas.any(axis=0))
    if not len(rows):
        raise ImageError(_EMPTY)
    part = canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box = max(1, round(min(size) * _SHARE))
    scale = box / max(part.shape)
    height, width = (max(1, round(side * scale)) for side in part.shape)
    small = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    made = np.zeros((*size, 1), np.uint8)
    top, left = (_start(small.sum(axis=1 - axis, dtype=np.float64), size[axis]) for axis in (0, 1))
    made[top : top + height, left : left + width, 0] = small
    return made


def _start(mass: np.ndarray, side: int) -> int:
    """Where a profile begins so that its centre of mass is in the middle of the side."""
    centre = float((mass * np.arange(len(mass))).sum() / mass.sum()) if mass.sum() else (len(mass) - 1) / 2
    return int(np.clip(round((side - 1) / 2 - centre), 0, side - len(mass)))


def checked_strokes(given: object) -> Strokes:
    """Returns strokes as a browser gave them.

    Raises:
        ImageError: these are no strokes, or more than `MOST_POINTS` points.
    """
    strokes: list[tuple[int, ...]] = []
    for stroke in given if isinstance(given, (list, tuple)) else [None]:
        listed = tuple(stroke) if isinstance(stroke, (list, tuple)) else ()
        if not listed or len(listed) % 2 or not all(type(one) is int and 0 <= one <= 255 for one in listed):
            raise ImageError("The drawing can't be read: draw it again.")
        strokes.append(listed)
    if sum(map(len, strokes)) > 2 * MOST_POINTS:
        raise ImageError(f"The drawing has more than {MOST_POINTS:,} points: clear the pad and draw it again.")
    return tuple(strokes)


def pack_strokes(strokes: Sequence[Sequence[int]]) -> str:
    """Returns strokes as letters, digits, "-" and "_", for an address.

    Example:
        >>> unpack_strokes(pack_strokes([(1, 2, 3, 4), (255, 0)]))
        ((1, 2, 3, 4), (255, 0))
    """
    data = b"".join(len(stroke).to_bytes(2, "big") + bytes(stroke) for stroke in strokes)
    return base64.urlsafe_b64encode(zlib.compress(data, 9)).decode().rstrip("=")


def unpack_strokes(text: str) -> Strokes:
    """Returns the strokes that `pack_strokes` made a text of.

    Raises:
        ImageError: a text that was cut off or changed, or too many points.
    """
    try:
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), 8 * MOST_POINTS)
        whole = unpacking.eof
    except (ValueError, zlib.error):
        whole, data = False, b""
    strokes, at = [], 0
    while whole and at < len(data):
        count = int.from_bytes(data[at : at + 2], "big")
        strokes.append(tuple(data[at + 2 : at + 2 + count]))
        whole = len(strokes[-1]) == count
        at += 2 + count
    if not whole:
        raise ImageError("The drawing in the link can't be read: it was cut off or changed on its way.")
    return checked_strokes(strokes)
