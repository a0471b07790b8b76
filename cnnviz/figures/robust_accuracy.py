"""What accuracy models keep under attack and with corrupted images, as charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnnviz.figures.curves import COLOURS
from cnnviz.figures.style import escape_text, laid_out

__all__ = ["corruption_maps", "robust_accuracy_chart"]

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
            name=escape_text(name, 40),
            line={"color": COLOURS[at % len(COLOURS)], "width": 2.4},
            hovertemplate="ε = %{x:g}/255: %{y:.1%}",
        )
    laid_out(figure, height=300)
    figure.update_layout(margin={"t": 46, "l": 8, "r": 8, "b": 8}, showlegend=True)
    figure.update_xaxes(
        title="ε, largest change of a value (of 255)", fixedrange=True, rangemode="tozero", zeroline=False
    )
    figure.update_yaxes(title="Robust accuracy", tickformat=".0%", fixedrange=True, range=[-0.02, 1.03], zeroline=False)
    return figure


def corruption_maps(found: Mapping[str, Mapping[str, Sequence[float]]]) -> go.Figure:
    """Returns the accuracy of each kind of corruption (rows) and severity (columns), a heat map for each run, side by
    side, all in viridis from 0 to 1 with one colour bar.

    Args:
        found: by the run's name, for each kind's title the accuracies, 0..1, of severities from 1 on. The rows are the
            first run's kinds; what another run has not of them is left empty.

    Example:
        >>> figure = corruption_maps({"mnist": {"Fog": (0.9, 0.8), "Snow": (0.7, 0.5)}})
        >>> figure.data[0].z
        ((0.9, 0.8), (0.7, 0.5))
    """
    kinds = list(next(iter(found.values()), {}))
    severities = max((len(one) for run in found.values() for one in run.values()), default=0)
    figure = make_subplots(
        cols=max(1, len(found)),
        shared_yaxes=True,
        horizontal_spacing=0.02,
        subplot_titles=[escape_text(name, 40) for name in found],
    )
    for at, (name, run) in enumerate(found.items(), 1):
        rows = [list(run.get(kind, ())) for kind in kinds]
        figure.add_heatmap(
            z=[[*row, *[None] * (severities - len(row))] for row in rows],
            x=list(range(1, severities + 1)),
            y=[escape_text(kind, 40) for kind in kinds],
            name=escape_text(name, 40),
            coloraxis="coloraxis",
            xgap=1,
            ygap=1,
            hovertemplate="%{y}, severity %{x}: %{z:.1%}",
            row=1,
            col=at,
        )
    laid_out(figure, height=90 + _ROW * len(kinds))
    bar = {"title": {"text": "Accuracy", "side": "right"}, "tickformat": ".0%", "thickness": 12, "outlinewidth": 0}
    figure.update_layout(
        margin={"t": 30, "l": 8, "r": 8, "b": 8},
        coloraxis={"colorscale": "Viridis", "cmin": 0, "cmax": 1, "colorbar": bar},
    )
    figure.update_xaxes(title="Severity", fixedrange=True, dtick=1, showgrid=False, zeroline=False)
    figure.update_yaxes(fixedrange=True, autorange="reversed", showgrid=False, zeroline=False)
    return figure
