"""The loss over the learning rate, as a range test finds it, as a chart."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from cnnviz.figures.curves import COLOURS
from cnnviz.figures.style import ACCENT, laid_out
from cnnviz.learning_rate_range import LearningRateRange

__all__ = ["learning_rate_chart"]

_GREY = COLOURS[9]
_HEADROOM = 0.15  # of the smooth curve's height, above and below it


def learning_rate_chart(found: LearningRateRange, own: float | None = None) -> go.Figure:
    """Returns each step's loss, pale, and the smooth curve over the logarithm of the learning rate, the suggested rate
    marked. The axis of losses is as high as the smooth curve needs: what leaves it has diverged.

    Args:
        found: a range test of at least one step.
        own: the recipe's learning rate, which is marked too where the test has gone over it.

    Example:
        >>> from cnnviz.learning_rate_range import learning_rate_range
        >>> figure = learning_rate_chart(learning_rate_range([0.001, 0.01], [2.0, 1.0]))
        >>> list(figure.data[0].y)
        [2.0, 1.0]
    """
    figure = go.Figure()
    figure.add_scatter(
        x=list(found.rates),
        y=list(found.losses),
        mode="lines",
        name="Loss of a batch",
        line={"color": _GREY, "width": 1},
        opacity=0.55,
        hovertemplate="%{x:.2g}: %{y:.3f}",
    )
    figure.add_scatter(
        x=list(found.rates),
        y=list(found.smoothed),
        mode="lines",
        name="Smoothed",
        line={"color": COLOURS[1], "width": 2.4},
        hovertemplate="%{x:.2g}: %{y:.3f}",
    )
    marks = [(found.suggestion or 0.0, "suggested", ACCENT, "solid"), (own or 0.0, "recipe", _GREY, "dash")]
    within = sorted(mark for mark in marks if found.rates[0] <= mark[0] <= found.rates[-1])
    for at, (rate, word, colour, dash) in enumerate(within):
        _mark(figure, rate, word, colour, dash, left=at < len(within) - 1)  # two words would overlap
    laid_out(figure, height=280)
    figure.update_layout(margin={"t": 60, "l": 8, "r": 8, "b": 8}, legend={"y": 1.13})  # above the marks' words
    figure.update_xaxes(
        title="Learning rate", type="log", dtick=1, exponentformat="power", fixedrange=True, zeroline=False
    )
    low, high = min(found.smoothed), max(found.smoothed)
    room = _HEADROOM * (high - low or 1.0)
    figure.update_yaxes(title="Loss", fixedrange=True, zeroline=False, range=[low - room, high + room])
    return figure


def _mark(figure: go.Figure, rate: float, word: str, colour: str, dash: str, *, left: bool) -> None:
    figure.add_shape(
        type="line", x0=rate, x1=rate, yref="paper", y0=0, y1=1, line={"color": colour, "width": 1.6, "dash": dash}
    )
    figure.add_annotation(
        x=math.log10(rate),
        yref="paper",
        y=1,
        yanchor="bottom",
        xanchor="right" if left else "left",
        text=f"{word} {rate:.2g}",
        showarrow=False,
        font={"size": 12},
    )
