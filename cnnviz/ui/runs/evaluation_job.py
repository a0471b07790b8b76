"""Evaluating a run on a split while a page is open: in the background, with a bar and a Stop."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from cnnviz.data import Dataset
from cnnviz.errors import CnnvizError
from cnnviz.files import read_json
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run
from cnnviz.runs import predictions as evaluated
from cnnviz.runs.predictions import Predictions
from cnnviz.ui.inputs import dataset_cache
from cnnviz.ui.inputs.model_cache import LockedModel
from cnnviz.ui.inputs.model_job import job_with_models
from cnnviz.ui.markdown import plain

__all__ = ["WORDS", "held_out_split", "measured_dataset", "predict_address", "predictions", "predictions_of"]

WORDS = {"train": "training", "validation": "validation", "test": "test"}


def predictions(run: Run, split: str) -> Predictions | None:
    """Returns what the run's model predicted about a split; where that isn't known, draws the way to it instead."""
    found = predictions_of([run], split)
    return found[0] if found else None


def predictions_of(runs: Sequence[Run], split: str) -> list[Predictions] | None:
    """Returns what each run's model predicted about a split; where that isn't known, draws the way to it instead."""
    known = [evaluated.read_predictions(run.folder, split) for run in runs]
    missing = [run for run, found in zip(runs, known, strict=True) if found is None]
    if not missing:
        return [found for found in known if found is not None]
    if any(not run.best_path.is_file() or run.recipe is None for run in missing):
        st.caption("There is no model to evaluate: it is kept at the end of the first epoch.")
        return None
    models = "model has" if len(missing) == 1 else "models have"
    job_with_models(
        f"report_{'_'.join(run.id for run in missing)}_{split}",
        missing,
        partial(_evaluate, missing, split),
        "Reading the images",
        promise=f"The best epoch's {models} not been measured on the {WORDS[split]} images.",
        label=f"Evaluate on {WORDS[split]} images",
        icon=":material/query_stats:",
        key="runs_report_evaluate",
        help="Predicts every image once, as they are, without augmentation, and keeps the predictions.",
    )
    return None


def held_out_split(run: Run) -> str:
    """Returns which split the run is looked at with: test, unless the worker found none."""
    report = read_json(run.folder / "report.json")
    measured = report.get("splits") if isinstance(report, dict) else None
    return (
        "validation" if isinstance(measured, dict) and "validation" in measured and "test" not in measured else "test"
    )


def predict_address(run: Run, dataset: Dataset, found: Predictions, index: int, head: str) -> dict[str, str]:
    """Returns what Predict's address says of image `index` of a measured split: what speaks for the run's prediction
    rather than for the true class."""
    mark = "" if found.split == ("test" if dataset.splits.get("test") else "validation") else f"{found.split}-"
    named = {"run": run.id, "item": f"{mark}{index + 1}", "against": "truth"}
    return named | ({"head": head} if len(found.classes) > 1 else {})


def measured_dataset(run: Run, found: Predictions) -> Dataset | None:
    """Returns the run's data, if they are still those that were measured; says what is wrong where they aren't."""
    if run.recipe is None and run.written.imported:
        st.info(f"It was read from {plain(run.written.imported)}, without images.", icon=":material/info:")
        return None
    if run.recipe is None:
        st.error("The recipe of this run can't be read, so its images aren't known.", icon=":material/error:")
        return None
    try:
        _, dataset = dataset_cache.fitting(run.recipe, anywhere=True)
    except CnnvizError as error:
        st.error(plain(error), icon=":material/error:")
        return None
    split = dataset.splits.get(found.split)
    same = (
        split is not None
        and (not len(found.indices) or found.indices[-1] < len(split))
        and all(
            np.array_equal(split.labels[head][found.indices], labels)
            for head, labels in found.labels.items()
            if head in split.labels
        )
    )
    if not same:
        st.warning(
            "The data have changed since this was measured, so that their images can't be shown with it.",
            icon=":material/warning:",
        )
        return None
    return dataset


def _evaluate(
    runs: Sequence[Run], split: str, models: list[LockedModel], progress: Progress, cancelled: CancelCheck
) -> None:
    from cnnviz.train.evaluate import evaluate  # brings TensorFlow

    for run, model in zip(runs, models, strict=True):
        with model.lock:
            evaluate(run, model.classifier.model, split, progress=progress, cancelled=cancelled)
