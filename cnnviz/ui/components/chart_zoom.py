"""The zoom of a chart that is drawn anew: Streamlit puts another chart in its place, which would show all again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite

import plotly.graph_objects as go
import streamlit as st

from cnnviz.ui.components.component import component

__all__ = ["kept_zoom", "zoomed"]

Zoom = Mapping[str, tuple[float, float]]
"""By a Plotly axis's name, with ":log" where it is logarithmic: from where to where it reaches."""
_AXIS = re.compile(r"[xy]axis\d{0,2}(:log)?")


def kept_zoom(key: str) -> Zoom:
    """Returns how the one chart beside it was zoomed in this session; what is zoomed there calls the fragment again.

    Args:
        key: of the element, which stands in a container with the chart, whose key begins with "chart_zoom_".
    """
    kept = st.session_state.setdefault("chart_zooms", {})

    def take() -> None:
        kept[key] = _sound(getattr(st.session_state.get(key), "ranges", None))

    with st.container(key=f"unseen_{key}"):
        component("chart_zoom")(data={"zoom": dict(kept.get(key, {}))}, key=key, on_ranges_change=take)
    return kept.get(key, {})


def _sound(said: object) -> Zoom:
    """What the browser said, as far as it is ranges of axes."""
    found = {}
    for axis, ends in said.items() if isinstance(said, Mapping) else ():
        if _AXIS.fullmatch(str(axis)) and isinstance(ends, (list, tuple)) and len(ends) == 2:
            low, high = ends
            if all(isinstance(end, (int, float)) and isfinite(end) for end in ends) and low < high:
                found[str(axis)] = (float(low), float(high))
    return found


def zoomed(figure: go.Figure, zoom: Zoom) -> go.Figure:
    """Returns the figure with its axes zoomed, itself where nothing is; an axis whose scale has changed shows all."""
    if not zoom:
        return figure
    figure = go.Figure(figure)
    for name, ends in zoom.items():
        axis, _, scale = name.partition(":")
        if axis in figure.layout and (figure.layout[axis].type == "log") == (scale == "log"):
            figure.layout[axis].range = ends
    return figure
