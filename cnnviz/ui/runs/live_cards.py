"""What moves by itself on the Runs page: how far the runs are that go on, and what is said when one ends."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from cnnviz import runs
from cnnviz.engines import engine_named
from cnnviz.errors import RunError
from cnnviz.runs import Run
from cnnviz.runs.compare import name_of
from cnnviz.runs.launch import pause_requested
from cnnviz.runs.nodes import elsewhere
from cnnviz.runs.progress import RunProgress, progress
from cnnviz.runs.status import StateName
from cnnviz.search.store import Search
from cnnviz.search.store import listing as search_listing
from cnnviz.ui.markdown import duration, plain
from cnnviz.ui.runs.actions import badge, ending, pause_button, stop_all_button, stop_button
from cnnviz.ui.runs.nodes_view import nodes_table
from cnnviz.ui.runs.search_actions import search_name, shown_value, stop_search_button
from cnnviz.ui.runs.selection import choose, choose_search, messages, note

__all__ = ["cards", "going_on", "tell_endings"]

SECONDS = 1.0
"""How often the cards are drawn anew while a run goes on."""
_WATCHED = "runs_watched"


def tell_endings(listed: Sequence[Run], chosen: list[str], searches: Sequence[Search] = ()) -> list[str]:
    """Tells which runs ended since the last look; returns the selection, which is the ended run if it was empty.

    Args:
        listed: all runs.
        chosen: the selection.
        searches: all searches; those that go on tell of their trials themselves.
    """
    listed = _not_conducted(listed, searches)
    by_id = {run.id: run for run in listed}
    watched = st.session_state.get(_WATCHED, ())
    for ended in [by_id[run] for run in watched if run in by_id and not by_id[run].active]:
        kind, message = ending(ended)
        note(message, kind)
        chosen = chosen or choose([ended.id])
    st.session_state[_WATCHED] = tuple(run.id for run in listed if run.active)
    return chosen


def cards(listed: Sequence[Run], detailed: str, searches: Sequence[Search] = ()) -> None:
    """Draws a card for each run that goes on but the one that is shown in full, one for all of a group that wait, and
    one for a search with all its trials; the whole page is drawn when one ends or begins.

    Args:
        listed: all runs.
        detailed: the id of the run, or of the search, that is shown in full, or "".
        searches: all searches.
    """
    going = [search for search in searches if search.active]
    active = _in_order(_not_conducted(listed, searches))
    if active or going:
        st.fragment(run_every=SECONDS)(_cards)(_states(going, active), detailed)
    else:
        messages()


def _states(searches: Sequence[Search], active: Sequence[Run]) -> dict[str, StateName]:
    """What goes on, in which state, by id."""
    return {search.id: search.state for search in searches} | {run.id: run.state for run in active}


def _not_conducted(listed: Sequence[Run], searches: Sequence[Search]) -> list[Run]:
    """The runs that are no trial of a search that goes on."""
    conducted = {search.id for search in searches if search.active}
    return [run for run in listed if run.written.search not in conducted]


def _in_order(listed: Sequence[Run]) -> list[Run]:
    """Runs that go on: those at work first, then the queue, each the oldest first."""
    going = [run for run in reversed(listed) if run.active]
    return sorted(going, key=lambda run: run.state == "queued")


def _cards(expected: dict[str, StateName], detailed: str) -> None:
    try:
        searches = [search for search in search_listing() if search.active]
        active = _in_order(_not_conducted(runs.listing(), searches))
    except RunError:
        searches, active = [], []  # the whole page says what is the matter
    if _states(searches, active) != expected:
        st.rerun(scope="app")
    messages()
    for search in searches:
        if search.id != detailed:
            with st.container(border=True, key=f"runs_card_{search.id}"):
                _search_card(search)
    led = set[str]()
    for run in active:
        behind = run.state == "queued" and run.written.group in led  # it is counted on its group's first card
        led |= {run.written.group} - {""}
        if run.id != detailed and not behind:
            with st.container(border=True, key=f"runs_card_{run.id}"):
                _card(run, active)
    nodes_table(active)


def _search_card(search: Search) -> None:
    result, spec = search.result, search.spec
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Search · {plain(search_name(search))}**", width="content")
        badge(search.run)
        st.space("stretch")
        if st.button(
            "Watch",
            icon=":material/monitoring:",
            key=f"runs_search_watch_{search.id}",
            help="The charts and the table of its trials.",
        ):
            choose_search(search.id)
            st.rerun(scope="app")
        stop_search_button(search)
    best = f" · best {shown_value(spec.metric, result.best.value)}" if result.best else ""
    text = f"**{result.trials} of {spec.trials} trials**{best}"
    st.progress(min(1.0, result.trials / spec.trials), text=text)


def _card(run: Run, active: Sequence[Run]) -> None:
    group = [one for one in active if run.written.group and one.written.group == run.written.group]
    waiting = sum(one.state == "queued" and one.id != run.id for one in group)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(name_of(run))}**", width="content")
        badge(run)
        st.space("stretch")
        pause_button(run)
        stop_button(run)
        if waiting:
            stop_all_button(group)
    fraction, words = _words(run, progress(run), active)
    st.progress(fraction, text=f"{words.removesuffix('.')} · {waiting} more of its group wait" if waiting else words)


def going_on(run: Run) -> None:
    """Draws how far a run is that is shown in full."""
    fraction, words = _words(run, progress(run), _in_order(runs.listing()))
    st.progress(fraction, text=words)


def _words(run: Run, now: RunProgress, active: Sequence[Run]) -> tuple[float, str]:
    """How far the bar is, and what stands over it."""
    if run.state == "stopping":
        if pause_requested(run.folder):
            return now.fraction, "Pausing at the next batch; Continue will go on from its last saved epoch."
        return now.fraction, "Stopping at the next batch; what it has learned is kept."
    if run.state == "queued":
        here = [other for other in active if other.written.engine == "local" and other.id != run.id]
        ahead = [other for other in here if other.written.created <= run.written.created]
        if run.written.engine != "local":
            return 0.0, f"Waiting until {engine_named(run.written.engine).TITLE} has room for it."
        if run.written.process is None or not ahead:
            return 0.0, "Starting a process for it."
        waiting = sum(other.state == "queued" for other in ahead)
        behind = f", behind {waiting} other{'s' * (waiting > 1)}" if waiting else ""
        return 0.0, f"Waiting for {plain(name_of(ahead[0]))}{behind}: one run trains at a time."
    if now.message:
        if now.total:
            return min(1.0, now.done / now.total), f"{plain(now.message)}: {now.done:,} of {now.total:,}"
        return now.fraction, plain(now.message)
    parts = [f"**Epoch {now.epoch} of {now.epochs}**"]
    if host := elsewhere(run):
        parts.append(f"on {plain(host)}")
    if now.batches:
        parts.append(f"batch {now.batch:,} of {now.batches:,}")
    if now.eta_seconds is not None:
        parts.append(f"{duration(now.eta_seconds)} left")
    if now.images_per_second:
        parts.append(f"{now.images_per_second:,.0f} images a second")
    return now.fraction, " · ".join(parts)
