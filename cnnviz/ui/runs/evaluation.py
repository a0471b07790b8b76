"""A run's evaluation: figures, matrix, curves and images of a split, measured when somebody asks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from cnnviz.evaluation_metrics.registry import METRICS
from cnnviz.explain.uncertainty.calibration_of_run import (
    Calibration,
    calibrated,
    held_out_predictions,
    kept_calibration,
    sets_of,
)
from cnnviz.explain.uncertainty.prediction_sets import coverage
from cnnviz.figures.evaluation import calibration_chart, precision_chart, roc_chart
from cnnviz.figures.numbers import numbers
from cnnviz.figures.style import CONFIG
from cnnviz.recipe import SPLITS
from cnnviz.runs import Run
from cnnviz.runs.predictions import Predictions
from cnnviz.runs.report import absent_text, calibration, confusion, head_report
from cnnviz.ui.components.confusion_matrix import matrix
from cnnviz.ui.inputs.selection import RISKS
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.costs_view import costs_part
from cnnviz.ui.runs.evaluation_gallery import gallery, retrain_part
from cnnviz.ui.runs.evaluation_job import WORDS, held_out_split, measured_dataset, predictions
from cnnviz.ui.runs.slices_part import SLICE, slices_part
from cnnviz.ui.session import query_params
from cnnviz.ui.session.widget_sync import repeat_widget_value, set_widget_value, set_widget_value_first

__all__ = ["no_report", "report_part"]

_CELL, _VIEW, _HEAD = "runs_report_cell", "runs_report_view", "runs_report_head"
_WAITED, _SLICES = "runs_report_waited", "runs_report_slices"
_MOST_BESIDE = 6
"""A matrix of more classes has the whole width, and its images are below it."""


def report_part(run: Run) -> None:
    """Draws the choice of a split and all that is known of the predictions about it."""
    _from_address(run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = st.segmented_control(
            "Measured on",
            [*reversed(SPLITS)],
            format_func=lambda name: f"{WORDS[name]} images",
            key="runs_report_split",
            required=True,
            help="Test images had no part in the training; training images show how far the model overfits.",
        )
        place = st.container(width="content")
    assert split is not None  # as the session has one since `_from_address`
    found = predictions(run, split)
    session = st.session_state
    if found is None:
        _write(split, session.get(_HEAD, ""), _marked(session.get(_CELL)))
        session[_WAITED] = True
        return
    if session.pop(_WAITED, False):
        query_params.replace_silently("head", "cell")
    heads = list(found.classes)
    head = heads[0]
    if len(heads) > 1:
        if st.session_state.get(_HEAD) in heads:
            repeat_widget_value(_HEAD)
        else:
            set_widget_value(_HEAD, head)
        with place:
            picked = st.segmented_control(
                "Head",
                heads,
                key=_HEAD,
                required=True,
                help="Each prediction (head) of the model has a report of its own.",
            )
        head = picked or head
    if not len(found.indices):
        st.caption("The split has no image.")
        return
    report = _report(f"{run.id} {found.stamp} {split}", head, found)
    if found.same_as:
        st.info(
            "Validation and test are the same images here: expect a little less on new ones.",
            icon=":material/info:",
        )
    st.html(numbers(_figures(report, found)))
    seen = _of_slice(run, found, head)
    cell = _matrix_and_images(run, seen, head)
    _write(split, head if head != heads[0] else "", _marked(cell), st.session_state[SLICE] if seen is not found else "")
    known, fitted_on = kept_calibration(run), held_out_predictions(run)
    _charts(report, found, head, known if found is not fitted_on else None)
    if known is not None and fitted_on is not None and head in known.temperatures:
        costs_part(known, fitted_on, found, head)


def _marked(cell: tuple[int, int] | None) -> str:
    """The cell for the address, where its images are shown."""
    return f"{cell[0]}-{cell[1]}" if cell is not None and st.session_state.get(_VIEW) == "cell" else ""


def no_report() -> None:
    """Takes a report out of the address, where none is shown."""
    _write()


def _write(split: str = "", head: str = "", cell: str = "", part: str = "") -> None:
    query_params.write("runs_report", {"split": split, "head": head, "cell": cell, "slice": part})


def _from_address(run: Run) -> None:
    """Takes what a link says: the split, the head, and the cell whose images are shown."""
    named = query_params.new_values("runs_report", ("split", "head", "cell", "slice"))
    if named is None:
        set_widget_value_first("runs_report_split", held_out_split(run))
        return
    set_widget_value("runs_report_split", named["split"] if named["split"] in SPLITS else held_out_split(run))
    st.session_state.pop(_HEAD, None)
    if named["slice"]:
        st.session_state[SLICE] = named["slice"]
        set_widget_value(_SLICES, True)
    if named["head"]:
        set_widget_value(_HEAD, named["head"])
    if re.fullmatch(r"\d{1,4}-\d{1,4}", named["cell"]):
        _choose(*map(int, named["cell"].split("-")))
    else:
        set_widget_value(_VIEW, "mistakes")


@st.cache_data(show_spinner=False, max_entries=32)
def _report(stamp: str, head: str, _found: Predictions) -> dict[str, Any]:
    return head_report(_found.labels[head], _found.probabilities[head], _found.losses[head], _found.classes[head])


def _figures(report: Mapping[str, Any], found: Predictions) -> list[tuple[str, str, str]]:
    rows = [
        ("Accuracy", f"{100 * report['accuracy']:.2f} %", "How many predictions are right."),
        ("Loss", f"{report['loss']:.4f}", "The mean cross-entropy: small where the true class got much probability."),
        (
            "Mean F1",
            f"{report['macro']['f1']:.4f}",
            "The mean of F1, which weighs precision and recall, over the classes that have images here.",
        ),
        (
            "Calibration error",
            f"{report['calibration']['error']:.4f}",
            "How far its sureness is from how often it is right, on average; expected calibration error, 15 bins.",
        ),
    ]
    rows += [
        (METRICS[name].title, f"{value:.4f}", METRICS[name].description)
        for name, value in report.get("metrics", {}).items()
        if name in METRICS
    ]
    if curves := report.get("curves"):
        rows += [
            ("ROC area", f"{curves['roc']['area']:.4f}", "The area under the ROC curve; 0.5 is guessing."),
            (
                "Average precision",
                f"{curves['precision_recall']['average']:.4f}",
                "The area under precision over recall of the second class.",
            ),
        ]
    return [*rows, ("Images", f"{len(found.indices):,}", "How many could be read and were predicted.")]


def _of_slice(run: Run, found: Predictions, head: str) -> Predictions:
    """Draws the slices, folded until somebody opens them; returns the predictions about the one that is chosen, else
    `found` itself."""
    repeat_widget_value(_SLICES)
    with st.expander("Slices", key=_SLICES, icon=":material/grid_view:", on_change="rerun") as unfolded:
        dataset = measured_dataset(run, found) if unfolded.open else None
        if dataset is None:
            return found
        at, right = np.arange(len(found.indices)), found.probabilities[head].argmax(axis=1) == found.labels[head]
        part = slices_part(run, [dataset], found, head, at, [right], f"{run.id} {found.stamp} {found.split}")
    if part is None:
        return found
    st.caption(f"The matrix and the images are of {plain(st.session_state[SLICE])}.")
    return found.take(part)


def _matrix_and_images(run: Run, found: Predictions, head: str) -> tuple[int, int]:
    """Draws both, and returns the chosen cell."""
    classes = found.classes[head]
    counts = confusion(found.labels[head], found.probabilities[head].argmax(axis=1), len(classes))
    cell = st.session_state.get(_CELL)
    if not isinstance(cell, tuple) or max(cell) >= len(classes):
        wrong = counts - np.diag(np.diag(counts))
        cell = tuple(map(int, np.unravel_index((wrong if wrong.any() else counts).argmax(), counts.shape)))
    beside = len(classes) <= _MOST_BESIDE
    left, right = st.columns([2, 3], gap="large") if beside else (st.container(), st.container())
    with left:
        st.markdown("**Confusion matrix**")
        matrix(counts, classes, key=f"runs_report_matrix_{head}", on_click=_choose, marked=cell)
        with st.container(horizontal=True):
            for at, part, label, words in (
                (0, "true", "True label", "The true class of the images that are shown: a row of the matrix."),
                (
                    1,
                    "predicted",
                    "Predicted label",
                    "The prediction about the images that are shown: a column of the matrix.",
                ),
            ):
                name = f"runs_report_{part}_{head}"
                st.session_state[name] = cell[at]
                st.selectbox(
                    label,
                    range(len(classes)),
                    format_func=lambda at: classes[at],
                    key=name,
                    width=150,
                    on_change=_take,
                    args=(head, cell),
                    help=words,
                )
    with right:
        dataset = measured_dataset(run, found)
        if dataset is not None:
            gallery(run, dataset, found, head, cell)
            retrain_part(run)
    return cell


def _choose(true: int, said: int) -> None:
    st.session_state[_CELL] = true, said
    set_widget_value(_VIEW, "cell")


def _take(head: str, before: tuple[int, int]) -> None:
    picked = [st.session_state.get(f"runs_report_{name}_{head}") for name in ("true", "predicted")]
    _choose(*(old if new is None else int(new) for new, old in zip(picked, before, strict=True)))


def _charts(report: Mapping[str, Any], found: Predictions, head: str, known: Calibration | None) -> None:
    """Draws them; `known` is `None` on the images that it was fitted to."""
    classes, after = found.classes[head], None
    if known is not None and head in known.temperatures:
        after = calibration(found.labels[head], calibrated(known, head, found.probabilities[head]))
    charts = {"Calibration": calibration_chart(report["calibration"], after)}
    if curves := report.get("curves"):
        positive = classes[1]
        charts["ROC"] = roc_chart(curves["roc"], positive)
        charts["Precision and recall"] = precision_chart(curves["precision_recall"], curves["share"], positive)
    columns = st.columns([2, 3] if len(charts) == 1 else len(charts), gap="medium")
    for column, (title, figure) in zip(columns, charts.items(), strict=False):
        with column:
            st.markdown(f"**{title}**")
            st.plotly_chart(figure, config=CONFIG, key=f"runs_report_chart_{title}", theme="streamlit", alt=title)
    with columns[1] if len(charts) == 1 else st.container():
        st.markdown("**Per-class metrics**")
        covered, said = _sets(found, head, known) if after is not None and known is not None else ({}, "")
        _table(report, covered)
        if said:
            st.caption(said)
    if absent := absent_text(report["macro"]["absent"]):
        st.caption(plain(absent))
    if report.get("curves", ...) is None:
        st.caption("All images are of one class, so that there is neither ROC nor precision and recall.")


def _sets(found: Predictions, head: str, known: Calibration) -> tuple[dict[str, list[float | None]], str]:
    """How many of each class's images have it in their prediction set, by column, and a sentence on all of them."""
    columns, said = {}, []
    for risk in RISKS:
        sets = sets_of(known, head, found.probabilities[head], risk / 100)
        whole, columns[f"Set {risk} %"] = coverage(sets, found.labels[head])
        said.append(f"{100 * whole:.1f} % at {risk} % risk, of {sets.sum(axis=1).mean():.2f} classes on average")
    return columns, f"The true class is in the prediction set of {'; '.join(said)}."


def _table(report: Mapping[str, Any], coverages: Mapping[str, list[float | None]]) -> None:
    rows = pd.DataFrame(report["classes"]).rename(
        columns={"class": "Class", "precision": "Precision", "recall": "Recall", "f1": "F1", "support": "Images"}
    )
    rows.loc[rows["Images"] == 0, ["Precision", "Recall", "F1"]] = None  # of no image, they say nothing
    for name, values in coverages.items():
        rows[name] = values
    share = {name: st.column_config.NumberColumn(format="%.4f") for name in ("Precision", "Recall", "F1")}
    share |= {
        name: st.column_config.NumberColumn(
            format="%.4f", help="How many of the class's images have it in their prediction set, at this risk."
        )
        for name in coverages
    }
    st.dataframe(
        rows,
        hide_index=True,
        key="runs_report_classes",
        alt="Metrics of each class",
        placeholder="–",
        height="content" if len(rows) <= 15 else 480,
        column_config=share | {"Images": st.column_config.NumberColumn(format="%,d")},
    )
