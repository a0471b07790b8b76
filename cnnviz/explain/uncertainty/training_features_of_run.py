"""What a run's model makes of its training and validation images, kept in the run's folder: new images are compared
with it."""

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
from cnnviz.explain.uncertainty.calibration_of_run import Calibration, calibration_of
from cnnviz.explain.uncertainty.neighbours import nearest
from cnnviz.explain.uncertainty.novelty import Novelty, distances, fitted_novelty, percentiles
from cnnviz.files import parse_json
from cnnviz.progress import CancelCheck, Progress
from cnnviz.recipe import Data
from cnnviz.runs import Run, recipe_of, results_cache

if TYPE_CHECKING:
    from cnnviz.explain.uncertainty.embedding import Embedding
    from cnnviz.models.classifier import Classifier

__all__ = [
    "MOST",
    "Neighbour",
    "TrainingFeatures",
    "kept_training_features",
    "measure_training_features",
    "nearest_by_head",
    "nearest_training_images",
    "novelty_of",
]

MOST = 4_000
"""So many images of each split at most, drawn by a seed."""
NEIGHBOURS = 5
_VERSION = 1
_NOVELTY = ("mean", "whitening", "held_out")


@dataclass(frozen=True, eq=False)
class TrainingFeatures:
    """What new images are compared with.

    Attributes:
        classes: of each head.
        calibration: of the held-out images.
        novelty: how far held-out images are from the training images, see `novelty`.
        names: of the training images, as `data.without` names them.
        rows: their positions in the training split, int64 (n,).
        labels: for each head their classes, int64 (n,).
        features: what the heads see of them, float16 or float32 (n, k).
    """

    classes: dict[str, tuple[str, ...]]
    calibration: Calibration
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


def novelty_of(known: TrainingFeatures, found: Embedding, images: slice = slice(None)) -> np.ndarray:
    """Returns how many of the held-out images are nearer to the training images than each image, 0..1, float64 (n,);
    from `novelty.FOREIGN` on an image is like nothing that the model has learned from.

    Args:
        known: of the model's run.
        found: what the model makes of images.
        images: which of them.
    """
    return percentiles(known.novelty, distances(known.novelty, found.statistics[images]))


def nearest_training_images(
    known: TrainingFeatures, found: Embedding, image: int, head: str, count: int = NEIGHBOURS
) -> list[Neighbour]:
    """Returns the training images that are nearest to an image in the model's feature space, the nearest first.

    Args:
        known: of the model's run.
        found: what the model makes of images.
        image: which of them.
        head: whose labels are told.
        count: how many at most.
    """
    return nearest_by_head(known, found, image, count)[head]


def nearest_by_head(
    known: TrainingFeatures, found: Embedding, image: int, count: int = NEIGHBOURS
) -> dict[str, list[Neighbour]]:
    """Returns, by head, what `nearest_training_images` does: the images are the same, and only the labels differ."""
    at, far = nearest(found.features[image : image + 1], known.features, count)
    near = list(zip(at[0].tolist(), far[0].tolist(), strict=True))
    return {
        head: [
            Neighbour(known.names[k], classes[int(known.labels[head][k])], float(distance), int(known.rows[k]))
            for k, distance in near
        ]
        for head, classes in known.classes.items()
    }


def kept_training_features(run: Run) -> TrainingFeatures | None:
    """Returns what `measure_training_features` kept of just this model and data, or `None`."""
    place = _place(run)
    try:
        status = place.with_suffix(".npz").stat()
    except OSError:
        return None
    return _read(place, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=6)
def _read(place: Path, changed: int, size: int) -> TrainingFeatures | None:
    arrays = results_cache.read(place) or {}
    try:
        facts = parse_json(arrays["facts"].tobytes())
        heads = {str(name): tuple(map(str, classes)) for name, classes in facts["classes"].items()}
        found = TrainingFeatures(
            classes=heads,
            calibration=Calibration(
                {name: float(facts["temperatures"][name]) for name in heads},
                {name: arrays[f"of_truth_{k}"] for k, name in enumerate(heads)},
            ),
            novelty=Novelty(*(arrays[one] for one in _NOVELTY)),
            names=tuple(map(str, facts["names"])),
            rows=arrays["rows"],
            labels={name: arrays[f"labels_{k}"] for k, name in enumerate(heads)},
            features=arrays["features"],
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    count = len(found.names)
    lengths = {len(one) for one in (found.rows, found.features, *found.labels.values())}
    wide = found.novelty.mean.shape
    return found if lengths == {count} and found.novelty.whitening.shape == (*wide, *wide) else None


def measure_training_features(
    run: Run,
    classifier: Classifier,
    *,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
    lock: AbstractContextManager[Any] | None = None,
) -> TrainingFeatures:
    """Returns what a run's model makes of its training images and how far its validation images are from them, at most
    `MOST` of each; kept in the run's folder under `training-features/`.

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
    if (found := kept_training_features(run)) is not None:
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
    names = [head.name for head in classifier.heads]
    made = TrainingFeatures(
        classes={name: tuple(classifier.classes[name]) for name in names},
        calibration=calibration_of(dict(zip(names, held_out.probabilities, strict=True)), truths),
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


def _arrays(made: TrainingFeatures) -> dict[str, np.ndarray]:
    facts = {"classes": made.classes, "names": made.names, "temperatures": made.calibration.temperatures}
    arrays = {
        "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8),
        **{name: getattr(made.novelty, name) for name in _NOVELTY},
        "rows": made.rows,
        "features": made.features,
    }
    for k, name in enumerate(made.classes):
        arrays |= {f"labels_{k}": made.labels[name], f"of_truth_{k}": made.calibration.of_truth[name]}
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
    return results_cache.place(run, "training-features", _VERSION, most=MOST)
