"""How far maps can be trusted, as charts: curves of pixels taken away or shown, layers randomized, objects hit."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from cnnviz.figures.curves import COLOURS
from cnnviz.figures.style import escape_text, laid_out

__all__ = ["cascade_bars", "object_bars", "removal_curves"]

GREY = "#80908d"
_BAND = "rgba(128, 144, 141, 0.18)"
_GUIDE = "rgba(128, 144, 141, 0.75)"
HEIGHT = 300
BARS, STRIP = 150, 96  # pixels that the bars and the images under them are high
_DASHES = ("solid", "dash", "dot")


def removal_curves(
    fractions: Sequence[float],
    curves: Mapping[str, tuple[Sequence[float], float]],
    random: Sequence[Sequence[float]] = (),
    *,
    random_area: float | None = None,
    axis: str,
) -> go.Figure:
    """Returns a class's probability while pixels are taken away or shown.

    Args:
        fractions: which shares of the pixels, 0..1.
        curves: for each map's name its probabilities and the area under them, which stands in the legend; the first
            one is drawn thick.
        random: the probabilities of random maps, drawn as a band from the least to the greatest with their mean.
        random_area: the mean of the areas under those.
        axis: what the shares are.
    """
    figure = go.Figure()
    x = list(fractions)
    if len(random) > 1:
        low, high = np.min(random, axis=0), np.max(random, axis=0)
        figure.add_scatter(
            x=x + x[::-1],
            y=[*high.tolist(), *low[::-1].tolist()],
            fill="toself",
            fillcolor=_BAND,
            mode="lines",
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
            name="random maps, least to greatest",
        )
    if len(random):
        name = "a random map" if len(random) == 1 else f"{len(random)} random maps"
        figure.add_scatter(
            x=x,
            y=np.mean(random, axis=0).tolist(),
            name=_with_area(name, random_area),
            mode="lines",
            line={"color": GREY, "width": 1.6, "dash": "dot"},
            hovertemplate="%{y:.1%}",
        )
    for number, (name, (values, area)) in reversed(list(enumerate(curves.items()))):  # the first one on top
        figure.add_scatter(
            x=x,
            y=list(values),
            name=_with_area(escape_text(name, 40), area),
            mode="lines",
            line={
                "color": COLOURS[number % len(COLOURS)],
                "width": 1.8 if number else 3,
                "dash": _DASHES[min(number, 2)],
            },
            hovertemplate="%{y:.1%}",
        )
    laid_out(figure, height=HEIGHT)
    figure.update_layout(
        hovermode="x unified",
        margin={"t": 64, "l": 8, "r": 12, "b": 8},
        uirevision="kept",
        legend={"traceorder": "reversed", "orientation": "v"},
    )
    figure.update_xaxes(
        title=axis, range=[-0.01, 1.01], tickformat=".0%", fixedrange=True, showgrid=False, zeroline=False, nticks=6
    )
    figure.update_yaxes(
        title="Probability", range=[-0.02, 1.03], tickformat=".0%", fixedrange=True, nticks=6, zeroline=False
    )
    return figure


def _with_area(name: str, area: float | None) -> str:
    return name if area is None else f"{name} · area {area:.2f}"


def cascade_bars(
    stages: Sequence[tuple[str, Sequence[float]]], images: Sequence[bytes], *, alike: float | None = None
) -> go.Figure:
    """Returns how like the original a map is while more and more layers are randomized: bars, with the maps under them.

    Args:
        stages: names, the original first, and for each the rank correlations of its draws, −1..1; the bar is their
            mean, the dots are the draws.
        images: as many image files of one shape, drawn under their bars.
        alike: from where on a map is called alike; it is marked.
    """
    figure = go.Figure()
    positions = list(range(len(stages)))
    names = [escape_text(name, 60) for name, _ in stages]
    means = [float(np.mean(values)) for _, values in stages]
    figure.add_bar(
        x=positions,
        y=means,
        width=0.62,
        marker={"color": [GREY, *[COLOURS[0]] * (len(stages) - 1)]},
        showlegend=False,
        customdata=names,
        hovertemplate="%{customdata}<br>rank correlation %{y:.2f}<extra></extra>",
    )
    dots = [(position, value) for position, (_, values) in enumerate(stages) for value in values if len(values) > 1]
    figure.add_scatter(
        x=[position for position, _ in dots],
        y=[value for _, value in dots],
        mode="markers",
        showlegend=False,
        marker={"size": 6, "color": COLOURS[1]},
        hovertemplate="one draw %{y:.2f}<extra></extra>",
    )
    height = BARS + STRIP
    laid_out(figure, height=height + 90)
    figure.update_layout(margin={"t": 8, "l": 8, "r": 8, "b": 8}, bargap=0.2, uirevision="kept")
    figure.update_yaxes(
        title="Rank correlation",
        range=[min(-0.12, *(value - 0.05 for _, value in dots), -0.12) if dots else -0.12, 1.06],
        domain=[STRIP / height, 1],
        fixedrange=True,
        nticks=5,
        zeroline=True,
        zerolinecolor=_GUIDE,
        zerolinewidth=1,
    )
    figure.update_xaxes(
        tickvals=positions,
        ticktext=[escape_text(name, 22) for name, _ in stages],
        anchor="free",
        position=0,
        showgrid=False,
        fixedrange=True,
        zeroline=False,
        range=[-0.5, len(stages) - 0.5],
        ticks="",
    )
    for position, file in zip(positions, images, strict=True):
        kind = "png" if file.startswith(b"\x89PNG") else "jpeg"
        figure.add_layout_image(
            source=f"data:image/{kind};base64,{base64.b64encode(file).decode()}",
            xref="x",
            yref="paper",
            x=position,
            y=(STRIP - 6) / height,
            sizex=0.92,
            sizey=(STRIP - 10) / height,
            xanchor="center",
            yanchor="top",
            sizing="contain",
            layer="above",
        )
    if alike is not None:
        figure.add_hline(
            y=alike,
            line={"color": COLOURS[1], "width": 1.2, "dash": "dot"},
            annotation_text="alike",
            annotation_position="top right",
            annotation_font={"size": 11, "color": GREY},
        )
    return figure


def object_bars(rows: Sequence[tuple[str, float, float]], *, area: float, centre: float) -> go.Figure:
    """Returns for each method how often its map points at the object and how much of the map lies on it.

    Args:
        rows: a method's name, its share of hits and of energy, 0..1; the first is drawn on top.
        area: what a random position hits, marked by a line.
        centre: what the image's centre hits, marked by a line.
    """
    figure = go.Figure()
    names = [escape_text(name, 30) for name, *_ in rows]
    for colour, title, at in ((COLOURS[0], "Points at the object", 1), (COLOURS[2], "Lies on the object", 2)):
        values = [row[at] for row in rows]
        figure.add_bar(
            x=values,
            y=names,
            name=title,
            orientation="h",
            marker={"color": colour},
            text=[f"{v:.0%}" for v in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"{title}: %{{x:.1%}}<extra>%{{y}}</extra>",
        )
    laid_out(figure, height=96 + 46 * len(rows))
    figure.update_layout(barmode="group", bargap=0.28, margin={"t": 58, "l": 8, "r": 36, "b": 8}, uirevision="kept")
    figure.update_layout(legend={"y": 1.0, "yref": "container", "yanchor": "top"})
    figure.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False)
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%", fixedrange=True, nticks=6, zeroline=False)
    near = abs(area - centre) < 0.2
    for x, text, anchor in (
        (area, f"random position {area:.0%}", "right" if near and area <= centre else "center"),
        (centre, f"centre {centre:.0%}", "left" if near and area <= centre else "center"),
    ):
        figure.add_vline(x=x, line={"color": _GUIDE, "width": 1.5, "dash": "dot"})
        figure.add_annotation(
            x=x,
            y=1,
            yref="paper",
            text=text,
            showarrow=False,
            xanchor=anchor,
            yanchor="bottom",
            font={"size": 11, "color": GREY},
        )
    return figure
