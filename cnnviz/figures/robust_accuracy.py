"""What accuracy models keep under attack and with corrupted images, as charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from cnnviz.figures.curves import COLOURS
from cnnviz.figures.style import escape_text, laid_out

__all__ = ["corruption_map", "robust_accuracy_chart"]

_ROW = 24  # pixels that a kind's row is high


def robust_accuracy_chart(found: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> go.Figure:
    """Returns the accuracy under attack over ε, a line for each run.

    Args:
        found: by the run's name, the radii (0..1, drawn in levels of 255) and for each the accuracy, 0..1.

    Example:
        >>> figure = robust_accuracy_chart({"mnist": ((0, 8 / 255), (0.99, 0.96))})
        >>> list(figure.data[0].x)
        [0.0, 8.0]
    """
    figure = go.Figure()
    for at, (name, (epsilons, accuracy)) in enumerate(found.items()):
        figure.add_scatter(
            x=[round(255 * epsilon, 6) for epsilon in epsilons],
            y=list(accuracy),
            mode="lines+markers",
            cliponaxis=False,
            name=escape_text(name, 40),
            line={"color": COLOURS[at % len(COLOURS)], "width": 2.4},
            hovertemplate="ε = %{x:g}/255: %{y:.1%}",
        )
    laid_out(figure, height=300)
    figure.update_layout(margin={"t": 46, "l": 8, "r": 8, "b": 8}, showlegend=len(found) > 1)
    figure.update_xaxes(
        title="ε, largest change of a value (of 255)", fixedrange=True, rangemode="tozero", zeroline=False
    )
    figure.update_yaxes(title="Robust accuracy", tickformat=".0%", fixedrange=True, range=[-0.02, 1.03], zeroline=False)
    return figure


def corruption_map(found: Mapping[str, Sequence[float]]) -> go.Figure:
    """Returns the accuracy for each kind of corruption (rows) and severity (columns) as a heat map in viridis, whose
    colours always go from 0 to 1, so that maps can be compared.

    Args:
        found: for each kind's title the accuracies, 0..1, of severities from 1 on, as many for each.

    Example:
        >>> figure = corruption_map({"Fog": (0.9, 0.8), "Snow": (0.7, 0.5)})
        >>> figure.data[0].z
        ((0.9, 0.8), (0.7, 0.5))
    """
    rows = [list(one) for one in found.values()]
    figure = go.Figure()
    figure.add_heatmap(
        z=rows,
        x=list(range(1, len(rows[0]) + 1)) if rows else [],
        y=[escape_text(kind, 40) for kind in found],
        colorscale="Viridis",
        zmin=0,
        zmax=1,
        colorbar={
            "title": {"text": "Accuracy", "side": "right"},
            "tickformat": ".0%",
            "thickness": 12,
            "outlinewidth": 0,
        },
        xgap=1,
        ygap=1,
        hovertemplate="%{y}, severity %{x}: %{z:.1%}<extra></extra>",
    )
    laid_out(figure, height=60 + _ROW * len(rows))
    figure.update_xaxes(title="Severity", fixedrange=True, dtick=1, showgrid=False, zeroline=False)
    figure.update_yaxes(fixedrange=True, autorange="reversed", showgrid=False, zeroline=False)
    return figure
