"""How right a model is when its images are moved: what convolution and pooling buy, measured.

Importing this loads no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnnviz.errors import ModelError
from cnnviz.explain.inspection.top_activations import Samples
from cnnviz.progress import CancelCheck, Progress, batches

__all__ = ["FARTHEST", "TranslationRobustness", "accuracy_when_translated", "translate"]

FARTHEST = 6
"""Images are moved by up to so many pixels."""
_WAYS = ((0, 1), (0, -1), (1, 0), (-1, 0))
_BATCH = 100


@dataclass(frozen=True)
class TranslationRobustness:
    """Accuracies, 0..1: `accuracy[k]` with the images moved by k pixels, the mean over four ways and all heads."""

    accuracy: tuple[float, ...]
    images: int


def translate(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Returns images (n, height, width, channels) moved by so many pixels; the border is repeated."""
    height, width = images.shape[1:3]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return images[:, rows][:, :, columns]


def accuracy_when_translated(
    predict: Callable[[np.ndarray], list[np.ndarray]],
    heads: tuple[str, ...],
    given: Samples,
    *,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> TranslationRobustness:
    """Returns how right a model is about images that were moved up, down, left and right.

    Args:
        predict: gives each head's class probabilities (n, classes) for uint8 images.
        heads: their names, in that order.
        given: the images.
        progress: called with what is being done, how much is done and how much there is.
        cancelled: asked before every batch.

    Raises:
        ModelError: there are no images.
        Cancelled: `cancelled` said so.
    """
    if not len(given):
        raise ModelError("There are no images to move: expected at least one.")
    steps = [(0, 0, 0), *((far, far * down, far * right) for far in range(1, FARTHEST + 1) for down, right in _WAYS)]
    right = np.zeros((FARTHEST + 1, 2))
    for nth, (far, down, across) in enumerate(steps):
        for part in batches(len(given), _BATCH, cancelled=cancelled):
            predictions = predict(translate(given.images[part], down, across))
            for head, probabilities in zip(heads, predictions, strict=True):
                hits = probabilities.argmax(axis=1) == given.labels[head][part]
                right[far] += hits.sum(), len(hits)
        if progress is not None:
            progress("Asking about moved images", nth + 1, len(steps))
    return TranslationRobustness(tuple((right[:, 0] / right[:, 1]).tolist()), len(given))
