"""What is measured on a run's held-out images so that single predictions can be judged by it; kept in its folder."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz.data import Dataset, prepare
from cnnviz.data.compatibility import open_and_adapt
from cnnviz.data.edits import names_of
from cnnviz.errors import DataError
from cnnviz.explain.uncertainty.calibration import fitted_temperature, with_temperature
from cnnviz.explain.uncertainty.neighbours import nearest
from cnnviz.explain.uncertainty.novelty import FOREIGN, Novelty, distances, fitted_novelty, percentiles
from cnnviz.explain.uncertainty.prediction_sets import lowest_probability, prediction_sets
from cnnviz.files import parse_json
from cnnviz.progress import CancelCheck, Progress
from cnnviz.recipe import Data
from cnnviz.runs import Run, recipe_of, results_cache

if TYPE_CHECKING:
    from cnnviz.explain.uncertainty.embedding import Embedding
    from cnnviz.models.classifier import Classifier

__all__ = [
    "MOST",
    "RISK",
    "Judged",
    "Neighbour",
    "Uncertainty",
    "judge",
    "kept_uncertainty",
    "measure_uncertainty",
    "nearest_training_images",
]

MOST = 4_000
"""So many images of each split at most, drawn by a seed."""
RISK = 0.1
NEIGHBOURS = 5
_VERSION = 2


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """What is known of a run's model.

    Attributes:
        classes: of each head.
        temperatures: of each head, see `calibration`.
        of_truth: for each head the calibrated probabilities of the true classes of held-out images, float32 (m,).
        novelty: see `novelty`.
        names: of the training images that are compared with, as `data.without` names them.
        rows: their positions in the training split, int64 (n,).
        labels: for each head their classes, int64 (n,).
        features: theirs, float16 or float32 (n, k).
    """

    classes: dict[str, tuple[str, ...]]
    temperatures: dict[str, float]
    of_truth: dict[str, np.ndarray]
    novelty: Novelty
    names: tuple[str, ...]
    rows: np.ndarray
    labels: dict[str, np.ndarray]
    features: np.ndarray


@dataclass(frozen=True)
class Neighbour:
    """A training image: its name, its class of the head, its cosine distance, 0..2, and its position in the split."""

    image: str
    label: str
    distance: float
    row: int


@dataclass(frozen=True, eq=False)
class Judged:
    """A head's prediction about an image, judged.

    Attributes:
        probabilities: calibrated, float32 (classes,).
        classes: the prediction set, the likeliest first.
        novelty: how many of the held-out images are nearer to the training images, 0..1.
        foreign: whether that is `FOREIGN` or more.
    """

    probabilities: np.ndarray
    classes: tuple[str, ...]
    novelty: float
    foreign: bool


def judge(known: Uncertainty, found: Embedding, image: int, head: str, risk: float = RISK) -> Judged:
    """Returns what is to be thought of a prediction.

    Args:
        known: of the model's run.
        found: what the model makes of images.
        image: which of them.
        head: whose prediction.
        risk: with which chance the set may lack the true class, above 0 and below 1.
    """
    classes = known.classes[head]
    raw = found.probabilities[list(known.classes).index(head)][image : image + 1]
    probabilities = with_temperature(raw, known.temperatures[head])
    inside = prediction_sets(probabilities, lowest_probability(known.of_truth[head], risk))[0]
    order = [int(k) for k in np.argsort(-probabilities[0], kind="stable") if inside[k]]
    novelty = float(percentiles(known.novelty, distances(known.novelty, found.statistics[image : image + 1]))[0])
    return Judged(probabilities[0], tuple(classes[k] for k in order), novelty, novelty >= FOREIGN)


def nearest_training_images(
    known: Uncertainty, found: Embedding, image: int, head: str, count: int = NEIGHBOURS
) -> list[Neighbour]:
    """Returns the training images that are nearest to an image in the model's feature space, the nearest first.

    Args:
        known: of the model's run.
        found: what the model makes of images.
        image: which of them.
        head: whose labels are told.
        count: how many at most.
    """
    at, far = nearest(found.features[image : image + 1], known.features, count)
    classes, labels = known.classes[head], known.labels[head]
    return [
        Neighbour(known.names[k], classes[int(labels[k])], float(distance), int(known.rows[k]))
        for k, distance in zip(at[0].tolist(), far[0].tolist(), strict=True)
    ]


def kept_uncertainty(run: Run) -> Uncertainty | None:
    """Returns what `measure_uncertainty` kept of just this model and data, or `None`."""
    place = _place(run)
    try:
        status = place.with_suffix(".npz").stat()
    except OSError:
        return None
    return _read(place, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=6)
def _read(place: Path, changed: int, size: int) -> Uncertainty | None:
    arrays = results_cache.read(place) or {}
    try:
        facts = parse_json(arrays["facts"].tobytes())
        heads = {str(name): tuple(map(str, classes)) for name, classes in facts["classes"].items()}
        return Uncertainty(
            classes=heads,
            temperatures={name: float(facts["temperatures"][name]) for name in heads},
            of_truth={name: arrays[f"of_truth_{k}"] for k, name in enumerate(heads)},
            novelty=Novelty(arrays["mean"], arrays["whitening"], arrays["held_out"]),
            names=tuple(map(str, facts["names"])),
            rows=arrays["rows"],
            labels={name: arrays[f"labels_{k}"] for k, name in enumerate(heads)},
            features=arrays["features"],
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def measure_uncertainty(
    run: Run,
    classifier: Classifier,
    *,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
    lock: AbstractContextManager[Any] | None = None,
) -> Uncertainty:
    """Returns what is known of a run's model: measured on its validation images and compared with its training images,
    at most `MOST` of each, and kept in the run's folder under `uncertainty/`.

    Args:
        run: whose model it is.
        classifier: the model.
        progress: called with what is done, how much of it and of how much.
        cancelled: asked now and then; `True` ends the work.
        lock: held while the model is asked.

    Raises:
        DataError: the run's data can't be opened, or none of its images can be read.
        RunError: its recipe can't be read.
        ModelError: the memory is not enough.
        Cancelled: `cancelled` said so.
    """
    if (found := kept_uncertainty(run)) is not None:
        return found
    from cnnviz.explain.uncertainty.embedding import embed  # brings TensorFlow

    recipe, dataset = open_and_adapt(recipe_of(run, "its images can't be compared with"), may_adapt=False)
    parts = {}
    for name in ("train", "validation"):
        rows, images, labels = _images(dataset, name, recipe.data, progress, cancelled)
        what = "Looking at training images" if name == "train" else "Looking at held-out images"
        parts[name] = (
            rows,
            labels,
            embed(classifier, images, what=what, progress=progress, cancelled=cancelled, lock=lock),
        )
    (rows, labels, train), (_, truths, held_out) = parts["train"], parts["validation"]
    temperatures, of_truth = {}, {}
    for head, probabilities in zip((one.name for one in classifier.heads), held_out.probabilities, strict=True):
        temperatures[head] = fitted_temperature(probabilities, truths[head])
        calibrated = with_temperature(probabilities, temperatures[head])
        of_truth[head] = calibrated[np.arange(len(calibrated)), truths[head]]
    made = Uncertainty(
        classes={name: tuple(classifier.classes[name]) for name in temperatures},
        temperatures=temperatures,
        of_truth=of_truth,
        novelty=fitted_novelty(train.statistics, held_out.statistics),
        names=tuple(names_of(dataset, "train", rows)),
        rows=rows,
        labels=labels,
        features=_short(train.features),
    )
    results_cache.write(_place(run), _arrays(made))
    return made


def _short(features: np.ndarray) -> np.ndarray:
    """In half the room, where that can hold them."""
    return features.astype(np.float16) if np.abs(features).max(initial=0) < 6e4 else features


def _arrays(made: Uncertainty) -> dict[str, np.ndarray]:
    facts = {"classes": made.classes, "temperatures": made.temperatures, "names": made.names}
    arrays = {
        "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8),
        "mean": made.novelty.mean,
        "whitening": made.novelty.whitening,
        "held_out": made.novelty.held_out,
        "rows": made.rows,
        "features": made.features,
    }
    for k, name in enumerate(made.classes):
        arrays |= {f"of_truth_{k}": made.of_truth[name], f"labels_{k}": made.labels[name]}
    return arrays


def _images(
    dataset: Dataset, name: str, data: Data, progress: Progress | None, cancelled: CancelCheck | None
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Rows, images and labels of a split, at most `MOST`."""
    split = dataset.splits[name]
    chosen = np.sort(np.random.default_rng(0).permutation(len(split))[:MOST])
    part = split.take(chosen)
    found = prepare(part, data, progress=progress, cancelled=cancelled)
    if not len(found):
        raise DataError(f"None of the {len(part):,} {name} images of {dataset.title} could be read.")
    assert found.array is not None  # images that aren't whole are of one size
    labels = {head: values[found.kept] for head, values in part.labels.items()}
    return chosen[found.kept], np.asarray(found.array), labels


def _place(run: Run) -> Path:
    return results_cache.place(run, "uncertainty", _VERSION, most=MOST)
