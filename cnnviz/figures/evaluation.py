"""What a model's predictions are worth, as charts: calibration, ROC, precision over recall; and a matrix's colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import plotly.graph_objects as go

from cnnviz.figures.curves import COLOURS
from cnnviz.figures.style import escape_text, laid_out

__all__ = ["calibration_chart", "cell_colours", "cost_chart", "precision_chart", "roc_chart"]

HEIGHT = 280
_GUIDE = "rgba(128, 144, 141, 0.75)"
_BAR = "rgba(20, 153, 140, 0.45)"


def roc_chart(roc: Mapping[str, Any], positive: str) -> go.Figure:
    """Returns the ROC curve: how many of the positive class are found against how many others are taken for it.

    Args:
        roc: as in a report, with `false_positive`, `true_positive` and `area`.
        positive: the class's name.
    """
    name = f"Area {roc['area']:.4f}"
    figure = _curve(roc["false_positive"], roc["true_positive"], name, [0, 1], [0, 1], "guessing")
    return _axes(figure, "Others taken for it", f"Found of {escape_text(positive, 24)}")


def precision_chart(curve: Mapping[str, Any], share: float, positive: str) -> go.Figure:
    """Returns precision over recall.

    Args:
        curve: as in a report, with `recall`, `precision` and `average`.
        share: how many of all images are of the class, which is the precision of guessing.
        positive: the class's name.
    """
    name = f"Average precision {curve['average']:.4f}"
    figure = _curve(curve["recall"], curve["precision"], name, [0, 1], [share, share], "guessing")
    return _axes(figure, f"Found of {escape_text(positive, 24)} (recall)", "Right of those (precision)")


def calibration_chart(calibration: Mapping[str, Any], after: Mapping[str, Any] | None = None) -> go.Figure:
    """Returns how often predictions are right over how sure they are, a bar for each bin that has images.

    Args:
        calibration: as in a report.
        after: the same of calibrated probabilities, drawn as a second line.
    """
    bins = calibration["bins"]
    figure = go.Figure()
    figure.add_bar(
        x=[(one["low"] + one["high"]) / 2 for one in bins],
        y=[one["accuracy"] for one in bins],
        width=[0.94 * (one["high"] - one["low"]) for one in bins],
        marker={"color": _BAR},
        showlegend=False,
        customdata=[[one["samples"], one["confidence"]] for one in bins],
        hovertemplate="%{customdata[0]:,} images, %{customdata[1]:.1%} sure on average<br>%{y:.1%} of them right"
        "<extra></extra>",
    )
    figure.add_scatter(
        x=[one["confidence"] for one in bins],
        y=[one["accuracy"] for one in bins],
        mode="lines+markers",
        name=f"Calibration error {calibration['error']:.4f}",
        line={"color": COLOURS[0], "width": 2.4},
        marker={"size": 6},
        hoverinfo="skip",
    )
    if after is not None:
        figure.add_scatter(
            x=[one["confidence"] for one in after["bins"]],
            y=[one["accuracy"] for one in after["bins"]],
            mode="lines+markers",
            name=f"calibrated {after['error']:.4f}",
            line={"color": COLOURS[1], "width": 2.4},
            marker={"size": 6},
            hovertemplate="calibrated: %{x:.1%} sure, %{y:.1%} right<extra></extra>",
        )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name="as sure as right",
        hoverinfo="skip",
        line={"color": _GUIDE, "width": 1.2, "dash": "dot"},
    )
    return _axes(figure, "How sure it is", "How often it is right")


def cost_chart(thresholds: np.ndarray, costs: np.ndarray, chosen: int, usual: int, positive: str) -> go.Figure:
    """Returns the mean cost of an image over the threshold, the chosen and the usual one marked.

    Args:
        thresholds: 0..1, float (k,).
        costs: float (k,).
        chosen: the chosen one's position.
        usual: the position of the one that is used where nobody chooses.
        positive: the class that is answered from the threshold on, "" where any is.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=thresholds,
        y=costs,
        mode="lines",
        showlegend=False,
        line={"color": COLOURS[0], "width": 2.4},
        hovertemplate="from %{x:.3f} on: %{y:.4g}<extra></extra>",
    )
    for name, at, colour in (("least on validation", chosen, COLOURS[1]), ("without choosing", usual, _GUIDE)):
        figure.add_scatter(
            x=[thresholds[at]],
            y=[costs[at]],
            mode="markers",
            name=name,
            marker={"size": 12, "color": colour},
            hovertemplate=f"{name}: %{{y:.4g}}<extra></extra>",
        )
    what = f"Threshold of {escape_text(positive, 24)}" if positive else "Threshold of the probability"
    _axes(figure, what, "Mean cost of an image")
    highest = max(3 * costs[usual], 3 * costs[chosen])  # where nothing is answered any more, all else would be flat
    figure.update_yaxes(range=[0, min(highest, 1.05 * costs.max())] if highest > 0 else None, tickformat=None)
    return figure


def _curve(x: list, y: list, name: str, guide_x: list, guide_y: list, guide: str) -> go.Figure:
    figure = go.Figure()
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        name=name,
        line={"color": COLOURS[0], "width": 2.4},
        hovertemplate="%{x:.1%} → %{y:.1%}<extra></extra>",
    )
    figure.add_scatter(
        x=guide_x,
        y=guide_y,
        mode="lines",
        name=guide,
        hoverinfo="skip",
        line={"color": _GUIDE, "width": 1.2, "dash": "dot"},
    )
    return figure


def _axes(figure: go.Figure, x: str, y: str) -> go.Figure:
    laid_out(figure, height=HEIGHT)
    figure.update_layout(margin={"t": 46, "l": 8, "r": 8, "b": 8}, uirevision="kept")
    for axes, title in ((figure.update_xaxes, x), (figure.update_yaxes, y)):
        axes(title=title, range=[-0.02, 1.03], tickformat=".0%", fixedrange=True, nticks=6, zeroline=False)
    return figure


def cell_colours(matrix: np.ndarray) -> list[list[tuple[str, str]]]:
    """Returns for each cell its colour and that of the text on it, by its share of its row: viridis, dark is none.

    Args:
        matrix: how many, int (rows, columns).
    """
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    map_ = cv2.applyColorMap(np.rint(255 * share).astype(np.uint8), cv2.COLORMAP_VIRIDIS)[..., ::-1]
    light = map_ @ np.array([0.299, 0.587, 0.114])
    return [
        [
            (f"#{r:02x}{g:02x}{b:02x}", "#10171a" if bright > 120 else "#ffffff")
            for (r, g, b), bright in zip(row, brightness, strict=True)
        ]
        for row, brightness in zip(map_.tolist(), light.tolist(), strict=True)
    ]
