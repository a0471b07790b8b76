"""A row of small images that are buttons, and one for more of them: by pointer, or by the arrow keys and Enter."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from cnnviz.ui.components.component import component

__all__ = ["Thumbnail", "thumbnails"]


@dataclass(frozen=True)
class Thumbnail:
    """An image: PNG bytes, what it is called, and whether its pixels are to stay squares."""

    png: bytes
    title: str
    small: bool


def thumbnails(
    tiles: Sequence[Thumbnail],
    alt: str,
    *,
    key: str,
    on_click: Callable[[int], None],
    marked: int | None = None,
    more: str = "",
    on_more: Callable[[], None] = lambda: None,
) -> None:
    """Draws the images in one row, which wraps where there is no room.

    Args:
        tiles: the images; names become text, whatever they contain.
        alt: what they are, for those who can't see them.
        key: of the element.
        on_click: called with the position of the image that was clicked.
        marked: the position of the image that has a frame.
        more: what the button for more of them does; "" for no such button.
        on_more: called when that is pressed.
    """
    data = {
        "tiles": [
            {
                "image": f"data:image/png;base64,{base64.b64encode(tile.png).decode()}",
                "title": tile.title,
                "small": tile.small,
            }
            for tile in tiles
        ],
        "alt": alt,
        "marked": marked,
        "more": more,
        "signature": str(hash(tuple((tile.png, tile.title) for tile in tiles))),
    }
    component("thumbnails")(data=data, key=key, on_clicked_change=lambda: _take(key, len(tiles), on_click, on_more))


def _take(key: str, count: int, on_click: Callable[[int], None], on_more: Callable[[], None]) -> None:
    """Hands on what the browser said, if it is an image or the button."""
    said = getattr(st.session_state.get(key), "clicked", None)
    if type(said) is int and 0 <= said < count:
        on_click(said)
    elif said == -1:
        on_more()
