"""How far an answer on the Predict page can be relied on: calibrated, as a prediction set, or struck through."""

from __future__ import annotations

from functools import partial

import streamlit as st

from cnnviz.data import Dataset
from cnnviz.errors import CnnvizError
from cnnviz.explain.uncertainty.uncertainty_of_run import (
    Judged,
    judge,
    measure_uncertainty,
    nearest_training_images,
)
from cnnviz.figures.prediction import nearest_images
from cnnviz.probabilities import percent
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run
from cnnviz.ui.inputs import dataset_cache
from cnnviz.ui.inputs.model_cache import LockedModel
from cnnviz.ui.inputs.selection import RISKS, Choice
from cnnviz.ui.markdown import plain
from cnnviz.ui.predict.prediction_job import Pair, Prediction
from cnnviz.ui.session.background_job import ended_job, has_job, say_end, start
from cnnviz.ui.session.widget_sync import seed

__all__ = [
    "foreign_words",
    "judged_answer",
    "measure_button",
    "training_data",
    "training_file",
    "uncertainty_part",
    "uncertainty_words",
]

_NAMED = 4
_COMPARED = (
    "Compared is what the convolutions make of it, the mean and maximum of each channel, with the training "
    "images' (Mahalanobis distance): only that tells an unknown thing from an unclear one."
)


def judged_answer(pair: Pair, head: str, choice: Choice) -> Judged | None:
    """Returns how a head's answer is to be taken; `None` where nothing was measured to judge it by."""
    if pair.uncertainty is None or pair.embedding is None or isinstance(pair.embedding, str):
        return None
    return judge(pair.uncertainty, pair.embedding, 0, head, choice.risk / 100)


def foreign_words(pair: Pair) -> str | None:
    """Returns the sentence on an image that is unlike all training images, as Markdown; `None` for all others."""
    if pair.uncertainty is None:
        return None
    judged = judged_answer(pair, next(iter(pair.uncertainty.classes)), Choice())
    if judged is None or not judged.foreign:
        return None
    farther = "any" if judged.novelty >= 1 else percent(judged.novelty)
    return f"**This is like nothing in its training data**, farther from it than {farther} of the held-out images."


def uncertainty_words(pair: Pair, head: str, judged: Judged | None, choice: Choice) -> list[str]:
    """Returns what stands below a head's answer: its calibrated probability and its prediction set."""
    if judged is None or not isinstance(pair.prediction, Prediction):
        return []
    index = int(pair.prediction.probabilities[head].argmax())
    words = [f"{percent(float(judged.probabilities[index]))} calibrated"]
    if not judged.foreign:  # a set keeps its risk only for images such as the held-out ones
        words.append(f"at {choice.risk} % risk: {_listed(judged.classes)}")
    return [" · ".join(words)]


def _listed(classes: tuple[str, ...]) -> str:
    """A prediction set in words."""
    if len(classes) == 1:
        return classes[0]
    more = len(classes) - _NAMED
    named = [*classes[:_NAMED], f"{more:,} more"] if more > 0 else list(classes)
    return f"can't say, {', '.join(named[:-1])} or {named[-1]}"


def uncertainty_part(pair: Pair, choice: Choice, key: str) -> None:
    """Draws the nearest training images and the choice of the risk, or the way to have them measured.

    Args:
        pair: that was predicted.
        choice: where the risk is kept.
        key: tells its widgets from those of other pairs.
    """
    run = pair.source.run
    if run is None or not isinstance(pair.prediction, Prediction):
        return
    if isinstance(pair.embedding, str):
        st.caption(plain(pair.embedding))
    if pair.uncertainty is None:
        measure_button(pair.model, run, key)
        return
    if pair.embedding is None or isinstance(pair.embedding, str):
        return
    head = choice.head if choice.head in pair.uncertainty.classes else next(iter(pair.uncertainty.classes))
    if foreign_words(pair) is None:
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
    found = nearest_training_images(pair.uncertainty, pair.embedding, 0, head)
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


def measure_button(model: LockedModel, run: Run, key: str) -> None:
    """Draws the button that has a run's held-out and training images looked at, or how far that is."""
    name = f"uncertainty_{run.id}"
    if not has_job(name):
        st.button(
            "Compare with its training data",
            icon=":material/rule:",
            key=f"{key}_measure",
            on_click=start,
            args=(name, partial(_measure, run, model), "Looking at training images"),
            help="Looks once at up to 4,000 training and validation images: calibrates the probabilities, finds the "
            "nearest training images, and tells whether an image is like nothing in them. Kept with the run.",
        )
    work = ended_job(name)
    if work is not None and work.result is not None:
        st.rerun()
    say_end(work)


def _measure(run: Run, model: LockedModel, progress: Progress, cancelled: CancelCheck) -> bool:
    measure_uncertainty(run, model.classifier, progress=progress, cancelled=cancelled, lock=model.lock)
    return True
