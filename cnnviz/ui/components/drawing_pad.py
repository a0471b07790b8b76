"""A pad to draw on with pen, mouse or finger, beside what is made of the drawing."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import streamlit as st

from cnnviz.drawing import WIDTH, Strokes
from cnnviz.ui.components.component import component

__all__ = ["drawing_pad"]


def drawing_pad(
    strokes: Strokes,
    turn: int,
    shown: int,
    *,
    key: str,
    on_drawn: Callable[[int, object], None],
    on_settled: Callable[[], None],
    seen: bytes = b"",
    caption: str = "",
    rows: Sequence[tuple[str, str, str]] = (),
    message: str = "",
) -> None:
    """Draws the pad.

    Args:
        strokes: what is on it when it comes to a page; from then on the browser knows.
        turn: the number of the newest strokes that all the rest is about.
        shown: the number of the strokes that the rest of the page shows.
        key: of the element.
        on_drawn: called with a number and the strokes, unchecked, when these have changed.
        on_settled: called when the newest strokes have been answered, so that the page can follow.
        seen: PNG bytes of the prepared drawing.
        caption: what that is.
        rows: classes, the widths of their bars in percent, and their probabilities in words.
        message: a sentence under the pad.
    """
    data = {
        "strokes": [list(one) for one in strokes],
        "turn": turn,
        "shown": shown,
        "width": WIDTH,
        "alt": "Drawing pad: draw with pen, mouse or finger",
        "seen": f"data:image/png;base64,{base64.b64encode(seen).decode()}" if seen else "",
        "caption": caption,
        "rows": [list(row) for row in rows],
        "message": message,
    }

    def drawn() -> None:
        said = getattr(st.session_state.get(key), "drawn", None)
        if isinstance(said, (list, tuple)) and len(said) == 2 and type(said[0]) is int:
            on_drawn(said[0], said[1])

    component("drawing_pad")(data=data, key=key, on_drawn_change=drawn, on_settled_change=on_settled)
