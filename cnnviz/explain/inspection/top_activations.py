"""What excites a layer's channels in images, for which classes they stand, and what is lost without them.

Importing this loads no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz.errors import ModelError
from cnnviz.models.probabilities import probabilities
from cnnviz.progress import CancelCheck, Progress, batches

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = [
    "TOP",
    "Ablation",
    "Samples",
    "TopActivations",
    "ablate",
    "crop",
    "top_activations",
]

TOP = 12
_BATCH = 32


@dataclass(frozen=True, eq=False)
class Samples:
    """Held-out images as a model sees them: uint8 (n, height, width, channels), their names, and their right
    classes by head, int64 (n,)."""

    images: np.ndarray
    labels: dict[str, np.ndarray]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, eq=False)
class TopActivations:
    """How the k channels of a layer respond to many images.

    Attributes:
        values: each channel's greatest values, one an image, the greatest first: float32 (k, top).
        rows: in which of the samples they are, int64 (k, top).
        positions: at which (row, column) of the layer, int64 (k, top, 2).
        by_class: for each head each channel's mean output over the images of each class, float32 (k, classes).
        images: how many were shown.
    """

    values: np.ndarray
    rows: np.ndarray
    positions: np.ndarray
    by_class: dict[str, np.ndarray]
    images: int

    @property
    def dead(self) -> np.ndarray:
        """Which channels were nowhere above 0 in any image, bool (k,)."""
        return self.values[:, 0] <= 0

    def selectivity(self, head: str) -> np.ndarray:
        """Returns how far each channel stands for one class of a head, float32 (k,), 0 (for none) to 1 (for one only).

        (a - b) / (a + b) of the greatest class mean a and the mean b of the others (Morcos et al. 2018,
        arXiv:1803.06959); class means below 0 count as 0.
        """
        means = np.maximum(self.by_class[head].astype(np.float64), 0)
        greatest = means.max(axis=1)
        others = (means.sum(axis=1) - greatest) / max(1, means.shape[1] - 1)
        total = greatest + others
        apart = greatest - others
        found: np.ndarray = np.divide(apart, total, out=np.zeros_like(total), where=total > 0).astype(np.float32)
        return found


@dataclass(frozen=True, eq=False)
class Ablation:
    """Accuracies with everything as it is and with channels set to 0, each 0..1.

    `accuracy` has (with, without) for each head; `by_class` float32 (classes, 2) the same for the images of each
    class, NaN where there are none.
    """

    accuracy: dict[str, tuple[float, float]]
    by_class: dict[str, np.ndarray]
    images: int


def top_activations(
    classifier: Classifier,
    layer: str,
    given: Samples,
    *,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
    lock: AbstractContextManager[Any] | None = None,
) -> TopActivations:
    """Returns how a layer's channels respond to images.

    Args:
        classifier: the model.
        layer: one with channels in its last axis.
        given: the images, such as a run's, see `top_activations_of_run.samples`.
        progress: called with what is being done, how much is done and how much there is.
        cancelled: asked before every batch.
        lock: held while the model is at work, a batch at a time.

    Raises:
        ModelError: no such layer, or no images.
        Cancelled: `cancelled` said so.
    """
    if not len(given):
        raise ModelError("There are no images to show to the model: expected at least one.")
    from cnnviz.explain.inspection.channel_ablation import peaks  # brings TensorFlow

    look = peaks(classifier, layer)
    parts = []
    for part in batches(len(given), _BATCH, "Looking for what excites the layer", progress, cancelled):
        pixels = classifier.pixels(given.images[part])
        with lock if lock is not None else nullcontext():
            parts.append(look(pixels))
    greatest, positions, means = (np.concatenate(one) for one in zip(*parts, strict=True))
    rows = np.argsort(-greatest, axis=0, kind="stable")[:TOP].T
    channels = np.arange(greatest.shape[1])[:, None]
    by_class = {}
    for head in classifier.heads:
        if head.name in given.labels:
            right = np.eye(head.classes, dtype=np.float64)[given.labels[head.name]]
            by_class[head.name] = (means.T @ right / np.maximum(right.sum(axis=0), 1)).astype(np.float32)
    return TopActivations(greatest[rows, channels], rows, positions[rows, channels], by_class, len(given))


def crop(image: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Returns the (top, left, height, width) of an image (h, w, c), as `receptive_field.box` gives it; never empty."""
    top, left, height, width = box
    return image[top : top + max(1, height), left : left + max(1, width)]


def _pair(values: np.ndarray) -> tuple[float, float]:
    first, second = values
    return float(first), float(second)


def ablate(
    classifier: Classifier,
    layer: str,
    channels: Sequence[int],
    given: Samples,
    *,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
    lock: AbstractContextManager[Any] | None = None,
) -> Ablation:
    """Returns the accuracy on images without some of a layer's channels: they are 0 wherever the layer is used.

    The model is not changed. Arguments and errors as of `top_activations`; also ModelError where there is no such
    channel.
    """
    if not len(given):
        raise ModelError("There are no images to show to the model: expected at least one.")
    from cnnviz.explain.inspection.channel_ablation import with_and_without  # brings TensorFlow

    ask = with_and_without(classifier, layer, channels)
    parts = []
    for part in batches(len(given), _BATCH, "Asking without the channel", progress, cancelled):
        pixels = classifier.pixels(given.images[part])
        with lock if lock is not None else nullcontext():
            predictions = [probabilities(outputs, classifier.heads) for outputs in ask(pixels)]
        parts.append([np.stack([each.argmax(axis=1) for each in pair]) for pair in zip(*predictions, strict=True)])
    accuracy: dict[str, tuple[float, float]] = {}
    by_class = {}
    for head, predictions in zip(classifier.heads, zip(*parts, strict=True), strict=True):
        if head.name in given.labels:
            labels = given.labels[head.name]
            right = np.concatenate(predictions, axis=1) == labels
            accuracy[head.name] = _pair(right.mean(axis=1))
            counts = np.bincount(labels, minlength=head.classes).astype(np.float64)
            counts[counts == 0] = np.nan
            hits = [np.bincount(labels, weights=one, minlength=head.classes) / counts for one in right]
            by_class[head.name] = np.stack(hits, axis=1).astype(np.float32)
    return Ablation(accuracy, by_class, len(given))
