"""How far an answer on the Predict page can be relied on: calibrated, as a prediction set, or struck through."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from cnnviz.data import Dataset
from cnnviz.errors import CnnvizError
from cnnviz.explain.uncertainty.calibration_of_run import calibrated, sets_of
from cnnviz.explain.uncertainty.novelty import FOREIGN
from cnnviz.explain.uncertainty.training_features_of_run import (
    measure_training_features,
    nearest_training_images,
    novelty_of,
)
from cnnviz.figures.prediction import nearest_images
from cnnviz.probabilities import percent
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run
from cnnviz.ui.inputs import dataset_cache
from cnnviz.ui.inputs.model_cache import LockedModel
from cnnviz.ui.inputs.model_job import job_with_models
from cnnviz.ui.inputs.selection import RISKS, Choice
from cnnviz.ui.markdown import plain
from cnnviz.ui.predict.prediction_job import Pair, Prediction
from cnnviz.ui.session.widget_sync import seed

__all__ = [
    "FOREIGN_WORDS",
    "foreign_words",
    "is_foreign",
    "measure_button",
    "training_data",
    "training_file",
    "uncertainty_part",
    "uncertainty_words",
]

FOREIGN_WORDS = "This is like nothing in its training data"
_NAMED = 4
_COMPARED = (
    "Whether it is like nothing in the training data tells another distance: that of its features and of the means and "
    "maxima of channels in the narrowest convolutions from the training images', by Mahalanobis."
)


def novelty(pair: Pair) -> float | None:
    """Returns how many of the held-out images are nearer to the training images than this one, 0..1; `None` where
    nothing is known of them."""
    if pair.training is None or pair.embedding is None or isinstance(pair.embedding, str):
        return None
    return float(novelty_of(pair.training, pair.embedding)[0])


def is_foreign(pair: Pair) -> bool:
    """Returns whether the image is like nothing that the model has learned from."""
    found = novelty(pair)
    return found is not None and found >= FOREIGN


def foreign_words(pair: Pair) -> str:
    """Returns the sentence on an image that is like nothing in the training data, as Markdown."""
    found = novelty(pair)
    assert found is not None
    farther = "any" if found >= 1 else percent(found)
    return f"**{FOREIGN_WORDS}**, farther from it than {farther} of the held-out images."


def uncertainty_words(pair: Pair, head: str, choice: Choice) -> list[str]:
    """Returns what stands below a head's answer: its calibrated probability and its prediction set, which hold only for
    images such as the held-out ones."""
    known, prediction = pair.calibration, pair.prediction
    if known is None or head not in known.temperatures or not isinstance(prediction, Prediction):
        return []
    raw = prediction.probabilities[head][None]
    likely, classes = calibrated(known, head, raw)[0], pair.model.classifier.classes[head]
    words = f"{percent(float(likely.max()))} calibrated"
    inside = sets_of(known, head, raw, choice.risk / 100)[0]
    return [f"{words} · at {choice.risk} % risk: {_listed([classes[k] for k in np.argsort(-likely) if inside[k]])}"]


def _listed(classes: list[str]) -> str:
    """A prediction set in words."""
    if len(classes) < 2:
        return classes[0] if classes else "can't say, no class is likely enough"
    more = len(classes) - _NAMED
    named = [*classes[:_NAMED], f"{more:,} more"] if more > 0 else classes
    return f"can't say, {', '.join(named[:-1])} or {named[-1]}"


def uncertainty_part(pair: Pair, choice: Choice, key: str, *, measures: bool) -> None:
    """Draws the nearest training images and the choice of the risk, or the way to have them measured.

    Args:
        pair: that was predicted.
        choice: where the risk is kept.
        key: tells its widgets from those of other pairs.
        measures: whether the way to have them measured is drawn here, as a page has it once for a run.
    """
    run = pair.source.run
    if run is None or not isinstance(pair.prediction, Prediction):
        return
    if pair.calibration is not None and not is_foreign(pair):
        st.segmented_control(
            "Risk of the prediction set",
            RISKS,
            format_func=lambda risk: f"{risk} %",
            required=True,
            key=seed(f"{key}_risk", choice.risk),
            on_change=lambda: setattr(choice, "risk", st.session_state[f"{key}_risk"]),
            help="The set of classes lacks the right one in so many of all images at most, as the validation images "
            "tell (split conformal prediction); probabilities are calibrated on them by temperature scaling.",
        )
    if isinstance(pair.embedding, str):
        st.caption(plain(pair.embedding))
    elif pair.training is None and measures:
        measure_button(run)
    elif pair.training is not None and pair.embedding is not None:
        head = choice.head if choice.head in pair.training.classes else next(iter(pair.training.classes))
        found = nearest_training_images(pair.training, pair.embedding, 0, head)
        st.caption("Nearest training images, by cosine distance", help=_COMPARED)
        dataset = training_data(run)
        files = [training_file(dataset, run, one.row) if dataset is not None else (None, False) for one in found]
        st.html(nearest_images([(*file, one.label, one.distance) for file, one in zip(files, found, strict=True)]))


def training_data(run: Run) -> Dataset | None:
    """Returns the run's data; `None`, with a sentence on the page, where they can't be had."""
    try:
        assert run.recipe is not None
        return dataset_cache.fitting(run.recipe, anywhere=True)[1]
    except CnnvizError as error:
        st.caption(plain(error))
        return None


def training_file(dataset: Dataset, run: Run, row: int) -> tuple[bytes, bool]:
    """Returns a training image as the bytes of a small file, and whether it is to be enlarged without smoothing."""
    return dataset_cache.kept_small_file(dataset, f"{run.id} training", "train", row)


def measure_button(run: Run) -> None:
    """Draws the button that has a run's held-out and training images looked at, or how far that is; once on a page."""
    job_with_models(
        f"uncertainty_{run.id}",
        [run],
        partial(_measure, run),
        "Looking at training images",
        label="Compare with its training data",
        icon=":material/rule:",
        key=f"predict_measure_{run.id}",
        type="secondary",
        help="Looks once at up to 4,000 training and validation images: calibrates the probabilities, finds the "
        "nearest training images, and tells whether an image is like nothing in them. Kept with the run.",
    )


def _measure(run: Run, models: Sequence[LockedModel], progress: Progress, cancelled: CancelCheck) -> None:
    (model,) = models
    measure_training_features(run, model.classifier, progress=progress, cancelled=cancelled, lock=model.lock)
