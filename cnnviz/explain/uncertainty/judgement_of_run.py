"""How predictions about images are to be taken: all that a run knows to say of them, in one record for each head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz.errors import CnnvizError
from cnnviz.explain.uncertainty.calibration_of_run import RISK, Calibration, calibrated, kept_calibration, sets_of
from cnnviz.explain.uncertainty.novelty import FOREIGN
from cnnviz.explain.uncertainty.training_features_of_run import (
    Neighbour,
    TrainingFeatures,
    measure_training_features,
    nearest_training_images,
    novelty_of,
)
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = ["Judgement", "Known", "judge", "known_of"]


@dataclass(frozen=True, eq=False)
class Known:
    """What predictions are judged by; `None` for what can't be had, and a sentence why."""

    calibration: Calibration | None = None
    training: TrainingFeatures | None = None
    note: str = ""


@dataclass(frozen=True)
class Judgement:
    """A head's prediction about an image, judged; `None` for what isn't known.

    Attributes:
        calibrated: the prediction's calibrated probability, 0..1.
        classes: the prediction set, the likeliest first.
        foreign: whether the image is like nothing in the training data.
        novelty: how many of the held-out images are nearer to the training images, 0..1.
        neighbours: the nearest training images, the nearest first.
        note: why something isn't known, or "".
    """

    calibrated: float | None = None
    classes: tuple[str, ...] | None = None
    foreign: bool | None = None
    novelty: float | None = None
    neighbours: tuple[Neighbour, ...] | None = None
    note: str = ""


def known_of(
    run: Run | None, classifier: Classifier, *, progress: Progress | None = None, cancelled: CancelCheck | None = None
) -> Known:
    """Returns what a run has kept to judge predictions by; what is missing is measured and kept.

    Args:
        run: whose model it is; `None` for a file, which doesn't say what it was trained on.
        classifier: the model.
        progress: called with what is done, how much of it and of how much.
        cancelled: asked now and then; `True` ends the work.

    Raises:
        Cancelled: `cancelled` said so.
    """
    if run is None:
        return Known(note="A file doesn't say what it was trained on: its predictions can't be compared with that.")
    try:
        training = measure_training_features(run, classifier, progress=progress, cancelled=cancelled)
    except CnnvizError as error:
        return Known(kept_calibration(run), None, str(error))
    return Known(kept_calibration(run) or training.calibration, training)


def judge(known: Known, classifier: Classifier, seen: np.ndarray, risk: float = RISK) -> list[list[Judgement]]:
    """Returns for each image how each head's prediction about it is to be taken.

    Args:
        known: of the model's run.
        classifier: the model.
        seen: images as the model takes them, uint8 (n, *image_size, channels).
        risk: with which chance a prediction set may lack the true class, above 0 and below 1.

    Raises:
        ModelError: the memory is not enough.
    """
    embedding = None
    if known.training is not None:
        from cnnviz.explain.uncertainty.embedding import embed  # brings TensorFlow

        embedding = embed(classifier, seen)
        novelty = novelty_of(known.training, embedding)
    probabilities = classifier.predict(seen)
    found = []
    for image in range(len(seen)):
        each = []
        for head, raw in zip((one.name for one in classifier.heads), probabilities, strict=True):
            facts: dict[str, Any] = {"note": known.note}
            if known.calibration is not None:
                facts |= _likely(known.calibration, head, raw[image : image + 1], classifier.classes[head], risk)
            if known.training is not None and embedding is not None:
                near = nearest_training_images(known.training, embedding, image, head)
                facts |= {"novelty": float(novelty[image]), "foreign": bool(novelty[image] >= FOREIGN)}
                facts["neighbours"] = tuple(near)
            each.append(Judgement(**facts))
        found.append(each)
    return found


def _likely(known: Calibration, head: str, raw: np.ndarray, classes: Sequence[str], risk: float) -> dict[str, Any]:
    likely, inside = calibrated(known, head, raw)[0], sets_of(known, head, raw, risk)[0]
    order = np.argsort(-likely, kind="stable")
    return {"calibrated": float(likely[raw[0].argmax()]), "classes": tuple(classes[k] for k in order if inside[k])}
