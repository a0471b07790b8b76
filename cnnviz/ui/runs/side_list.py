"""The list of runs beside what is shown of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from cnnviz import runs
from cnnviz.errors import RunError
from cnnviz.runs import Run, notes
from cnnviz.runs.compare import data_name, no_recipe, short_model
from cnnviz.runs.groups import groups
from cnnviz.runs.groups import kind as differing
from cnnviz.runs.progress import progress
from cnnviz.search.store import Search
from cnnviz.search.store import listing as search_listing
from cnnviz.ui.components.run_list import Row, run_list
from cnnviz.ui.runs.actions import LOOKS, percent
from cnnviz.ui.runs.filters import filtered
from cnnviz.ui.runs.search_actions import search_name, shown_value
from cnnviz.ui.runs.selection import choose, choose_search

__all__ = ["side_list"]

SECONDS = 2.0
"""How often the figures of runs that go on are drawn anew."""


def side_list(
    listed: Sequence[Run],
    names: Mapping[str, str],
    shown: Sequence[Run],
    searches: Sequence[Search] = (),
    opened: str = "",
) -> None:
    """Draws filters, and the runs that pass them, of which one is opened or several are compared.

    The trials of a search are one row, but for those that are shown.

    Args:
        listed: all runs, the newest first.
        names: what they are called, by id.
        shown: those that are shown beside the list.
        searches: all searches.
        opened: the id of the search that is shown, "" for none.
    """
    passing = filtered(listed, names)
    if not passing and not searches:
        st.info("No run fits these filters; take one away to see more.", icon=":material/filter_alt_off:")
        return
    moving = any(run.active for run in passing) or any(search.active for search in searches)
    ticked = [opened] if opened else [run.id for run in shown]
    st.fragment(run_every=SECONDS if moving else None)(_list)(
        _folded(passing, searches, ticked, whole=len(passing) == len(listed)), dict(names), ticked
    )
    if len(ticked) > 1:
        st.button(
            "End comparison",
            key="runs_alone",
            icon=":material/close:",
            type="tertiary",
            on_click=_choose,
            args=([shown[0].id],),
            help="Shows the first of the ticked runs alone.",
        )


def _folded(passing: Sequence[Run], searches: Sequence[Search], shown: Sequence[str], *, whole: bool) -> list[str]:
    """The ids of what has a row: a search stands where the newest of its trials would; one that has none that passes
    the filters is left out, but where there are none."""
    known = {search.id for search in searches}
    found: dict[str, None] = {}
    for run in passing:
        found[run.written.search if run.written.search in known else run.id] = None
        if run.id in shown:
            found[run.id] = None
    waiting = [search.id for search in searches if search.id not in found and (whole or search.id in shown)]
    return [*waiting, *found]


def _list(ids: Sequence[str], names: Mapping[str, str], shown: Sequence[str]) -> None:
    try:
        listed = runs.listing()
        searches = {search.id: search for search in search_listing()}
    except RunError:
        return  # the whole page says so
    now, found = {run.id: run for run in listed}, groups(listed)
    hidden = [run for run in shown if run not in ids]  # by the filters; they stay where they are
    run_list(
        [
            _search_row(searches[one])
            if one in searches
            else _row(now[one], names[one], found.get(now[one].written.group, ()))
            for one in ids
            if one in now or one in searches
        ],
        shown,
        key="runs_list",
        on_open=lambda run: _choose([run]),
        on_tick=lambda ticked: _choose(
            [*(run for run in shown if run in ticked or run in hidden), *(run for run in ticked if run not in shown)]
        ),
    )


def _choose(ids: Sequence[str]) -> None:
    """Shows runs, or a search where one was chosen anew."""
    known = {search.id for search in search_listing()}
    opened = st.session_state.get("runs_search")
    new = next((one for one in ids if one in known and one != opened), "")
    alone = len(ids) == 1 and ids[0] in known
    choose_search(new or (ids[0] if alone else ""))
    if not new and not alone:
        choose([one for one in ids if one not in known])


def _search_row(search: Search) -> Row:
    """One row for a search and all its trials."""
    result = search.result
    line = f"{LOOKS[search.state][1]} {search.state} · {result.trials} of {search.spec.trials} trials"
    best = result.best
    figure = "–" if best is None else shown_value(search.spec.metric, best.value)
    return Row(search.id, f"Search · {search_name(search)}", line, figure)


def _row(run: Run, name: str, group: Sequence[Run]) -> Row:
    kind = f"{data_name(run.recipe)} · {short_model(run.recipe.network)}" if run.recipe else no_recipe(run)
    state = f"{LOOKS[run.state][1]} {run.state}"
    if run.state == "running":
        state += f" · {100 * progress(run).fraction:.0f} %"
    if run.written.search:
        state += f" · trial {run.written.trial}"
    if group:
        state += f" · one of {len(group)} {differing(group)}"
    line = state if name.startswith(kind) else f"{state} · {kind}"
    return Row(run.id, name, line, percent(run.written.metrics.get("val_accuracy")), notes.read(run.folder).tags)
