"""Evaluating a run on a split while a page is open: in the background, with a bar and a Stop."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from cnnviz.runs import Run
from cnnviz.runs import predictions as evaluated
from cnnviz.runs.predictions import Predictions
from cnnviz.ui.inputs.model_cache import LockedModel, models_of_runs
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import background_job

__all__ = ["predictions"]

PATIENCE_SECONDS = 0.3
WORDS = {"train": "training", "validation": "validation", "test": "test"}
_WANTED, _SAID = "runs_report_wanted", "runs_report_said"


def predictions(run: Run, split: str) -> Predictions | None:
    """Returns what the run's model predicted about a split; where that isn't known, draws the way to it instead."""
    found, wanted = evaluated.read_predictions(run.folder, split), (run.id, split)
    if found is not None:
        return found
    if not run.best_path.is_file() or run.recipe is None:
        st.caption("There is no model to evaluate: it is kept at the end of the first epoch.")
        return None
    if st.session_state.get(_WANTED) != wanted:
        if message := st.session_state.pop(_SAID, ""):
            st.error(plain(message), icon=":material/error:")
        st.write(f"The best epoch's model has not been measured on the {WORDS[split]} images.")
        st.button(
            f"Evaluate on {WORDS[split]} images",
            icon=":material/query_stats:",
            key="runs_report_evaluate",
            type="primary",
            on_click=st.session_state.update,
            args=({_WANTED: wanted},),
            help="Predicts every image once, as they are, without augmentation, and keeps the predictions.",
        )
        return None
    opened = models_of_runs([run])
    if opened is None:
        return None
    name = f"report_{run.id}_{split}"
    if not background_job.has_job(name):
        background_job.start(name, partial(_evaluate, run, opened[0], split), "Reading the images")
    if (work := background_job.ended_job(name, PATIENCE_SECONDS)) is None:
        return None
    del st.session_state[_WANTED]
    st.session_state[_SAID] = work.message or ""
    st.rerun()


def _evaluate(
    run: Run, model: LockedModel, split: str, progress: Callable[[str, int, int], None], cancelled: Callable[[], bool]
) -> Any:
    from cnnviz.train.evaluate import evaluate  # brings TensorFlow

    with model.lock:
        evaluate(run, model.classifier.model, split, progress=progress, cancelled=cancelled)
