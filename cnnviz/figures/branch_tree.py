"""The tree of runs that branch from one another, as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from cnnviz.figures.style import ACCENT, escape_text, laid_out

__all__ = ["Twig", "branch_tree"]

_ROW, _GREY = 34, "#80908d"


@dataclass(frozen=True)
class Twig:
    """A run in the tree: its name, the row of its parent (`None` for the first), from which epoch to which it went,
    what it reached in words, and whether it is the one that is looked at."""

    name: str
    parent: int | None
    begin: int
    end: int
    reached: str = ""
    chosen: bool = False


def branch_tree(twigs: Sequence[Twig]) -> go.Figure:
    """Returns the tree over epochs, a row for each run in the given order, whose parent stands above it.

    Args:
        twigs: the runs, each after its parent.

    Example:
        >>> figure = branch_tree([Twig("Digits", None, 0, 12), Twig("slower", 0, 6, 12, chosen=True)])
        >>> list(figure.data[1].x)
        [6, 6, 12]
    """
    figure = go.Figure()
    for row, twig in enumerate(twigs):
        forks = [] if twig.parent is None else [(twig.begin, twig.parent)]
        path = [*forks, (twig.begin, row), (twig.end, row)]
        words = f"{escape_text(twig.name, 60)}<br>epochs {twig.begin} to {twig.end}"
        figure.add_scatter(
            x=[at for at, _ in path],
            y=[at for _, at in path],
            mode="lines+markers",
            line={"color": ACCENT if twig.chosen else _GREY, "width": 4 if twig.chosen else 2.4},
            marker={"size": [0] * (len(path) - 1) + [11]},
            hovertemplate=f"{words}<br>{escape_text(twig.reached, 60)}<extra></extra>",
            cliponaxis=False,
        )
    laid_out(figure, height=70 + _ROW * len(twigs))
    figure.update_layout(showlegend=False, margin={"l": 8, "r": 16, "t": 12, "b": 8})
    figure.update_xaxes(title="Epoch", fixedrange=True, zeroline=False, rangemode="tozero")
    figure.update_yaxes(
        tickvals=list(range(len(twigs))),
        ticktext=[escape_text(twig.name, 28) for twig in twigs],
        range=[len(twigs) - 0.5, -0.5],
        fixedrange=True,
        showgrid=False,
        zeroline=False,
    )
    return figure
