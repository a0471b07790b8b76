"""What excites a channel: images with the position that did, class means as bars, accuracies with and without it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from cnnviz.figures.prediction import ACCENT
from cnnviz.figures.style import escape_attr, escape_text
from cnnviz.probabilities import percents

__all__ = ["draw_box", "enlarge", "mean_bars", "with_and_without"]

SIDE = 144
_OFF = "#d97706"
_TRACK = "rgb(128 128 128 / 0.15)"
_MUTED = "rgb(128 128 128 / 0.5)"
_ROWS = "gap:0.3rem 0.6rem;align-items:center;font-size:0.85rem;font-variant-numeric:tabular-nums"


def enlarge(image: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Returns a uint8 image (h, w, c), small ones with every pixel as a square, so that the longer side is about
    `side`; large ones smaller."""
    longest = max(image.shape[:2])
    if longest > 2 * side:
        size = [max(1, round(one * side / longest)) for one in image.shape[:2]]
        smaller = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
        return smaller.reshape(*size, image.shape[2])
    factor = max(1, math.ceil(side / longest))
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def draw_box(image: np.ndarray, box: tuple[int, int, int, int], side: int = SIDE) -> np.ndarray:
    """Returns an image, enlarged or made smaller to about `side`, with a rectangle in it marked: uint8 RGB (h, w, 3).

    Args:
        image: uint8 (h, w, 1 or 3).
        box: (top, left, height, width) in the image's pixels; one without pixels is not drawn.
        side: pixels.
    """
    found = enlarge(image, side)
    scale_y, scale_x = found.shape[0] / image.shape[0], found.shape[1] / image.shape[1]
    found = np.ascontiguousarray(np.repeat(found, 3, axis=2) if found.shape[2] == 1 else found)
    top, left, height, width = box
    if height and width:
        first = (round(left * scale_x), round(top * scale_y))
        last = (round((left + width) * scale_x) - 1, round((top + height) * scale_y) - 1)
        for colour, thickness in (((255, 255, 255), 4), ((15, 118, 110), 2)):
            cv2.rectangle(found, first, last, colour, thickness)
    return found


def mean_bars(rows: Sequence[tuple[str, float]], alt: str) -> str:
    """Returns names with numbers as bars on one scale from 0, to the left where they are negative; as HTML.

    The greatest stands out.

    Args:
        rows: at least one.
        alt: what the bars show, for those who can't see them.
    """
    low, high = min(0.0, *(value for _, value in rows)), max(0.0, *(value for _, value in rows))
    span, most = (high - low) or 1.0, max(value for _, value in rows)
    drawn = "".join(
        f'{_name(name, bold=value == most)}<div style="position:relative;height:0.55rem;border-radius:0.2rem;'
        f'background:{_TRACK}"><div style="position:absolute;left:{100 * (min(value, 0) - low) / span:.2f}%;width:'
        f"{max(0.5, 100 * abs(value) / span):.2f}%;height:100%;border-radius:0.2rem;background:"
        f'{ACCENT if value == most else _MUTED}"></div></div><div style="text-align:right">{_number(value)}</div>'
        for name, value in rows
    )
    return (
        f'<div role="group" aria-label="{escape_attr(alt)}" style="display:grid;grid-template-columns:fit-content(45%) '
        f'minmax(3rem,1fr) max-content;{_ROWS}">{drawn}</div>'
    )


def with_and_without(rows: Sequence[tuple[str, float, float]], alt: str) -> str:
    """Returns names with two shares as thin bars, one over the other, and by how much the second differs; as HTML.

    Args:
        rows: names, the share as it is, 0..1, and the share without the channel.
        alt: what the bars show, for those who can't see them.
    """
    drawn = "".join(
        f'{_name(name)}<div>{_share(with_it, ACCENT)}{_share(without, _OFF)}</div><div style="text-align:right">'
        f'{escape_text(before, 20)} → {escape_text(after, 20)}</div><div style="text-align:right;font-weight:'
        f'{600 if abs(without - with_it) >= 0.005 else 400}">{_points(without - with_it)}</div>'
        for (name, with_it, without), before, after in zip(
            rows, percents([one for _, one, _ in rows]), percents([one for _, _, one in rows]), strict=True
        )
    )
    return (
        f'<div role="group" aria-label="{escape_attr(alt)}" style="display:grid;grid-template-columns:fit-content(40%) '
        f'minmax(2.5rem,1fr) max-content max-content;{_ROWS}">{drawn}</div>'
    )


def _name(name: str, *, bold: bool = False) -> str:
    return (
        f'<div title="{escape_attr(name)}" style="overflow:hidden;text-overflow:ellipsis;white-space:nowrap;'
        "font-weight:"
        f'{600 if bold else 400}">{escape_text(name, 60)}</div>'
    )


def _share(share: float, colour: str) -> str:
    return (
        f'<div style="height:0.35rem;margin:1px 0;border-radius:0.2rem;background:{_TRACK}"><div style="width:'
        f'{max(0.5, 100 * share):.2f}%;height:100%;border-radius:0.2rem;background:{colour}"></div></div>'
    )


def _points(change: float) -> str:
    points = round(100 * change, 1)
    return "±0" if not points else f"{points:+.1f}".replace("-", "−")


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
