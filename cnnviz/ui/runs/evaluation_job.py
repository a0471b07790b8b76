"""Evaluating a run on a split while a page is open: in the background, with a bar and a Stop."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run
from cnnviz.runs import predictions as evaluated
from cnnviz.runs.predictions import Predictions
from cnnviz.ui.inputs.model_cache import LockedModel
from cnnviz.ui.inputs.model_job import job_with_models

__all__ = ["predictions"]

WORDS = {"train": "training", "validation": "validation", "test": "test"}


def predictions(run: Run, split: str) -> Predictions | None:
    """Returns what the run's model predicted about a split; where that isn't known, draws the way to it instead."""
    found = evaluated.read_predictions(run.folder, split)
    if found is not None:
        return found
    if not run.best_path.is_file() or run.recipe is None:
        st.caption("There is no model to evaluate: it is kept at the end of the first epoch.")
        return None
    job_with_models(
        f"report_{run.id}_{split}",
        [run],
        partial(_evaluate, run, split),
        "Reading the images",
        promise=f"The best epoch's model has not been measured on the {WORDS[split]} images.",
        label=f"Evaluate on {WORDS[split]} images",
        icon=":material/query_stats:",
        key="runs_report_evaluate",
        help="Predicts every image once, as they are, without augmentation, and keeps the predictions.",
    )
    return None


def _evaluate(run: Run, split: str, models: list[LockedModel], progress: Progress, cancelled: CancelCheck) -> Any:
    from cnnviz.train.evaluate import evaluate  # brings TensorFlow

    with models[0].lock:
        evaluate(run, models[0].classifier.model, split, progress=progress, cancelled=cancelled)
