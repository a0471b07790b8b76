"""The list of runs beside what is shown of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from cnnviz import runs
from cnnviz.errors import RunError
from cnnviz.runs import Run, notes
from cnnviz.runs.compare import data_name, short_model
from cnnviz.runs.groups import groups
from cnnviz.runs.groups import kind as differing
from cnnviz.runs.progress import progress
from cnnviz.ui.components.run_list import Row, run_list
from cnnviz.ui.runs.actions import LOOKS, percent
from cnnviz.ui.runs.filters import filtered
from cnnviz.ui.runs.selection import choose

__all__ = ["side_list"]

SECONDS = 2.0
"""How often the figures of runs that go on are drawn anew."""


def side_list(listed: Sequence[Run], names: Mapping[str, str], shown: Sequence[Run]) -> None:
    """Draws filters, and the runs that pass them, of which one is opened or several are compared.

    Args:
        listed: all runs, the newest first.
        names: what they are called, by id.
        shown: those that are shown beside the list.
    """
    passing = filtered(listed, names)
    if not passing:
        st.info("No run fits these filters; take one away to see more.", icon=":material/filter_alt_off:")
        return
    moving = any(run.active for run in passing)
    st.fragment(run_every=SECONDS if moving else None)(_list)(
        [run.id for run in passing], dict(names), [run.id for run in shown]
    )
    if len(shown) > 1:
        st.button(
            "End comparison",
            key="runs_alone",
            icon=":material/close:",
            type="tertiary",
            on_click=_choose,
            args=([shown[0].id],),
            help="Shows the first of the ticked runs alone.",
        )


def _list(ids: Sequence[str], names: Mapping[str, str], shown: Sequence[str]) -> None:
    try:
        listed = runs.listing()
    except RunError:
        return  # the whole page says so
    now, found = {run.id: run for run in listed}, groups(listed)
    hidden = [run for run in shown if run not in ids]  # by the filters; they stay where they are
    run_list(
        [_row(now[run], names[run], found.get(now[run].written.group, ())) for run in ids if run in now],
        shown,
        key="runs_list",
        on_open=lambda run: _choose([run]),
        on_tick=lambda ticked: _choose(
            [*(run for run in shown if run in ticked or run in hidden), *(run for run in ticked if run not in shown)]
        ),
    )


def _choose(ids: Sequence[str]) -> None:
    choose(ids)


def _row(run: Run, name: str, group: Sequence[Run]) -> Row:
    kind = f"{data_name(run.recipe)} · {short_model(run.recipe.network)}" if run.recipe else "unreadable recipe"
    state = f"{LOOKS[run.state][1]} {run.state}"
    if run.state == "running":
        state += f" · {100 * progress(run).fraction:.0f} %"
    if group:
        state += f" · one of {len(group)} {differing(group)}"
    line = state if name.startswith(kind) else f"{state} · {kind}"
    return Row(run.id, name, line, percent(run.written.metrics.get("val_accuracy")), notes.read(run.folder).tags)
