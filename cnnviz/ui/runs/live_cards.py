"""The part of the Runs page that moves by itself: a card for every run that goes on."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from cnnviz import runs
from cnnviz.errors import RunError
from cnnviz.runs import Run
from cnnviz.runs.compare import name_of
from cnnviz.runs.launch import pause_requested
from cnnviz.runs.progress import Progress, progress
from cnnviz.ui.markdown import duration, plain
from cnnviz.ui.runs.actions import badge, ending, log, pause_button, stop_button
from cnnviz.ui.runs.learning_curves import charts
from cnnviz.ui.runs.selection import choose, messages, note
from cnnviz.ui.runs.snapshot_player import epochs_part

__all__ = ["cards", "tell_endings"]

SECONDS = 1.0
"""How often the cards are drawn anew while a run goes on."""
MOST_CHARTS = 4
_LOG_PIXELS = 260  # the same however much is in it, so that nothing below moves

_WATCHED = "runs_watched"


def tell_endings(listed: Sequence[Run], chosen: list[str]) -> list[str]:
    """Tells which runs ended since the last look; returns the selection, which is the ended run if it was empty."""
    by_id = {run.id: run for run in listed}
    watched = st.session_state.get(_WATCHED, ())
    for ended in [by_id[run] for run in watched if run in by_id and not by_id[run].active]:
        kind, message = ending(ended)
        note(message, kind)
        chosen = chosen or choose([ended.id])
    st.session_state[_WATCHED] = tuple(run.id for run in listed if run.active)
    return chosen


def cards(listed: Sequence[Run]) -> None:
    """Draws the cards; they move while a run goes on, and the whole page is drawn when one ends or begins."""
    active = _in_order(listed)
    if active:
        st.fragment(run_every=SECONDS)(_cards)({run.id: run.state for run in active})
    else:
        messages()


def _in_order(listed: Sequence[Run]) -> list[Run]:
    """Runs that go on: those at work first, then the queue, each the oldest first."""
    going = [run for run in reversed(listed) if run.active]
    return sorted(going, key=lambda run: run.state == "queued")


def _cards(expected: dict[str, str]) -> None:
    try:
        active = _in_order(runs.listing())
    except RunError:
        active = []  # the whole page says what is the matter
    if {run.id: run.state for run in active} != expected:
        st.rerun(scope="app")
    messages()
    for number, run in enumerate(active):
        with st.container(border=True, key=f"runs_card_{run.id}"):
            _card(run, active, with_charts=number < MOST_CHARTS)


def _card(run: Run, active: Sequence[Run], *, with_charts: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"#### {plain(name_of(run))}", width="content", anchors=False)
        badge(run)
        st.space("stretch")
        pause_button(run, "card")
        stop_button(run, "card")
    now = progress(run)
    fraction, words = _words(run, now, active)
    st.progress(fraction, text=words)
    if run.state == "queued":
        return
    if with_charts and run.state != "starting":
        charts(run, place="card", live=True)
        key = f"runs_card_epochs_{run.id}"
        with st.expander("Watch it learn", key=f"{key}_open", icon=":material/movie:", on_change="rerun") as watching:
            if watching.open:
                epochs_part(run, key, moved=True)
    with st.expander("Log", key=f"runs_card_log_{run.id}", icon=":material/notes:"):
        log(run.log_tail() or "Nothing yet.", f"height:{_LOG_PIXELS}px")


def _words(run: Run, now: Progress, active: Sequence[Run]) -> tuple[float, str]:
    """How far the bar is, and what stands over it."""
    if run.state == "stopping":
        if pause_requested(run.folder):
            return now.fraction, "Pausing at the next batch; Continue will go on from its last saved epoch."
        return now.fraction, "Stopping at the next batch; what it has learned is kept."
    if run.state == "queued":
        ahead = [other for other in active if other.id != run.id and other.written.created <= run.written.created]
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
    if now.batches:
        parts.append(f"batch {now.batch:,} of {now.batches:,}")
    if now.eta_seconds is not None:
        parts.append(f"{duration(now.eta_seconds)} left")
    if now.images_per_second:
        parts.append(f"{now.images_per_second:,.0f} images a second")
    return now.fraction, " · ".join(parts)
