"""Several runs beside each other: curves in one chart, best figures, what differs between their recipes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from cnnviz import runs
from cnnviz.errors import RunError
from cnnviz.figures import curves
from cnnviz.figures.style import CONFIG
from cnnviz.runs import Run, metrics
from cnnviz.runs.compare import differences, different_data, labels, parameters
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.actions import delete_button

__all__ = ["comparison"]

SECONDS = 2.0


def comparison(chosen: Sequence[Run]) -> None:
    """Draws several runs; the chart moves by itself while one of them goes on."""
    names = labels(chosen)
    st.markdown(f"### {len(chosen)} runs compared", anchors=False)
    if message := different_data(chosen):
        st.warning(plain(message), icon=":material/warning:")
    every = SECONDS if any(run.active for run in chosen) else None
    found = {run.id: metrics.epochs(run.metrics_path) for run in chosen}
    options = curves.metrics_of([record for epochs in found.values() for record in epochs[-1:]])
    if options:
        if st.session_state.get("runs_metric") not in options:
            st.session_state.pop("runs_metric", None)
        metric = st.selectbox(
            "Curve",
            options,
            key="runs_metric",
            format_func=curves.metric_title,
            persist_state="session",
            width=320,
            help="Which metric is drawn for every run.",
        )
        st.fragment(run_every=every)(_chart)(list(chosen), names, metric)
    else:
        st.caption("None of these runs has completed an epoch, so there is no curve yet.")
    st.markdown("**Best metrics**")
    st.fragment(run_every=every)(_figures)([run.id for run in chosen], names)
    st.caption("Each at its best epoch; a difference smaller than one image in the split means nothing.")
    _differing(chosen, names)
    delete_button(chosen)


def _chart(chosen: Sequence[Run], names: dict[str, str], metric: str) -> None:
    shown = {names[run.id]: metrics.epochs(run.metrics_path) for run in chosen}
    title = curves.metric_title(metric)
    st.plotly_chart(
        curves.overlay_runs(shown, metric),
        key="runs_overlaid",
        config=CONFIG,
        alt=f"{title} of {len(shown)} runs over their epochs.",
    )
    better = "Lower is better" if metric.endswith("loss") else "Higher is better"
    st.caption(f"{title}, one colour per run. {better}; a curve that still moves at its end wanted more epochs.")


_PERCENT = st.column_config.NumberColumn(format="%.2f %%")
_COLUMNS = {
    "Validation": _PERCENT,
    "Test": _PERCENT,
    "Validation loss": st.column_config.NumberColumn(format="%.3f"),
    "Training": _PERCENT,
    "Parameters": st.column_config.NumberColumn(format="%,d"),
    "Duration": st.column_config.NumberColumn(format="compact"),
}


def _figures(chosen: Sequence[str], names: dict[str, str]) -> None:
    rows = []
    try:
        now = [runs.open_run(run) for run in chosen]
    except RunError:
        return  # deleted elsewhere; the whole page says so
    for run in now:
        best, test = run.written.metrics, run.written.test
        rows.append(
            {
                "Run": names[run.id],
                "Validation": _hundred(best.get("val_accuracy")),
                "Test": _hundred(test.get("accuracy")),
                "Validation loss": best.get("val_loss"),
                "Training": _hundred(best.get("accuracy")),
                "Best epoch": run.written.best_epoch,
                "Epochs": run.written.epoch,
                "Parameters": parameters(run.recipe.network, run.recipe.data.input_shape) if run.recipe else None,
                "Duration": pd.Timedelta(seconds=round(run.seconds)) if run.seconds is not None else pd.NaT,
            }
        )
    st.dataframe(
        pd.DataFrame(rows).astype({"Best epoch": "Int64", "Epochs": "Int64", "Parameters": "Int64"}),
        hide_index=True,
        key="runs_figures",
        column_config=_COLUMNS,
        height="content",
        placeholder="–",
        alt="The best metrics of each selected run",
    )


def _hundred(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _differing(chosen: Sequence[Run], names: dict[str, str]) -> None:
    st.markdown("**What differs between their recipes**")
    recipes = {names[run.id]: run.recipe for run in chosen if run.recipe is not None}
    if len(recipes) < len(chosen):
        st.caption(f"{len(chosen) - len(recipes)} of them have a recipe that can't be read and are left out here.")
    rows = differences(recipes)
    if not rows:
        if len(recipes) > 1:
            st.caption("Nothing: the same recipe, seed and machine give the same weights.")
        return
    told = pd.DataFrame([{"Setting": key, **row} for key, row in rows.items()])
    st.dataframe(told, hide_index=True, key="runs_differences", height="content", alt="Settings that differ")
    st.caption("Change one thing at a time, and the curve above tells what that thing does.")
