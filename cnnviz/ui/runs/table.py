"""The table of all runs: filtered, sorted by a click on a column's head, and the place to select runs."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from cnnviz import runs
from cnnviz.runs import Run
from cnnviz.runs.compare import name_of, parameters, short_model
from cnnviz.ui.runs.actions import LOOKS
from cnnviz.ui.runs.selection import MOST, choose, version

__all__ = ["frame", "runs_table", "selection"]

SECONDS = 2.0
"""How often the figures of runs that go on are drawn anew."""
ROWS = 8
"""How many rows are seen without scrolling."""
_ROW_PIXELS = 35
_KNOWN = "runs_rows"

_COLUMNS = {
    "Name": st.column_config.TextColumn(width=250, help="What the recipe is called."),
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
        recipe.data.dataset if recipe else "unreadable recipe",
        short_model(recipe.network) if recipe else None,
        parameters(recipe.network, recipe.data.input_shape) if recipe else None,
        written.epoch,
        None if run.seconds is None else round(run.seconds),
        dt.datetime.fromtimestamp(written.created),
    )


def runs_table(listed: Sequence[Run], chosen: Sequence[str]) -> list[str]:
    """Draws filters and table; returns the ids that are selected, after what was ticked there."""
    everything = frame(listed)
    shown = _filtered(everything)
    if shown.empty:
        st.info("No run fits these filters; take one away to see more.", icon=":material/filter_alt_off:")
        return list(chosen)
    ids = list(shown.index)
    places = {run: row for row, run in enumerate(ids)}
    key = f"runs_table_{version(zlib.crc32(','.join(ids).encode()))}"
    moving = any(run.active for run in listed)
    drawn: list[list[int]] = []
    st.fragment(run_every=SECONDS if moving else None)(_grid)(
        ids, key, [places[run] for run in chosen if run in places], drawn
    )
    (rows,) = drawn
    hidden = f"{len(ids):,} of {len(everything):,} runs. " if len(ids) < len(everything) else ""
    st.caption(
        f"{hidden}Tick a run to see all of it, several to compare them; click a column's head to sort by it. "
        "Compare by validation, and believe the test metric, which nothing was chosen by."
    )
    # Runs that the filters hide stay selected; those that were ticked before keep their place and colour.
    ticked = [ids[row] for row in rows if row < len(ids)]
    kept = [run for run in chosen if run in ticked or run not in places]
    wanted = kept + [run for run in ticked if run not in chosen]
    taken = choose(wanted, table=False)
    if len(taken) < len(wanted):
        st.rerun()  # so that the table shows no more ticks than there are runs below
    return taken


def _grid(ids: Sequence[str], key: str, first: Sequence[int], drawn: list[list[int]]) -> None:
    """Draws the table itself, whose figures move while a run goes on.

    Args:
        ids: the runs that are shown, in order.
        key: of the element.
        first: the rows that are ticked at first.
        drawn: gets the ticked rows; the whole page is drawn anew when they change.
    """
    everything = frame(runs.listing())
    if not set(ids) <= set(everything.index):
        st.rerun(scope="app")
    state = st.dataframe(
        everything.loc[list(ids)],
        key=key,
        hide_index=True,
        column_config=_COLUMNS,
        height=_ROW_PIXELS * (min(len(ids), ROWS) + 1) + 3,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": list(first)}},
        placeholder="–",
        alt="All runs with state, metrics and model",
    )
    rows = list(state["selection"]["rows"])
    if drawn and drawn[0] != rows:
        st.rerun(scope="app")
    drawn[:] = [rows]


def _filtered(everything: pd.DataFrame) -> pd.DataFrame:
    if len(everything) < 2:
        return everything
    states = [name for name in LOOKS if everything["State"].str.endswith(name).any()]
    data = sorted(everything["Data"].unique())
    for key, options in (("runs_filter_state", states), ("runs_filter_data", data)):
        if any(value not in options for value in st.session_state.get(key, ())):
            st.session_state[key] = [value for value in st.session_state[key] if value in options]
    with st.container(horizontal=True, key="runs_filters"):
        text = st.text_input(
            "Search",
            key="runs_filter_text",
            persist_state="session",
            width=260,
            placeholder="name, model or id",
            icon=":material/search:",
            help="Words that must all be in a run's name, data, model or id.",
        )
        in_state = st.multiselect(
            "State",
            states,
            key="runs_filter_state",
            persist_state="session",
            width=260,
            placeholder="every state",
            help="Shows runs in these states only.",
        )
        with_data = st.multiselect(
            "Data",
            data,
            key="runs_filter_data",
            persist_state="session",
            width=260,
            placeholder="all data",
            help="Shows runs on these data only.",
        )
    keep = pd.Series(True, index=everything.index)
    if in_state:
        keep &= everything["State"].str.split().str[-1].isin(in_state)
    if with_data:
        keep &= everything["Data"].isin(with_data)
    if words := (text or "").casefold().split():
        told = everything[["Name", "Data", "Model"]].fillna("").agg(" ".join, axis=1) + " " + everything.index
        for word in words:
            keep &= told.str.casefold().str.contains(word, regex=False)
    return everything[keep]


def _choose_shown() -> None:
    choose(st.session_state["runs_shown"])


def selection(listed: Sequence[Run], names: dict[str, str], chosen: Sequence[str]) -> list[Run]:
    """Draws the selected runs as a list that can be changed by keyboard too, and returns them."""
    by_id = {run.id: run for run in listed}
    if len(listed) > 1:
        st.session_state["runs_shown"] = list(chosen)
        st.multiselect(
            "Shown below",
            list(by_id),
            key="runs_shown",
            format_func=lambda run: names.get(run, run),
            on_change=_choose_shown,
            max_selections=MOST,
            placeholder="tick runs above, or choose here",
            help="The ticked runs; one is shown in full, several are laid over each other.",
        )
    return [by_id[run] for run in chosen if run in by_id]
