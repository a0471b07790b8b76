"""The map of a data set's images, coloured by what a person chooses."""

from __future__ import annotations

import base64

import streamlit as st

from cnnviz.audit.audit import SPRITE_COLUMNS, Audit
from cnnviz.ui.components.image_map import Group, image_map
from cnnviz.ui.data.findings import FINDINGS
from cnnviz.ui.data.looked import Looked
from cnnviz.ui.file_names import file_name
from cnnviz.ui.markdown import plain
from cnnviz.ui.session.widget_sync import set_widget_value_first

__all__ = ["BY", "CHOSEN", "map_view"]

CHOSEN = "data_chosen"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#a08000", "#56b4e9", "#9467bd", "#8c564b", "#e69f00", "#7f7f7f")
"""Okabe and Ito's, which those who see few colours can tell apart, and three more."""
NONE = "#8a9694"
BY = {"label": "Label", "split": "Split", "prediction": "Prediction", "finding": "Finding"}


def map_view(looked: Looked) -> None:
    """Draws the choice of colours and the map."""
    found = looked.audit
    assert found is not None  # else there is no map
    if not found.places:
        return
    set_widget_value_first("data_colour", "label")
    heads = [head.name for head in looked.dataset.heads]
    head = heads[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = str(st.segmented_control("Colour", list(BY), format_func=BY.__getitem__, key="data_colour", required=True))
        if len(heads) > 1 and by in ("label", "prediction"):
            head = st.selectbox("Head", heads, key="data_head", width=150)
    names, groups = _coloured(looked, found, by, head)
    titles = [f"{place.image} · {_label(looked, place.image, head)}" for place in found.places]
    number = {group.name: k for k, group in enumerate(groups)}
    known = set(st.session_state.get(CHOSEN, ()))
    image_map(
        [(place.x, place.y, number[name]) for place, name in zip(found.places, names, strict=True)],
        titles,
        groups,
        "data:image/jpeg;base64," + base64.b64encode(looked.thumbnails).decode(),
        SPRITE_COLUMNS,
        f"Map of {len(found.places):,} images by their features, coloured by {BY[by].lower()}. Arrow keys move "
        "between images, Enter chooses the nearest twelve.",
        key="data_map",
        file=file_name("map", found.dataset, ending=".png"),
        on_choose=lambda chosen: _choose(found, chosen),
        chosen=[i for i, place in enumerate(found.places) if place.image in known],
    )
    more = f" {len(found.places):,} of {found.images:,} images." if len(found.places) < found.images else ""
    st.caption(
        f"Drag round images, or click, to see them.{more}",
        help=f"Alike images lie near each other: features by {plain(found.model)}, in two dimensions by t-SNE.",
    )


def _choose(found: Audit, chosen: list[int]) -> None:
    st.session_state[CHOSEN] = [found.places[i].image for i in chosen]
    st.session_state["data_show"] = "chosen"


def _label(looked: Looked, image: str, head: str) -> str:
    return looked.dataset.head(head).classes[int(looked.pool.labels[head][looked.at[image]])]


def _coloured(looked: Looked, found: Audit, by: str, head: str) -> tuple[list[str], list[Group]]:
    """Of each place the name of its group, and the groups."""
    places = found.places
    if by == "finding":
        kinds: dict[str, str] = {}
        for key in reversed(FINDINGS):  # what is worse counts
            for group in looked.findings[key]:
                kinds |= dict.fromkeys((one.image for one in group), FINDINGS[key].title)
        names = [kinds.get(place.image, "Nothing found") for place in places]
        order = [one.title for one in FINDINGS.values() if one.title in names]
        groups = [Group(name, COLOURS[k % len(COLOURS)]) for k, name in enumerate(order)]
        return names, [*groups, Group("Nothing found", NONE, faint=True)]
    if by == "split":
        names = [str(looked.pool.split[looked.at[place.image]]) for place in places]
    elif by == "prediction":
        nth = [one.name for one in looked.dataset.heads].index(head)
        names = [place.predicted[nth] for place in places]
    else:
        names = [_label(looked, place.image, head) for place in places]
    order = list(found.splits) if by == "split" else list(looked.dataset.head(head).classes)
    order = [name for name in order if name in set(names)]
    return names, [Group(name, _colour(k, len(order))) for k, name in enumerate(order)]


def _colour(k: int, count: int) -> str:
    return COLOURS[k] if count <= len(COLOURS) else f"hsl({360 * k / count:.0f} 60% 48%)"
