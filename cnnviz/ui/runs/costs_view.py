"""The part of a report that finds the threshold at which a run's mistakes cost least."""

from __future__ import annotations

import streamlit as st

from cnnviz.explain.uncertainty.calibration_of_run import Calibration, calibrated
from cnnviz.figures.evaluation import cost_chart
from cnnviz.figures.numbers import numbers
from cnnviz.figures.style import CONFIG
from cnnviz.runs.costs import THRESHOLDS, Costs, best_threshold, costs_of_answering, costs_of_two_classes
from cnnviz.runs.predictions import Predictions
from cnnviz.ui.markdown import plain
from cnnviz.ui.session.widget_sync import set_widget_value_first

__all__ = ["costs_part"]

MOST = 1_000_000.0


def costs_part(known: Calibration, chosen_on: Predictions, found: Predictions, head: str) -> None:
    """Draws the costs' fields, the mean cost over the threshold, and what comes of the best one.

    Args:
        known: of the model, by which probabilities are calibrated.
        chosen_on: the validation images' predictions, on which the threshold is chosen.
        found: those of the images that it is tried on.
        head: whose predictions.
    """
    classes = found.classes[head]
    st.markdown("**Threshold by cost**")
    two = len(classes) == 2
    names = (
        [f"Cost of {classes[0]} taken for {classes[1]}", f"Cost of {classes[1]} taken for {classes[0]}"]
        if two
        else ["Cost of a wrong answer", "Cost of no answer"]
    )
    left, right = st.columns([1, 2], gap="medium")
    with left:
        first, second = (
            _field(name, f"runs_report_cost_{head}_{at}", start)
            for at, (name, start) in enumerate(zip(names, (1.0, 1.0) if two else (10.0, 1.0), strict=True))
        )
    chosen, tried = (_costs(known, one, head, first, second) for one in (chosen_on, found))
    at, usual = best_threshold(chosen), len(THRESHOLDS) // 2 if two else 0
    with right:
        said = f"Mean cost over the threshold; the least on the validation images is at {THRESHOLDS[at]:.3g}"
        figure = cost_chart(THRESHOLDS, tried.mean, at, usual, classes[1] if two else "")
        st.plotly_chart(figure, config=CONFIG, key="runs_report_chart_cost", theme="streamlit", alt=said)
    st.html(numbers(_figures(tried, at, usual, classes, len(found.indices))))
    what = f"From the threshold on it answers {plain(classes[1])}" if two else "Below the threshold it gives no answer"
    where = "the same images" if found is chosen_on else "the validation images"
    st.caption(f"{what}; chosen on {where} by calibrated probabilities.")


def _field(name: str, key: str, start: float) -> float:
    set_widget_value_first(key, start)
    return float(st.number_input(plain(name), min_value=0.0, max_value=MOST, key=key, help="In any unit."))


def _costs(known: Calibration, found: Predictions, head: str, first: float, second: float) -> Costs:
    likely, labels = calibrated(known, head, found.probabilities[head]), found.labels[head]
    if likely.shape[1] == 2:
        return costs_of_two_classes(labels, likely[:, 1], first, second)
    return costs_of_answering(likely.argmax(axis=1) == labels, likely.max(axis=1), first, second)


def _figures(tried: Costs, at: int, usual: int, classes: tuple[str, ...], images: int) -> list[tuple[str, str, str]]:
    two, counts = len(classes) == 2, {name: int(values[at]) for name, values in tried.counts.items()}
    rows = [
        ("Best threshold", f"{THRESHOLDS[at]:.3g}", "Where the mean cost of the validation images is least."),
        ("Cost of an image", f"{tried.mean[at]:.4g}", "On average, at this threshold."),
        (
            "Cost at 0.5" if two else "Cost of all answered",
            f"{tried.mean[usual]:.4g}",
            "On average, where the likelier class is answered.",
        ),
    ]
    if two:
        return [
            *rows,
            (f"{classes[0]} taken for {classes[1]}", f"{counts['false_positive']:,}", "How many images."),
            (f"{classes[1]} taken for {classes[0]}", f"{counts['false_negative']:,}", "How many images."),
        ]
    answered = images - counts["unanswered"]
    right = f"{100 * (1 - counts['wrong'] / answered):.2f} %" if answered else "–"
    return [
        *rows,
        ("Answered", f"{100 * answered / images:.1f} %", "How many images are at least as sure as the threshold."),
        ("Right of these", right, "How many of the answered ones."),
    ]
