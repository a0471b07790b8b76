"""The table of all runs, sorted by a click on a column's head."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from cnnviz import runs
from cnnviz.runs import Run
from cnnviz.runs.compare import data_name, name_of, no_recipe, parameters, short_model
from cnnviz.ui.runs.actions import LOOKS

__all__ = ["all_runs", "frame"]

SECONDS = 2.0
"""How often the figures of runs that go on are drawn anew."""
ROWS = 8
"""How many rows are seen without scrolling."""
_ROW_PIXELS = 35
_KNOWN = "runs_rows"

_COLUMNS = {
    "Name": st.column_config.TextColumn(width=330, help="What tells it from the others."),
    "State": st.column_config.TextColumn(width="small", help="What is going on with it."),
    "Validation": st.column_config.NumberColumn(
        format="%.2f %%", help="Accuracy on the validation images at the best epoch; the mean over several heads."
    ),
    "Test": st.column_config.NumberColumn(
        format="%.2f %%", help="Accuracy of the best epoch on test images, which had no part in any choice."
    ),
    "Data": st.column_config.TextColumn(help="What it learns from."),
    "Model": st.column_config.TextColumn(help="Filters of the convolutions, units of the dense layers, → predictions."),
    "Parameters": st.column_config.NumberColumn(format="%,d", help="How many numbers the model has."),
    "Epochs": st.column_config.NumberColumn(format="%d", help="How many epochs were completed."),
    "Duration": st.column_config.NumberColumn(
        format="compact", help="Hours, minutes and seconds from its first moment of work to its last."
    ),
    "When": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm", help="When it was started."),
}


def frame(listed: Sequence[Run]) -> pd.DataFrame:
    """Returns a row per run, the newest first, with `id` as its index; rows of unchanged runs are kept."""
    known = st.session_state.setdefault(_KNOWN, {})
    rows = {}
    for run in listed:
        kept = known.get(run.id)
        # What a run was read as is one object until its file changes; only one that goes on becomes longer by itself.
        same = kept is not None and kept[0] is run.written and kept[1] is run.recipe and kept[2] == run.state
        same = same and not run.active
        rows[run.id] = kept if same else (run.written, run.recipe, run.state, _row(run))
    st.session_state[_KNOWN] = rows
    table = pd.DataFrame.from_records([row[-1] for row in rows.values()], columns=list(_COLUMNS), index=list(rows))
    table["Duration"] = pd.to_timedelta(table["Duration"], unit="s")
    for name in ("Parameters", "Epochs"):
        table[name] = table[name].astype("Int64")
    return table


def _row(run: Run) -> tuple:
    recipe, written = run.recipe, run.written
    accuracy, test = written.metrics.get("val_accuracy"), written.test.get("accuracy")
    return (
        name_of(run),
        f"{LOOKS[run.state][1]} {run.state}",
        None if accuracy is None else 100 * accuracy,
        None if test is None else 100 * test,
        data_name(recipe) if recipe else no_recipe(run),
        short_model(recipe.network) if recipe else None,
        parameters(recipe.network, recipe.data.input_shape) if recipe else None,
        written.epoch,
        None if run.seconds is None else round(run.seconds),
        dt.datetime.fromtimestamp(written.created),
    )


def all_runs(listed: Sequence[Run], names: Mapping[str, str]) -> None:
    """Draws the table, folded until somebody opens it.

    Args:
        listed: the runs, the newest first.
        names: what they are called, by id.
    """
    with st.expander("Table of all runs", key="runs_all", icon=":material/table:", on_change="rerun") as part:
        if part.open:
            moving = any(run.active for run in listed)
            st.fragment(run_every=SECONDS if moving else None)(_grid)(dict(names))
            st.caption("Compare by validation; believe the test metric.")


def _grid(names: Mapping[str, str]) -> None:
    listed = [run for run in runs.listing() if run.id in names]
    table = frame(listed)
    table["Name"] = [names[run] for run in table.index]
    st.dataframe(
        table,
        key="runs_table",
        hide_index=True,
        column_config=_COLUMNS,
        height=_ROW_PIXELS * (min(len(listed), ROWS) + 1) + 3,
        placeholder="–",
        alt="All runs with state, metrics and model",
    )
