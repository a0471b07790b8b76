"""A map of images: points with a thumbnail under the pointer; a lasso, a click or Enter chooses some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from cnnviz.ui.components.component import component

__all__ = ["Group", "image_map"]


@dataclass(frozen=True)
class Group:
    """Points of one colour (CSS): what they are called, and whether they are only the background of others."""

    name: str
    colour: str
    faint: bool = False


def image_map(
    points: Sequence[tuple[float, float, int]],
    titles: Sequence[str],
    groups: Sequence[Group],
    sprite: str,
    columns: int,
    alt: str,
    *,
    key: str,
    file: str,
    on_choose: Callable[[list[int]], None],
    chosen: Sequence[int] = (),
    height: int = 420,
) -> None:
    """Draws the map, its legend and a button that saves it.

    Args:
        points: of each image x and y, 0..1, and the number of its group.
        titles: what stands under each thumbnail; names become text, whatever they contain.
        groups: the colours.
        sprite: a data address of all thumbnails, square, in rows of `columns`.
        columns: how many thumbnails a row has.
        alt: what the map shows, for those who can't see it.
        key: of the element.
        file: the name of the file that it is saved as.
        on_choose: called with the positions of the images that were chosen.
        chosen: those that have a ring.
        height: in pixels.
    """
    data = {
        "points": [list(point) for point in points],
        "titles": list(titles),
        "groups": [
            {"name": one.name, "colour": one.colour, "faint": one.faint, "above": 0 if one.faint else 1}
            for one in groups
        ],
        "sprite": sprite,
        "columns": columns,
        "alt": alt,
        "file": file,
        "chosen": list(chosen),
        "height": height,
    }
    component("image_map")(data=data, key=key, on_chosen_change=lambda: _take(key, len(points), on_choose))


def _take(key: str, count: int, on_choose: Callable[[list[int]], None]) -> None:
    said = getattr(st.session_state.get(key), "chosen", None)
    if isinstance(said, (list, tuple)) and all(type(one) is int and 0 <= one < count for one in said):
        on_choose(list(said))
