"""How a model's predictions go along an augmentation step's range, as charts."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from cnnviz.figures.curves import COLOURS
from cnnviz.figures.style import escape_text, laid_out

__all__ = ["prediction_curves", "share_curves"]

CLASSES = 6
HEIGHT = 400
STRIP = 84  # pixels that the images under the chart are high
_GUIDE = "rgba(128, 144, 141, 0.75)"
_DASHES = ("solid", "dash")


def prediction_curves(
    values: Sequence[float],
    found: Mapping[str, np.ndarray],
    classes: Sequence[str],
    *,
    images: Sequence[tuple[float, bytes]] = (),
    unit: str = "",
    identity: float | None = None,
) -> go.Figure:
    """Returns class probabilities of one image along a range: a colour per class, a dash per model.

    Args:
        values: where on the axis; 0 and 1 alone are written "off" and "on".
        found: for each model's label (values, classes), 0..1. Only the six classes that come highest are drawn.
        classes: their names.
        images: positions on the axis and image files, drawn under it.
        unit: written behind the numbers of the axis.
        identity: the value that changes nothing; it is marked.
    """
    figure = go.Figure()
    highest = np.max([probabilities.max(axis=0) for probabilities in found.values()], axis=0)
    shown = sorted(np.argsort(-highest, kind="stable")[:CLASSES])
    for number, (label, probabilities) in enumerate(found.items()):
        for position, index in enumerate(shown):
            name = escape_text(classes[index], 24)
            figure.add_scatter(
                x=list(values),
                y=probabilities[:, index].astype(float).tolist(),
                name=f"{name} · {escape_text(label, 30)}" if len(found) > 1 else name,
                mode="lines+markers" if len(values) < 3 else "lines",
                line={"color": COLOURS[position % len(COLOURS)], "width": 2.4, "dash": _DASHES[number % 2]},
                hovertemplate="%{y:.1%}",
            )
    laid_out(figure, height=HEIGHT if images else HEIGHT - STRIP)
    _axes(figure, values, unit, identity, title="Probability")
    if images:
        _strip(figure, images, values)
    return figure


def share_curves(
    values: Sequence[float],
    fractions: Mapping[str, Sequence[float]],
    *,
    title: str,
    unit: str = "",
    identity: float | None = None,
    levels: Mapping[str, float] | None = None,
) -> go.Figure:
    """Returns shares of images along a range, a colour per model.

    Args:
        values: where on the axis.
        fractions: for each model's label a share per value, 0..1.
        title: what the shares are.
        levels: for each label a share that is drawn as a dotted line across, such as that of untouched images.
    """
    figure = go.Figure()
    for number, (label, ys) in enumerate(fractions.items()):
        colour = COLOURS[number % len(COLOURS)]
        figure.add_scatter(
            x=list(values),
            y=list(ys),
            name=escape_text(label, 40),
            mode="lines+markers",
            line={"color": colour, "width": 2.4},
            marker={"size": 6},
            hovertemplate="%{y:.1%}",
            showlegend=len(fractions) > 1,
        )
        if levels and label in levels:
            figure.add_hline(y=levels[label], line={"color": colour, "width": 1, "dash": "dot"}, layer="below")
    laid_out(figure, height=HEIGHT - STRIP - 40)
    _axes(figure, values, unit, identity, title=title)
    return figure


def _axes(figure: go.Figure, values: Sequence[float], unit: str, identity: float | None, *, title: str) -> None:
    figure.update_layout(hovermode="x unified", margin={"t": 34, "l": 8, "r": 8, "b": 8}, uirevision="kept")
    figure.update_yaxes(title=title, range=[-0.02, 1.03], tickformat=".0%", fixedrange=True, nticks=6, zeroline=False)
    figure.update_xaxes(fixedrange=True, showgrid=False, zeroline=False, ticksuffix=unit, nticks=9, hoverformat=".3~g")
    if list(values) == [0.0, 1.0]:
        figure.update_xaxes(tickvals=[0, 1], ticktext=["off", "on"], range=[-0.5, 1.5])
    elif len(values) > 1:
        gap = (values[-1] - values[0]) / 40
        figure.update_xaxes(range=[values[0] - gap, values[-1] + gap])
    if identity is not None and values[0] <= identity <= values[-1] and len(values) > 2:
        figure.add_vline(x=identity, line={"color": _GUIDE, "width": 1, "dash": "dot"}, layer="below")


def _strip(figure: go.Figure, images: Sequence[tuple[float, bytes]], values: Sequence[float]) -> None:
    """Images under the axis, each below its own value."""
    positions = [position for position, _ in images]
    gap = (positions[-1] - positions[0]) / (len(positions) - 1) if len(positions) > 1 else 1.0
    figure.update_layout(margin={"b": STRIP + 34})
    figure.update_xaxes(range=[positions[0] - gap / 2, positions[-1] + gap / 2])
    plot = HEIGHT - 34 - STRIP - 34
    for position, file in images:
        kind = "png" if file.startswith(b"\x89PNG") else "jpeg"
        figure.add_layout_image(
            source=f"data:image/{kind};base64,{base64.b64encode(file).decode()}",
            xref="x",
            yref="paper",
            x=position,
            y=-28 / plot,
            sizex=gap * 0.94,
            sizey=STRIP / plot,
            xanchor="center",
            yanchor="top",
            sizing="contain",
            layer="above",
        )
