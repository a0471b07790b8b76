"""What a dataset holds, as charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from cnnviz.figures.style import escaped, laid_out

__all__ = ["class_bars"]

LABELLED = 24
_NAMES = {"train": "Training", "validation": "Validation", "test": "Test"}


def class_bars(classes: Sequence[str], counts: Mapping[str, Sequence[int]]) -> go.Figure:
    """Returns bars of how many samples each class has, the splits one behind another.

    Args:
        classes: their names, in the order of their indices.
        counts: for each split a number per class.
    """
    few = len(classes) <= LABELLED
    rows = list(range(len(classes)))
    names = [escaped(name, 16) for name in classes]
    bars = [
        go.Bar(
            y=rows,
            x=list(map(int, numbers)),
            orientation="h",
            name=_NAMES.get(split, split),
            customdata=[escaped(name, 80) for name in classes],
            hovertemplate="%{customdata}: %{x:,} %{fullData.name}<extra></extra>",
        )
        for split, numbers in counts.items()
    ]
    figure = laid_out(go.Figure(bars), height=max(120, 72 + 22 * len(classes)) if few else 360)
    # A legend as wide as the chart, also where a telephone leaves little room beside the names.
    figure.update_layout(margin_t=40, legend={"xref": "container", "yref": "container", "x": 0.02, "yanchor": "top"})
    figure.update_layout(legend_traceorder="normal", barmode="stack", bargap=0.25 if few else 0.05)
    figure.update_yaxes(
        autorange="reversed",
        tickmode="array",
        tickvals=rows if few else [],
        ticktext=names if few else [],
        showgrid=False,
        title=None if few else f"{len(classes):,} classes",
    )
    figure.update_xaxes(title=None, tickformat=",d", nticks=6)
    return figure
