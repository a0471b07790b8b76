"""An image with a box over it that is dragged, drawn anew, or moved and sized by the arrow keys."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from cnnviz.ui.components.clickable_image import Encoded
from cnnviz.ui.components.component import component

__all__ = ["LEAST", "Box", "cover_box"]

Box = tuple[int, int, int, int]
"""(left, top, width, height) in percent of the image's sides."""
LEAST = 4
"""The shortest side of a box."""


def cover_box(
    image: Encoded,
    alt: str,
    box: Box,
    fill: str,
    *,
    key: str,
    on_move: Callable[[Box, bool], None],
) -> None:
    """Draws it. While the box moves the server is told where it is, each time once it has answered the last one.

    Args:
        image: as `encode_image` gives it.
        alt: what it shows, for those who can't see it.
        box: where it is.
        fill: CSS of what is in it, such as "background:#808080".
        key: of the element.
        on_move: called with where it is now, and whether it rests there.
    """
    data = {
        "image": image.url,
        "alt": alt,
        "shape": f"{image.shape[1]} / {image.shape[0]}",
        "box": list(box),
        "fill": fill,
        "least": LEAST,
    }
    component("cover_box")(data=data, key=key, on_moved_change=lambda: _take(key, on_move))


def _take(key: str, on_move: Callable[[Box, bool], None]) -> None:
    """Hands on what the browser said, if it is a box within the image."""
    said = getattr(st.session_state.get(key), "moved", None)
    if not isinstance(said, (list, tuple)) or len(said) != 5 or not all(type(one) is int for one in said):
        return
    left, top, width, height, rests = said
    if min(left, top) >= 0 and min(width, height) >= LEAST and max(left + width, top + height) <= 100:
        on_move((left, top, width, height), bool(rests))
