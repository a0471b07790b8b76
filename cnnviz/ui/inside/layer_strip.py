"""The model as a strip of its layers: a click opens one, and so do the arrow keys and a list."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import streamlit as st

from cnnviz.ui.components.component import component
from cnnviz.ui.inside.layer_blocks import blocks, facts
from cnnviz.ui.inside.selection import show
from cnnviz.ui.markdown import plain
from cnnviz.ui.session.widget_sync import seed

if TYPE_CHECKING:
    from cnnviz.explain.inspection.receptive_field import LayerRow

__all__ = ["strip"]


def strip(table: tuple[LayerRow, ...], layer: str) -> None:
    """Draws the layers, the open one marked, and what is known about it."""
    names = [row.name for row in table]
    drawn = [asdict(block) for block in blocks(table)]
    component("layer_strip")(
        data={"blocks": drawn, "at": names.index(layer)}, key="inside_strip", on_opened_change=lambda: _take(names)
    )
    row = table[names.index(layer)]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="inside_open_layer"):
        st.selectbox(
            f"Layer, of {len(table)}",
            names,
            key=seed("inside_layer", layer),
            width=260,
            on_change=lambda: show(layer=st.session_state["inside_layer"]),
            label_visibility="collapsed",
            help="The open layer; the strip above opens one with a click, or with arrow keys and Enter.",
        )
        with st.container(width="stretch"):
            st.markdown(" · ".join(map(plain, facts(row))))


def _take(names: list[str]) -> None:
    """Opens the layer that was clicked, if there is one of this number."""
    said = getattr(st.session_state.get("inside_strip"), "opened", None)
    if type(said) is int and 0 <= said < len(names):
        show(layer=names[said])
