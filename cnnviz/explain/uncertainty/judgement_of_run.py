"""How predictions about images are to be taken: all that a run knows to say of them, in one record for each head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz.errors import CnnvizError
from cnnviz.explain.uncertainty.calibration_of_run import RISK, Calibration, calibrated, kept_calibration, sets_of
from cnnviz.explain.uncertainty.novelty import FOREIGN
from cnnviz.explain.uncertainty.training_features_of_run import (
    Neighbour,
    TrainingFeatures,
    kept_training_features,
    measure_training_features,
    nearest_by_head,
    novelty_of,
)
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run

if TYPE_CHECKING:
    from cnnviz.explain.uncertainty.embedding import Embedding
    from cnnviz.model_spec import Head
    from cnnviz.models.classifier import Classifier

__all__ = ["TOP", "Judgement", "Known", "judge", "judge_image", "kept_of", "known_of", "predicted_record", "record_of"]

TOP = 5
"""How many classes a record names, the likeliest first."""
_A_FILE = "A file doesn't say what it was trained on: its predictions can't be compared with that."


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
        return Known(note=_A_FILE)
    try:
        training = measure_training_features(run, classifier, progress=progress, cancelled=cancelled)
    except CnnvizError as error:
        return Known(kept_calibration(run), None, str(error))
    return Known(kept_calibration(run) or training.calibration, training)


def kept_of(run: Run | None) -> Known:
    """Returns what a run has kept to judge predictions by, and measures nothing; as `known_of`."""
    if run is None:
        return Known(note=_A_FILE)
    training = kept_training_features(run)
    note = "" if training else "Nothing is kept of its training images: `cnnviz predict RUN IMAGE --json` measures it."
    return Known(kept_calibration(run) or (training.calibration if training else None), training, note)


def judge(
    known: Known,
    classifier: Classifier,
    seen: np.ndarray,
    risk: float = RISK,
    probabilities: Sequence[np.ndarray] | None = None,
) -> list[list[Judgement]]:
    """Returns for each image how each head's prediction about it is to be taken.

    Args:
        known: of the model's run.
        classifier: the model.
        seen: images as the model takes them, uint8 (n, *image_size, channels).
        risk: with which chance a prediction set may lack the true class, above 0 and below 1.
        probabilities: what `classifier.predict` says of them, where that is known already.

    Raises:
        ModelError: the memory is not enough.
    """
    embedding = None
    if known.training is not None:
        from cnnviz.explain.uncertainty.embedding import embed  # brings TensorFlow

        embedding = embed(classifier, seen)
    predicted = classifier.predict(seen) if probabilities is None else probabilities
    names = [head.name for head in classifier.heads]
    return [
        judge_image(known, classifier.classes, dict(zip(names, of_image, strict=True)), embedding, image, risk)
        for image, of_image in enumerate(zip(*predicted, strict=True))
    ]


def judge_image(
    known: Known,
    classes: Mapping[str, Sequence[str]],
    probabilities: Mapping[str, np.ndarray],
    embedding: Embedding | None,
    image: int = 0,
    risk: float = RISK,
) -> list[Judgement]:
    """Returns how each head's prediction about one image is to be taken, in the order of `probabilities`.

    Args:
        known: of the model's run.
        classes: of each head.
        probabilities: for each head what the model says of the image, float (classes,).
        embedding: what it makes of images; `None` where nothing is known to compare it with.
        image: which of these.
        risk: as for `judge`.
    """
    of_image: dict[str, Any] = {"note": known.note}
    near: dict[str, list[Neighbour]] = {}
    if known.training is not None and embedding is not None:
        novelty = float(novelty_of(known.training, embedding, slice(image, image + 1))[0])
        of_image |= {"novelty": novelty, "foreign": novelty >= FOREIGN}
        near = nearest_by_head(known.training, embedding, image)
    found = []
    for head, values in probabilities.items():
        facts = dict(of_image)
        if known.calibration is not None and head in known.calibration.temperatures:
            raw = values[None]
            likely, inside = calibrated(known.calibration, head, raw)[0], sets_of(known.calibration, head, raw, risk)[0]
            facts["calibrated"] = float(likely[values.argmax()])
            facts["classes"] = tuple(classes[head][k] for k in np.argsort(-likely, kind="stable") if inside[k])
        if near:
            facts["neighbours"] = tuple(near[head])
        found.append(Judgement(**facts))
    return found


def predicted_record(
    head: Head, classes: Sequence[str], probabilities: np.ndarray, judged: Judgement | None = None
) -> dict[str, Any]:
    """Returns a head's prediction about one image under the names that scripts rely on.

    Args:
        head: the head.
        classes: its class names.
        probabilities: what it says of the image, float (classes,).
        judged: how that is to be taken, where it was judged.
    """
    order = np.argsort(-probabilities, kind="stable")
    record: dict[str, Any] = {
        "head": head.name,
        "activation": head.activation,
        "class": classes[order[0]],
        "probability": float(probabilities[order[0]]),
        "top": [[classes[index], float(probabilities[index])] for index in order[:TOP]],
    }
    return record | record_of(judged) if judged is not None else record


def record_of(judged: Judgement) -> dict[str, Any]:
    """Returns a judgement under the names that scripts rely on."""
    near = judged.neighbours
    found = {
        "calibrated": judged.calibrated,
        "set": None if judged.classes is None else list(judged.classes),
        "foreign": judged.foreign,
        "novelty": judged.novelty,
        "neighbours": near and [{"image": k.image, "label": k.label, "distance": k.distance} for k in near],
    }
    return found | ({"note": judged.note} if judged.note else {})
