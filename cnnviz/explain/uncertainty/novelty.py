"""How unlike its training images an image is to a model: the Mahalanobis distance of what its layers make of it (Lee et
al. 2018, "A Simple Unified Framework for Detecting Out-of-Distribution Samples") to the nearest training image (Sun et
al. 2022, "Out-of-Distribution Detection with Deep Nearest Neighbors")."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

__all__ = ["FOREIGN", "Novelty", "distances", "fitted_novelty", "percentiles"]

FOREIGN = 0.95
"""From this percentile on an image counts as unlike all that the model has learned from: about 5 % of its own do."""


@dataclass(frozen=True, eq=False)
class Novelty:
    """What is compared with.

    Attributes:
        mean: of the training images' statistics, float32 (d,).
        whitening: what makes their covariance the unit matrix, float32 (d, d).
        train: the training images' statistics so transformed, float16 (n, d).
        held_out: distances of held-out images, float32 (m,), ascending.
    """

    mean: np.ndarray
    whitening: np.ndarray
    train: np.ndarray
    held_out: np.ndarray


def fitted_novelty(train: np.ndarray, held_out: np.ndarray) -> Novelty:
    """Returns what distances of new images are measured by; the covariance is Ledoit and Wolf's (2004, library
    scikit-learn), so that there may be more statistics than images.

    Args:
        train: statistics of training images, float (n, d), n at least 2.
        held_out: of images that the model did not learn from, float (m, d).
    """
    from sklearn.covariance import ledoit_wolf

    mean, spread = train.mean(axis=0, dtype=np.float64), train.std(axis=0, dtype=np.float64)
    spread = np.where(spread > 1e-6 * max(1e-6, float(spread.max())), spread, np.inf)  # what never varies tells nothing
    covariance, _ = ledoit_wolf((train - mean) / spread, assume_centered=True)
    values, vectors = np.linalg.eigh(covariance)
    whitening = vectors / np.sqrt(np.maximum(values, 1e-12)) / spread[:, None]
    found = Novelty(mean.astype(np.float32), whitening.astype(np.float32), np.zeros(0), np.zeros(0))
    found = replace(found, train=_whitened(found, train).astype(np.float16))
    return replace(found, held_out=np.sort(distances(found, held_out)))


def distances(known: Novelty, statistics: np.ndarray) -> np.ndarray:
    """Returns how far images are from the nearest training image, float32 (n,); the mean distance of two training
    images is about the root of 2."""
    found, train = _whitened(known, statistics), known.train.astype(np.float32)
    squares = (found**2).sum(axis=1)[:, None] + (train**2).sum(axis=1) - 2 * found @ train.T
    return np.asarray(np.sqrt(np.maximum(0, squares.min(axis=1)) / train.shape[1]), np.float32)


def _whitened(known: Novelty, statistics: np.ndarray) -> np.ndarray:
    found: np.ndarray = (statistics - known.mean) @ known.whitening
    return found


def percentiles(known: Novelty, found: np.ndarray) -> np.ndarray:
    """Returns how many of the held-out images are nearer to the training images than each, 0..1, float64 (n,).

    Args:
        known: with held-out images.
        found: distances, float (n,).
    """
    return np.searchsorted(known.held_out, found) / max(1, len(known.held_out))
