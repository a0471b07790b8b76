"""One word on each map of the Predict page: whether it holds; measured unasked where that takes a second at most."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

import streamlit as st

from cnnviz.progress import CancelCheck, Cancelled, Progress
from cnnviz.ui.inputs.selection import Choice, toggle_view
from cnnviz.ui.markdown import plain
from cnnviz.ui.predict.metrics_job import Case, measure_quickly
from cnnviz.ui.predict.metrics_panel import findings_of
from cnnviz.ui.predict.metrics_view import LEVELS, Findings
from cnnviz.ui.predict.prediction_job import Pair, Prediction, Shown
from cnnviz.ui.session.background_job import BackgroundJob

__all__ = ["draw_badge", "measure_unasked", "trust_words"]

_JOB = "predict_unasked"
_NOT_MEASURED = ("gray", ":material/pending:", "Map not measured")
SECONDS = 1.0
"""How often a badge is looked at whose map is being measured."""
HEAD_START_SECONDS = 0.4
"""So long nothing is measured, as the browser draws the map meanwhile and both would take twice as long."""


def _case(pair: Pair) -> Case | None:
    if not isinstance(pair.shown, Shown) or not isinstance(pair.prediction, Prediction):
        return None
    return Case(pair.model, pair.prediction.seen, pair.shown.explanation, pair.source.run)


def _known(pair: Pair) -> tuple[tuple[str, str, str], str]:
    """The badge's colour, icon and words, and a sentence on why."""
    case = _case(pair)
    if case is None:
        return _NOT_MEASURED, "There is no map."
    if case.explanation.note:
        return LEVELS["unclear"], "The map is empty, so that nothing of it can be measured."
    verdict = findings_of(case.mark).trust(case.subject)
    if verdict is None:
        return _NOT_MEASURED, "Press to measure whether it marks what the model uses."
    return LEVELS[verdict.level], verdict.message


def trust_words(pair: Pair) -> str:
    """Returns what the badge says."""
    return _known(pair)[0][2]


def draw_badge(pair: Pair, choice: Choice, key: str, *, measuring: bool) -> None:
    """Draws whether the map on screen holds, which opens the panel that says why.

    Args:
        measuring: whether maps are being measured. A badge that waits for that is drawn anew alone, as a click
            elsewhere is lost where the whole page is.
    """
    if isinstance(pair.shown, Shown):
        waits = measuring and _known(pair)[0] == _NOT_MEASURED
        st.fragment(run_every=SECONDS if waits else None)(_badge)(pair, choice, key)


def _badge(pair: Pair, choice: Choice, key: str) -> None:
    (colour, icon, words), why = _known(pair)
    if st.button(
        f":{colour}-badge[{icon} {words}]",
        type="tertiary",
        key=f"{key}_badge",
        on_click=toggle_view,
        args=(choice, (pair.source.id, pair.image.identity), "trust"),
        help=f"{plain(why)} Opens what was measured.",
    ):
        st.rerun(scope="app")


def measure_unasked(pairs: Sequence[Pair]) -> bool:
    """Begins to measure the maps that nothing is known of, one after the other; returns whether that goes on."""
    cases = [case for pair in pairs if (case := _case(pair)) is not None and not case.explanation.note]
    marks = tuple(case.mark for case in cases)
    before, work = st.session_state.get(_JOB, ((), None))
    if before != marks:
        if work is not None:
            work.stop()
        missing = [
            (case, found) for case, mark in zip(cases, marks, strict=True) if not (found := findings_of(mark)).tried
        ]
        work = BackgroundJob(partial(_measure, missing), "Measuring") if missing else None
        st.session_state[_JOB] = (marks, work)
    return work is not None and not work.done


def _measure(missing: Sequence[tuple[Case, Findings]], progress: Progress, cancelled: CancelCheck) -> None:
    time.sleep(HEAD_START_SECONDS)
    slow: set[int] = set()  # models that would take too long
    for case, found in missing:
        try:
            found.quick = None if id(case.model) in slow else measure_quickly(case, cancelled)
        except Cancelled:
            return
        found.tried = True
        if found.quick is None:
            slow.add(id(case.model))
