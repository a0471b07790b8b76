"""What all charts share: no background of their own, little margin, and names that can't be mark-up."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # not loaded for the sake of a type by pages that draw no Plotly figure
    import plotly.graph_objects as go

__all__ = ["CONFIG", "escape_attr", "escape_text", "laid_out"]

CONFIG = {
    "displaylogo": False,
    "displayModeBar": "hover",
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"format": "png", "scale": 2, "filename": "cnnviz"},
    "scrollZoom": False,
}
"""For `st.plotly_chart(config=…)`: a button that saves the chart, and nothing else."""


def escape_text(name: str, length: int) -> str:
    """Returns a name for a chart, where Plotly would read tags and entities; what is too long ends in "…"."""
    name = " ".join(str(name).split())
    return html.escape(name if len(name) <= length else name[: length - 1] + "…", quote=False)


def escape_attr(name: str) -> str:
    """Returns a name for an attribute of HTML in quotes."""
    return escape_text(name, 200).replace('"', "&quot;").replace("'", "&#x27;")


def laid_out(figure: go.Figure, *, height: int) -> go.Figure:
    """Gives a figure its height in pixels and the look that all share; returns it."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "title": None},
        hoverlabel={"align": "left"},
        dragmode=False,
    )
    return figure
