"""A number taken apart, as pieces of HTML: windows of values with their products, and lines that add up."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cnnviz.figures.prediction import ACCENT
from cnnviz.figures.style import escape_attr, escape_text

__all__ = ["Line", "Window", "curve", "decimals", "ledger", "signed_number", "windows"]

_MOST_COLUMNS = 9
_ORANGE, _BLUE = "217 119 43", "47 120 208"
_SHRUNK = 12


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


def windows(parts: Sequence[Window], signs: Sequence[str] = ()) -> str:
    """Returns windows side by side with signs such as "×" between them, in rows that wrap; as HTML.

    Up to nine columns wide they are numbers on colours; beyond that they are colours with the numbers as tooltips.
    Orange is above 0, blue below.
    """
    drawn = []
    for nth, part in enumerate(parts):
        sign = (
            f'<div style="font-size:1.5rem;opacity:0.7">{escape_text(signs[nth - 1], 3)}</div>' if nth and signs else ""
        )
        drawn.append(
            f'<div style="display:flex;align-items:center;gap:0.7rem">{sign}<figure style="margin:0">{_table(part)}'
            "</figure></div>"
        )
    return f'<div style="display:flex;flex-wrap:wrap;align-items:center;gap:0.6rem 0.7rem">{"".join(drawn)}</div>'


def _table(part: Window) -> str:
    rows, columns = part.values.shape
    written = columns <= _MOST_COLUMNS and rows <= 2 * _MOST_COLUMNS
    scale = part.scale or float(np.abs(part.values).max(initial=0)) or 1.0
    body = []
    for row in range(rows):
        cells = "".join(
            _cell(
                float(part.values[row, column]),
                scale,
                written,
                part.padding is not None and bool(part.padding[row, column]),
                part.chosen == (row, column),
            )
            for column in range(columns)
        )
        body.append(f"<tr>{cells}</tr>")
    caption = (
        '<figcaption style="font-size:0.8rem;opacity:0.75;padding-bottom:0.25rem;max-width:16rem">'
        f"{escape_text(part.title, 120)}</figcaption>"
    )
    return (
        f'{caption}<table aria-label="{escape_attr(part.title)}" style="border-collapse:separate;border-spacing:1px;'
        f'font-size:0.8rem;font-variant-numeric:tabular-nums;line-height:1">{"".join(body)}</table>'
    )


def _cell(value: float, scale: float, written: bool, padding: bool, chosen: bool) -> str:
    strength = min(1.0, abs(value) / scale) if math.isfinite(value) else 0
    colour = f"rgb({_ORANGE if value > 0 else _BLUE} / {0.65 * strength:.2f})"
    style = f"background:{colour};border:1px solid rgb(128 128 128 / 0.25);text-align:center;"
    style += "border-style:dashed;opacity:0.55;" if padding else ""
    style += f"outline:2px solid {ACCENT};font-weight:700;" if chosen else ""
    if written:
        style += "min-width:2.7rem;height:1.55rem;padding:0 0.2rem;white-space:nowrap"
        tip, shown = "padding" if padding else f"{value:.7g}", signed_number(value)
    else:
        style += f"width:{_SHRUNK}px;height:{_SHRUNK}px;padding:0"
        tip, shown = "padding" if padding else signed_number(value, 5), ""
    return f'<td title="{tip}" style="{style}">{shown}</td>'


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


def ledger(lines: Sequence[Line], digits: int | None = None) -> str:
    """Returns lines under each other with their numbers aligned at the point, parts with bars; as HTML.

    Args:
        lines: in their order.
        digits: digits behind the point; by default as `decimals` says.
    """
    digits = decimals([line.value for line in lines]) if digits is None else digits
    longest = max((abs(line.value) for line in lines if line.kind == "part" and math.isfinite(line.value)), default=0.0)
    return (
        '<div style="display:grid;grid-template-columns:minmax(7rem,max-content) minmax(3rem,14rem) max-content;'
        f'gap:0.2rem 0.8rem;align-items:center;font-size:0.9rem;font-variant-numeric:tabular-nums">'
        f"{''.join(_line(line, longest or 1.0, digits) for line in lines)}</div>"
    )


def _line(line: Line, longest: float, digits: int) -> str:
    number = f"{line.value:,.{digits}f}".replace("-", "−")
    number = number if number.strip("−0.") else number.lstrip("−")  # what rounds to 0 has no sign
    if line.kind == "result" and 0 < abs(line.value) < 10.0 ** (3 - digits):  # as a sigmoid makes of a large sum
        number = signed_number(line.value, 6)
    note = f' <span style="opacity:0.7;font-weight:400">{escape_text(line.note, 160)}</span>' if line.note else ""
    name = f"<div>{escape_text(line.name, 80)}{note}</div>"
    if line.kind == "part":
        share = 50 * min(1.0, abs(line.value) / longest) if math.isfinite(line.value) else 0
        where = f"left:50%;width:{share:.2f}%" if line.value > 0 else f"right:50%;width:{share:.2f}%"
        bar = (
            '<div style="position:relative;height:0.55rem;background:rgb(128 128 128 / 0.12)"><div style="position:'
            f'absolute;height:100%;{where};background:rgb({_ORANGE if line.value > 0 else _BLUE})"></div></div>'
        )
        return f'{name}{bar}<div style="text-align:right">{number}</div>'
    weight = f"font-weight:700;color:{ACCENT};font-size:1.15rem" if line.kind == "result" else "font-weight:600"
    return (
        '<div style="grid-column:1/-1;border-top:1px solid rgb(128 128 128 / 0.45);display:flex;flex-wrap:wrap;'
        f'justify-content:space-between;gap:0 0.8rem;padding-top:0.2rem">'
        f'<div style="font-weight:600">{escape_text(line.name, 80)}{note}</div><div '
        f'style="{weight}">{number}</div></div>'
    )


def curve(compute: Callable[[float], float], x: float, alt: str) -> str:
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

    points = " ".join(f"{across(a):.1f},{down(b):.1f}" for a, b in zip(xs, ys, strict=True))
    y = compute(x)
    axis = 'stroke="#808080" stroke-opacity="0.6" stroke-width="1"'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f'<line x1="0" x2="{width}" y1="{down(0):.1f}" y2="{down(0):.1f}" {axis}/>'
        f'<line x1="{across(0):.1f}" x2="{across(0):.1f}" y1="0" y2="{height}" {axis}/>'
        f'<polyline points="{points}" fill="none" stroke="{ACCENT}" stroke-width="2"/>'
        f'<circle cx="{across(x):.1f}" cy="{down(y):.1f}" r="5" fill="#d9772b"/></svg>'
    )
    data = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{escape_attr(alt)}" src="data:image/svg+xml;base64,{data}" style="width:min(100%,{width}px)">'
