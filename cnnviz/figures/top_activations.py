"""What excites a channel: images with the position that did, class means as bars, accuracies with and without it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from markupsafe import Markup

from cnnviz.figures.html import render
from cnnviz.images import enlarge, with_channels
from cnnviz.probabilities import percents

__all__ = ["draw_box", "mean_bars", "to_side", "with_and_without"]

SIDE = 144


def to_side(image: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Returns a uint8 image (h, w, c), small ones with every pixel as a square, so that the longer side is about
    `side`; large ones smaller."""
    longest = max(image.shape[:2])
    if longest > 2 * side:
        size = [max(1, round(one * side / longest)) for one in image.shape[:2]]
        smaller = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
        return smaller.reshape(*size, image.shape[2])
    return enlarge(image, math.ceil(side / longest))


def draw_box(image: np.ndarray, box: tuple[int, int, int, int], side: int = SIDE) -> np.ndarray:
    """Returns an image, enlarged or made smaller to about `side`, with a rectangle in it marked: uint8 RGB (h, w, 3).

    Args:
        image: uint8 (h, w, 1 or 3).
        box: (top, left, height, width) in the image's pixels; one without pixels is not drawn.
        side: pixels.
    """
    found = to_side(image, side)
    scale_y, scale_x = found.shape[0] / image.shape[0], found.shape[1] / image.shape[1]
    found = np.ascontiguousarray(with_channels(found, 3))
    top, left, height, width = box
    if height and width:
        first = (round(left * scale_x), round(top * scale_y))
        last = (round((left + width) * scale_x) - 1, round((top + height) * scale_y) - 1)
        for colour, thickness in (((255, 255, 255), 4), ((15, 118, 110), 2)):
            cv2.rectangle(found, first, last, colour, thickness)
    return found


def mean_bars(rows: Sequence[tuple[str, float]], alt: str) -> Markup:
    """Returns names with numbers as bars on one scale from 0, to the left where they are negative; as HTML.

    The greatest stands out.

    Args:
        rows: at least one.
        alt: what the bars show, for those who can't see them.
    """
    low, high = min(0.0, *(value for _, value in rows)), max(0.0, *(value for _, value in rows))
    span, most = (high - low) or 1.0, max(value for _, value in rows)
    drawn = [
        (name, f"{100 * (min(value, 0) - low) / span:.2f}", _width(abs(value) / span), _number(value), value == most)
        for name, value in rows
    ]
    return render("mean_bars.html", rows=drawn, alt=alt)


def with_and_without(rows: Sequence[tuple[str, float, float]], alt: str) -> Markup:
    """Returns names with two shares as thin bars, one over the other, and by how much the second differs; as HTML.

    Args:
        rows: names, the share as it is, 0..1, and the share without the channel.
        alt: what the bars show, for those who can't see them.
    """
    before, after = percents([one for _, one, _ in rows]), percents([one for _, _, one in rows])
    drawn = [
        (name, _width(with_it), _width(without), *words, _points(without - with_it), abs(without - with_it) >= 0.005)
        for (name, with_it, without), *words in zip(rows, before, after, strict=True)
    ]
    return render("with_and_without.html", rows=drawn, alt=alt)


def _width(share: float) -> str:
    """A bar's width in percent, which is never so thin that it isn't seen."""
    return f"{max(0.5, 100 * share):.2f}"


def _points(change: float) -> str:
    points = round(100 * change, 1)
    return "±0" if not points else f"{points:+.1f}".replace("-", "−")


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
