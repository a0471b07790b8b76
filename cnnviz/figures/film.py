"""A model learning, as a film: what it makes of the watched images, moment by moment, as an animated GIF."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cnnviz.figures.snapshots import wide_start
from cnnviz.figures.style import ACCENT, shorten
from cnnviz.images import enlarge, fit
from cnnviz.overlay import overlay
from cnnviz.probabilities import percent
from cnnviz.runs.snapshots import Probe, Snapshot

__all__ = ["film", "frame"]

SIDE = 168
"""Pixels of each image's longer side."""
COLUMNS = 6
SECONDS, HELD = 10.0, 2.0
"""How long it all takes, however many snapshots there are, and how long of that the last is held."""
_GAP, _TEXT, _CURVE = 12, 40, 30
_INK, _MUTED, _WRONG, _PAPER = "#1c2b2a", "#5f6b6a", "#b45309", "#ffffff"


def film(probe: Probe, taken: Sequence[Snapshot], head: str, title: str, *, heat: bool = True) -> bytes:
    """Returns an animated GIF that plays once and again, about `SECONDS` long, its last picture held.

    Args:
        probe: the watched images.
        taken: the model's snapshots, ascending, one at least.
        head: whose predictions, curve and Grad-CAM are shown.
        title: what stands above, such as the run's name.
        heat: whether the Grad-CAM of the true class is laid over the images, where there is one.

    Raises:
        ValueError: there are no snapshots.
    """
    if not taken:
        raise ValueError("There are no snapshots: expected one at least.")
    total = taken[-1].moment.place
    pictures = [frame(probe, taken[: at + 1], head, title, total, heat=heat) for at in range(len(taken))]
    each = (SECONDS - HELD) / max(1, len(taken) - 1)
    lasting = [round(each * 1000)] * (len(pictures) - 1) + [round(HELD * 1000)]
    file = io.BytesIO()
    first, *others = [
        Image.fromarray(one).quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE) for one in pictures
    ]
    first.save(file, "GIF", save_all=True, append_images=others, duration=lasting, loop=0, optimize=False)
    return file.getvalue()


def frame(
    probe: Probe, so_far: Sequence[Snapshot], head: str, title: str, total: float, *, heat: bool = True
) -> np.ndarray:
    """Returns one picture of the film: uint8 RGB (height, width, 3).

    Args:
        so_far: the snapshots up to this one, ascending, which is the last.
        total: the last moment's place in epochs; curves end there.
        probe, head, title, heat: see `film`.
    """
    now, count = so_far[-1], len(probe.images)
    columns = min(COLUMNS, count)
    cell = (SIDE + _GAP, SIDE + _TEXT + _CURVE + _GAP)
    size = (columns * cell[0] + _GAP, 2 * _GAP + 24 + -(-count // columns) * cell[1])
    canvas = Image.new("RGB", size, _PAPER)
    pen, large, small = ImageDraw.Draw(canvas), ImageFont.load_default(17), ImageFont.load_default(15)
    truths = [int(one) for one in probe.labels[head]]
    right = sum(int(now.probabilities[head][at].argmax()) == truth for at, truth in enumerate(truths))
    pen.text((_GAP, _GAP), shorten(title, 60), _INK, large)
    pen.text((size[0] - _GAP, _GAP), f"{now.moment}, {right} of {count} right", _MUTED, small, anchor="ra")
    for at, truth in enumerate(truths):
        left, top = _GAP + at % columns * cell[0], 2 * _GAP + 24 + at // columns * cell[1]
        canvas.paste(Image.fromarray(_seen(probe.images[at], now.cams.get(head) if heat else None, at)), (left, top))
        probabilities = now.probabilities[head][at]
        index = int(probabilities.argmax())
        colour = ACCENT if index == truth else _WRONG
        words = f"{shorten(probe.classes[head][index], 12)} {percent(float(probabilities[index]))}"
        pen.text((left, top + SIDE + 6), words, colour, large)
        _curve(pen, [(one.moment.place, float(one.probabilities[head][at][truth])) for one in so_far], total, left, top)
    return np.asarray(canvas)


def _seen(image: np.ndarray, cams: np.ndarray | None, at: int) -> np.ndarray:
    """An image with the map over it, pixels of small ones as squares: uint8 RGB, its longer side `SIDE`."""
    longest = max(image.shape[:2])
    height, width = (max(1, round(side * SIDE / longest)) for side in image.shape[:2])
    large = fit(enlarge(image, max(1, SIDE // longest)), (height, width), channels=3)
    return large if cams is None else overlay(large, np.clip(np.nan_to_num(cams[at]), 0, None))


def _curve(pen: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], total: float, left: int, top: int) -> None:
    """The probability of the true class so far, 0 to 1 from its baseline; the first epochs are drawn wider."""
    base = top + SIDE + _TEXT + _CURVE - 6
    pen.line([(left, base), (left + SIDE, base)], "#d5dbda")
    places = [(left + SIDE * wide_start(at, total), base - (_CURVE - 6) * share) for at, share in points]
    if len(places) > 1:
        pen.line(places, ACCENT, 2)
    x, y = places[-1]
    pen.ellipse((x - 3, y - 3, x + 3, y + 3), ACCENT)
