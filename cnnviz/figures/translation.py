"""Accuracy over how far the images were moved, as a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from cnnviz.figures.curves import COLOURS
from cnnviz.figures.style import escape_text, laid_out

__all__ = ["shifts_chart"]


def shifts_chart(found: Mapping[str, Sequence[float]]) -> go.Figure:
    """Returns a line for each model.

    Args:
        found: accuracies, 0..1, by the models' names; the k-th is that of images moved by k pixels.
    """
    figure = go.Figure()
    for at, (name, accuracy) in enumerate(found.items()):
        figure.add_scatter(
            x=list(range(len(accuracy))),
            y=list(accuracy),
            mode="lines+markers",
            name=escape_text(name, 40),
            line={"color": COLOURS[at % len(COLOURS)], "width": 2.4},
            hovertemplate="moved by %{x}: %{y:.1%}",
        )
    laid_out(figure, height=280)
    figure.update_layout(margin={"t": 46, "l": 8, "r": 8, "b": 8}, showlegend=True)
    figure.update_xaxes(title="Pixels that the images are moved", fixedrange=True, dtick=1, zeroline=False)
    figure.update_yaxes(
        title="Right predictions", tickformat=".0%", fixedrange=True, rangemode="tozero", zeroline=False
    )
    return figure
