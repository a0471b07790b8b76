"""Images of a report as one element: each a link to the Predict page, with a button for each flag."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from cnnviz.ui.components.component import component

__all__ = ["Tile", "image_gallery", "more_button", "shown_so_far"]


@dataclass(frozen=True)
class Tile:
    """An image: its file's bytes, what stands under it, where it leads, and its flag or ""."""

    data: bytes
    small: bool
    title: str
    lines: tuple[str, ...]
    href: str
    flag: str = ""


def image_gallery(
    tiles: Sequence[Tile],
    flags: Sequence[str],
    alt: str,
    *,
    key: str,
    on_open: Callable[[int], None],
    on_flag: Callable[[int, str], None],
) -> None:
    """Draws the images in rows that wrap.

    Args:
        tiles: the images; names in them become text, whatever they contain.
        flags: what each can be flagged with.
        alt: what they are, for those who can't see them.
        key: of the element.
        on_open: called with the position of the image that is to be opened.
        on_flag: called with an image's position and its new flag, or "" where it was taken away.
    """
    data = {
        "tiles": [
            {
                "image": _address(tile.data),
                "small": tile.small,
                "title": tile.title,
                "lines": list(tile.lines),
                "alt": f"{tile.title}, {', '.join(tile.lines)}",
                "href": tile.href,
                "flag": tile.flag,
            }
            for tile in tiles
        ],
        "flags": list(flags),
        "alt": alt,
        "signature": str(hash(tuple((tile.data, tile.title, tile.lines, tile.href) for tile in tiles))),
    }
    component("image_gallery")(
        data=data,
        key=key,
        on_opened_change=lambda: _opened(key, len(tiles), on_open),
        on_flagged_change=lambda: _flagged(key, len(tiles), flags, on_flag),
    )


def shown_so_far(step: int, counter: str) -> int:
    """Returns how many are shown now: `step`, and as many more for each press of `more_button`.

    Args:
        step: how many a press adds.
        counter: the session's key that counts the presses.
    """
    return step * int(st.session_state.get(counter, 1))


def more_button(total: int, step: int, counter: str, *, name: str) -> None:
    """Draws the button that shows more, while not all are shown.

    Args:
        total: how many there are.
        step: as for `shown_so_far`.
        counter: as for `shown_so_far`.
        name: the button's key.
    """
    count = shown_so_far(step, counter)
    if count < total:
        st.button(
            f"Show {min(step, total - count)} more",
            key=name,
            icon=":material/expand_more:",
            on_click=st.session_state.update,
            args=({counter: st.session_state.get(counter, 1) + 1},),
            help=f"{count:,} of {total:,} are shown.",
        )


def _address(data: bytes) -> str:
    kind = "jpeg" if data.startswith(b"\xff\xd8") else "png"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _opened(key: str, count: int, take: Callable[[int], None]) -> None:
    said = getattr(st.session_state.get(key), "opened", None)
    if type(said) is int and 0 <= said < count:
        take(said)


def _flagged(key: str, count: int, flags: Sequence[str], take: Callable[[int, str], None]) -> None:
    said = getattr(st.session_state.get(key), "flagged", None)
    if not isinstance(said, (list, tuple)) or len(said) != 2 or type(said[0]) is not int:
        return
    if 0 <= said[0] < count and said[1] in ("", *flags):
        take(said[0], said[1])
