"""What runs' models are asked for only when a person wants it: a button, then their loading and the work, each with a
bar and a Stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from cnnviz.runs import Run
from cnnviz.ui.inputs.model_cache import models_of_runs, of_run
from cnnviz.ui.markdown import plain
from cnnviz.ui.session.background_job import run_job

__all__ = ["job_with_models"]


def job_with_models(
    name: str, runs: Sequence[Run], work: Callable[..., Any], what: str, *, promise: str = "", **button: Any
) -> None:
    """Draws a button; once it was clicked, loads the runs' models and does the work; the page is drawn anew after it.

    Args:
        name: of the work, in this session.
        runs: those whose result isn't known; fewer than were asked for while they come one after another.
        work: called as `work(models, progress, cancelled)`; it keeps its results itself.
        what: what it does, until it says so itself.
        promise: a sentence above the button.
        **button: see `st.button`; its type is "primary" unless it is said.
    """
    session, asked, said = st.session_state, f"{name}_wanted", f"{name}_said"
    wanted = frozenset(of_run(run).stamp for run in runs)
    if not wanted <= session.get(asked, frozenset()):
        if message := session.pop(said, ""):
            st.error(plain(message), icon=":material/error:")
        if promise:
            st.write(promise)
        st.button(**{"type": "primary"} | button, on_click=session.update, args=({asked: wanted},))
        return
    models = models_of_runs(runs)
    if models is not None and (done := run_job(name, partial(work, models), what)) is not None:
        del session[asked]
        session[said] = done.message or ""
        st.rerun()
