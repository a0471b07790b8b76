"""Accuracy over the number of images that were learned from, as a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from cnnviz.figures.curves import COLOURS
from cnnviz.figures.style import escape_text, laid_out

__all__ = ["learning_curve_chart"]


def learning_curve_chart(found: Mapping[str, tuple[Sequence[int], Sequence[Sequence[float]]]]) -> go.Figure:
    """Returns a line of means in the band from the least to the greatest of all seeds, for each kind of features.

    Args:
        found: by name, the numbers of images, and for each the accuracies, 0..1, of all seeds.
    """
    figure = go.Figure()
    for at, (name, (images, accuracy)) in enumerate(found.items()):
        colour, title = COLOURS[at % len(COLOURS)], escape_text(name, 40)
        low, high = [min(one) for one in accuracy], [max(one) for one in accuracy]
        figure.add_scatter(
            x=[*images, *reversed(images)],
            y=[*high, *reversed(low)],
            fill="toself",
            fillcolor=colour,
            opacity=0.2,
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
            name=f"{title}, band",
        )
        figure.add_scatter(
            x=list(images),
            y=[float(np.mean(one)) for one in accuracy],
            customdata=list(zip(low, high, strict=True)),
            mode="lines+markers",
            name=title,
            line={"color": colour, "width": 2.4},
            hovertemplate="%{x:,} images: %{y:.1%} (%{customdata[0]:.1%} to %{customdata[1]:.1%})",
        )
    laid_out(figure, height=320)
    figure.update_layout(margin={"t": 46, "l": 8, "r": 8, "b": 8}, showlegend=True)
    figure.update_xaxes(title="Images learned from", fixedrange=True, rangemode="tozero", zeroline=False)
    figure.update_yaxes(title="Accuracy on held-out images", tickformat=".0%", fixedrange=True, zeroline=False)
    return figure
