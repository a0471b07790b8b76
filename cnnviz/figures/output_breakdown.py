"""A number taken apart, as pieces of HTML: windows of values with their products, and lines that add up."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from markupsafe import Markup

from cnnviz.figures.html import render

__all__ = ["Line", "Window", "curve", "decimals", "ledger", "signed_number", "windows"]

_MOST_COLUMNS = 9


def signed_number(value: float, digits: int = 3) -> str:
    """Returns a number with so many digits that count and a true minus: "0.0123", "−4.5", "12,345", "3.1e−5"."""
    value = float(value)
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "−∞"}.get(value, "no number")
    text = f"{value:,.0f}" if 10**digits <= abs(value) < 1e6 else f"{value:.{digits}g}"
    return text.replace("-", "−").replace("e−0", "e−").replace("e+0", "e").replace("e+", "e")


@dataclass(frozen=True, eq=False)
class Window:
    """Values in rows and columns.

    Attributes:
        title: what they are; becomes text.
        values: float (rows, columns).
        scale: the size that has the full colour; the greatest one among them where it is 0.
        padding: bool (rows, columns), which of them are padding and not of the input.
        chosen: (row, column) of one that is framed.
    """

    title: str
    values: np.ndarray
    scale: float = 0.0
    padding: np.ndarray | None = None
    chosen: tuple[int, int] | None = None


def windows(parts: Sequence[Window], signs: Sequence[str] = ()) -> Markup:
    """Returns windows side by side with signs such as "×" between them, in rows that wrap; as HTML.

    Up to nine columns wide they are numbers on colours; beyond that they are colours with the numbers as tooltips.
    Orange is above 0, blue below.
    """
    drawn = [
        (signs[nth - 1] if nth and signs else "", part.title, _is_written(part), _cells(part))
        for nth, part in enumerate(parts)
    ]
    return render("windows.html", windows=drawn)


def _is_written(part: Window) -> bool:
    """Whether its numbers stand in it."""
    rows, columns = part.values.shape
    return columns <= _MOST_COLUMNS and rows <= 2 * _MOST_COLUMNS


class _Cell(NamedTuple):
    """One value of a window: `strength`, 0..1, is how much of its colour it has."""

    tip: str
    text: str
    positive: bool
    strength: str
    padding: bool
    chosen: bool


def _cells(part: Window) -> list[list[_Cell]]:
    scale = part.scale or float(np.abs(part.values).max(initial=0)) or 1.0
    written = _is_written(part)
    padding = np.zeros(part.values.shape, bool) if part.padding is None else part.padding
    return [
        [
            _cell(value, scale, written, bool(outside), part.chosen == (row, column))
            for column, (value, outside) in enumerate(zip(values, outsides, strict=True))
        ]
        for row, (values, outsides) in enumerate(zip(part.values.tolist(), padding, strict=True))
    ]


def _cell(value: float, scale: float, written: bool, padding: bool, chosen: bool) -> _Cell:
    strength = min(1.0, abs(value) / scale) if math.isfinite(value) else 0
    tip = "padding" if padding else f"{value:.7g}" if written else signed_number(value, 5)
    return _Cell(tip, signed_number(value) if written else "", value > 0, f"{0.65 * strength:.2f}", padding, chosen)


@dataclass(frozen=True)
class Line:
    """A line of what adds up: what it is called, its number, and whether it is a part, a step or the result.

    A part has a bar; a step and a result stand under a rule. `note` stands behind the name.
    """

    name: str
    value: float
    kind: Literal["part", "step", "result"] = "part"
    note: str = ""


def decimals(values: Sequence[float]) -> int:
    """Returns how many digits behind the point numbers that are added need, so that six count in the greatest."""
    greatest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return max(0, min(8, 5 - math.floor(math.log10(greatest)))) if greatest > 0 else 1


def ledger(lines: Sequence[Line], digits: int | None = None) -> Markup:
    """Returns lines under each other with their numbers aligned at the point, parts with bars; as HTML.

    Args:
        lines: in their order.
        digits: digits behind the point; by default as `decimals` says.
    """
    digits = decimals([line.value for line in lines]) if digits is None else digits
    longest = max((abs(line.value) for line in lines if line.kind == "part" and math.isfinite(line.value)), default=0.0)
    drawn = [(line, _written(line, digits), _width(line.value, longest or 1.0)) for line in lines]
    return render("ledger.html", lines=drawn)


def _written(line: Line, digits: int) -> str:
    if line.kind == "result" and 0 < abs(line.value) < 10.0 ** (3 - digits):  # as a sigmoid makes of a large sum
        return signed_number(line.value, 6)
    number = f"{line.value:,.{digits}f}".replace("-", "−")
    return number if number.strip("−0.") else number.lstrip("−")  # what rounds to 0 has no sign


def _width(value: float, longest: float) -> str:
    """A bar's width in percent; the longest goes from the middle to the edge."""
    return f"{50 * min(1.0, abs(value) / longest) if math.isfinite(value) else 0:.2f}"


def curve(compute: Callable[[float], float], x: float, alt: str) -> Markup:
    """Returns a small graph of an activation with a dot where it is used; as HTML.

    Args:
        compute: the activation.
        x: where it is used.
        alt: what the graph shows, for those who can't see it.
    """
    width, height, pad = 220, 120, 8
    reach = max(3.0, 1.4 * abs(x)) if math.isfinite(x) else 3.0
    xs = np.linspace(-reach, reach, 161)
    ys = np.array([compute(float(one)) for one in xs])
    low, high = min(float(ys.min()), 0.0), max(float(ys.max()), 0.0)
    high = high if high > low else low + 1

    def across(value: float) -> float:
        return pad + (width - 2 * pad) * (value + reach) / (2 * reach)

    def down(value: float) -> float:
        return height - pad - (height - 2 * pad) * (value - low) / (high - low)

    return render(
        "curve.html",
        alt=alt,
        width=width,
        height=height,
        across=f"{across(0):.1f}",
        down=f"{down(0):.1f}",
        points=" ".join(f"{across(a):.1f},{down(b):.1f}" for a, b in zip(xs, ys, strict=True)),
        x=f"{across(x):.1f}",
        y=f"{down(compute(x)):.1f}",
    )
