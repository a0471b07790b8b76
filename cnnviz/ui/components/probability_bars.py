"""Classes with their probabilities as bars that are buttons: by pointer, or by the arrow keys and Enter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from cnnviz.probabilities import percents
from cnnviz.ui.components.component import component

__all__ = ["probability_bars"]


def probability_bars(
    rows: Sequence[tuple[str, float]], alt: str, *, key: str, on_click: Callable[[int], None], marked: int | None = None
) -> None:
    """Draws a bar for each class, the likeliest in colour.

    Args:
        rows: class names and probabilities 0..1; names become text, whatever they contain.
        alt: what they are, for those who can't see it.
        key: of the element.
        on_click: called with the position of the bar that was clicked.
        marked: the position of the bar that has a frame.
    """
    shares = [share for _, share in rows]
    most = shares.index(max(shares))
    drawn = [
        {
            "name": name,
            "width": f"{max(0.5, 100 * share):.2f}",
            "words": words,
            "most": nth == most,
            "open": nth == marked,
        }
        for nth, ((name, share), words) in enumerate(zip(rows, percents(shares), strict=True))
    ]
    component("probability_bars")(
        data={"rows": drawn, "alt": alt}, key=key, on_clicked_change=lambda: _take(key, len(rows), on_click)
    )


def _take(key: str, count: int, on_click: Callable[[int], None]) -> None:
    """Hands on what the browser said, if it is a bar."""
    said = getattr(st.session_state.get(key), "clicked", None)
    if type(said) is int and 0 <= said < count:
        on_click(said)
