"""The training images that are nearest to an image in a model's feature space."""

from __future__ import annotations

import numpy as np

__all__ = ["nearest"]


def nearest(features: np.ndarray, train: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the nearest training images by cosine distance, the nearest first.

    Args:
        features: of images, float (n, d).
        train: of the training images, float (m, d).
        count: how many, at most m.

    Returns:
        Their positions, int64 (n, count), and their distances, 0 (the same direction) to 2, float32 (n, count).
    """
    similar = _unit(features) @ _unit(train).T
    count = min(count, similar.shape[1])
    order = np.argsort(-similar, axis=1, kind="stable")[:, :count]
    return order, np.asarray(np.maximum(0, 1 - np.take_along_axis(similar, order, axis=1)), np.float32)


def _unit(features: np.ndarray) -> np.ndarray:
    values = features.astype(np.float32)
    found: np.ndarray = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
    return found
