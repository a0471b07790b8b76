"""Whether a model goes by a mark that was planted in the images of one class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["MarkEffect", "mark_effect"]


@dataclass(frozen=True)
class MarkEffect:
    """Shares of held-out images, 0..1.

    Attributes:
        with_mark: of the class's images with the mark, how many are predicted right.
        without_mark: the same of them as they are.
        others: of the other classes' images with the mark, how many are predicted as the class.
    """

    with_mark: float
    without_mark: float
    others: float


def mark_effect(
    predict: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    labels: np.ndarray,
    marked: int,
    plant: Callable[[np.ndarray], np.ndarray],
) -> MarkEffect:
    """Predicts images with and without the mark.

    Args:
        predict: returns the classes, int64 (n,), of uint8 images (n, h, w, c).
        images: uint8 (n, h, w, c), without the mark.
        labels: int64 (n,), of which some are `marked`, and some not.
        marked: the class whose training images had the mark.
        plant: returns copies of images with the mark.
    """
    own, others = images[labels == marked], images[labels != marked]
    return MarkEffect(
        float(np.mean(predict(plant(own)) == marked)),
        float(np.mean(predict(own) == marked)),
        float(np.mean(predict(plant(others)) == marked)),
    )
