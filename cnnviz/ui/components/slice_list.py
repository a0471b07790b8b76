"""Slices as a list of buttons with a dot plot: accuracy with its interval, before and after, against all images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

import streamlit as st

from cnnviz.ui.components.component import component

__all__ = ["FIRST", "Row", "points", "slice_list"]

FIRST = 9
"""So many rows are shown before somebody asks for all."""


@dataclass(frozen=True)
class Row:
    """A slice in the list.

    Attributes:
        name: what it is called.
        images: how many it has.
        accuracy: 0..1, of the run after where there are two.
        interval: of that.
        before: the accuracy of the run before, of two.
        change: the difference in points and its interval, each 0..1, of two.
        below: whether the accuracy is lower than chance explains.
        changed: whether the difference is more than chance explains.
        ranked: whether it has enough images to be tested.
    """

    name: str
    images: int
    accuracy: float
    interval: tuple[float, float]
    before: float | None = None
    change: tuple[float, float, float] | None = None
    below: bool = False
    changed: bool = False
    ranked: bool = True


def slice_list(rows: Sequence[Row], chosen: int, *, key: str, on_choose: Callable[[int], None]) -> None:
    """Draws the list; names become text, whatever they contain.

    Args:
        rows: the first is that of all images.
        chosen: the row that is shown as chosen.
        key: of the element.
        on_choose: called with the row that was clicked.
    """
    least = min(min(row.interval[0], row.accuracy, row.before or 1) for row in rows)
    low = min(0.95, floor(20 * least) / 20)
    data = {
        "rows": [_drawn(row, low) | ({"chosen": True} if at == chosen else {}) for at, row in enumerate(rows)],
        "all": _at(rows[0].accuracy, low),
        "low": f"{100 * low:.0f} %",
        "high": "100 %",
        "first": FIRST,
        "alt": "Slices, with their accuracy",
    }
    component("slice_list")(data=data, key=key, on_clicked_change=lambda: _take(key, len(rows), on_choose))


def _drawn(row: Row, low: float) -> dict[str, Any]:
    within = f"{100 * row.interval[0]:.1f} to {100 * row.interval[1]:.1f}"
    found: dict[str, Any] = {
        "name": row.name,
        "images": f"{row.images:,}",
        "accuracy": f"{100 * row.accuracy:.1f} %",
        "after": _at(row.accuracy, low),
        "interval": [_at(one, low) for one in row.interval],
        "below": row.below,
        "unranked": not row.ranked,
        "said": f"{row.name}, {row.images:,} images, accuracy {100 * row.accuracy:.1f} % ({within})",
    }
    if row.before is not None and row.change is not None:
        change, least, most = map(points, row.change)
        words = f"{change} ({least} … {most})" if any(row.change) else change
        found |= {"before": _at(row.before, low), "change": words, "sure": row.changed}
        found["said"] += f", {change} points since the run before"
    return found


def _at(share: float, low: float) -> float:
    """Where a share stands between `low` and 1, in percent."""
    return round(100 * (share - low) / (1 - low), 2)


def points(difference: float, digits: int = 1) -> str:
    """Returns a difference of shares in points, such as "−0.4"."""
    value = round(100 * difference, digits)
    return f"{value:+.{digits}f}".replace("-", "−") if value else f"{0:.{digits}f}"


def _take(key: str, count: int, on_choose: Callable[[int], None]) -> None:
    said = getattr(st.session_state.get(key), "clicked", None)
    if type(said) is int and 0 <= said < count:
        on_choose(said)
