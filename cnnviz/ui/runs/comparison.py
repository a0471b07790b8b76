"""Several runs beside each other: curves in one chart, best figures, what differs between their recipes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from cnnviz import runs
from cnnviz.errors import RunError
from cnnviz.runs import Run, metrics
from cnnviz.runs.compare import differences, different_data, parameters
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.actions import delete_button
from cnnviz.ui.runs.image_by_image import image_by_image
from cnnviz.ui.runs.learning_curves import chart_options, overlaid

__all__ = ["comparison"]

SECONDS = 2.0


def comparison(chosen: Sequence[Run], names: dict[str, str]) -> None:
    """Draws several runs; the chart moves by itself while one of them goes on.

    Args:
        chosen: the runs.
        names: what runs are called, by id.
    """
    st.markdown(f"## {len(chosen)} runs compared", anchors=False)
    if message := different_data(chosen):
        st.warning(plain(message), icon=":material/warning:")
    every = SECONDS if any(run.active for run in chosen) else None
    if any(metrics.epochs(run.metrics_path) for run in chosen):
        drawn, head = st.container(), _head(chosen)
        smoothing, log = chart_options()
        shown = {names[run.id]: run for run in chosen}
        with drawn:
            st.fragment(run_every=every)(overlaid)(shown, head, smoothing=smoothing, log=log)
    else:
        st.caption("None of these runs has completed an epoch, so there is no curve yet.")
    st.markdown("**Best metrics**")
    st.fragment(run_every=every)(_figures)([run.id for run in chosen], names)
    st.caption("Each at its best epoch; a difference smaller than one image in the split means nothing.")
    if len(chosen) == 2:
        image_by_image(chosen, names)
    _differing(chosen, names)
    delete_button(chosen)


def _head(chosen: Sequence[Run]) -> str:
    """The head whose metrics are drawn, chosen where there are several; "" for all of them together."""
    several = [run.recipe.network.heads for run in chosen if run.recipe and len(run.recipe.network.heads) > 1]
    names = list(dict.fromkeys(head.name for heads in several for head in heads))
    if not names:
        return ""
    if st.session_state.get("runs_head", "") not in ("", *names):
        st.session_state.pop("runs_head")
    chosen_head = st.selectbox(
        "Head",
        ["", *names],
        key="runs_head",
        format_func=lambda name: name or "all together",
        persist_state="session",
        width=220,
        help="Whose loss and accuracy are drawn.",
    )
    return chosen_head or ""


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
