"""What all charts share: no background of their own, little margin, and names that can't be mark-up."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # not loaded for the sake of a type by pages that draw no Plotly figure
    import plotly.graph_objects as go

__all__ = ["ACCENT", "CONFIG", "escape_text", "laid_out", "shorten"]

ACCENT = "#14998c"
"""The colour of what stands out."""

CONFIG = {
    "displaylogo": False,
    "displayModeBar": "hover",
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"format": "png", "scale": 2, "filename": "cnnviz"},
    "scrollZoom": False,
}
"""For `st.plotly_chart(config=…)`: a button that saves the chart, and nothing else."""


def shorten(name: str, length: int = 200) -> str:
    """Returns a name in one line; what is too long ends in "…"."""
    name = " ".join(str(name).split())
    return name if len(name) <= length else name[: length - 1] + "…"


def escape_text(name: str, length: int) -> str:
    """Returns a name for a chart, where Plotly would read tags and entities; what is too long ends in "…"."""
    return html.escape(shorten(name, length), quote=False)


def laid_out(figure: go.Figure, *, height: int) -> go.Figure:
    """Gives a figure its height in pixels and the look that all share; returns it."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "title": None},
        hoverlabel={"align": "left"},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": "#80908d", "activecolor": ACCENT},
        dragmode=False,
    )
    return figure
