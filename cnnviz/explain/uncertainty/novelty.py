"""How unlike its training images an image is to a model: the Mahalanobis distance of what its layers make of it (Lee et
al. 2018, "A Simple Unified Framework for Detecting Out-of-Distribution Samples"; here without classes)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["FOREIGN", "Novelty", "distances", "fitted_novelty", "percentiles"]

FOREIGN = 0.96
"""From this percentile on an image counts as unlike all that the model has learned from: about 4 % of its own do."""


@dataclass(frozen=True, eq=False)
class Novelty:
    """What is compared with.

    Attributes:
        mean: of the training images' statistics, float32 (d,).
        whitening: what makes their covariance the unit matrix, float32 (d, k).
        held_out: distances of held-out images, float32 (m,), ascending.
    """

    mean: np.ndarray
    whitening: np.ndarray
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
    found = Novelty(np.asarray(mean, np.float32), np.asarray(whitening, np.float32), np.zeros(0, np.float32))
    return Novelty(found.mean, found.whitening, np.sort(distances(found, held_out)))


def distances(known: Novelty, statistics: np.ndarray) -> np.ndarray:
    """Returns how far images are from the training images, float32 (n,); in standard deviations of a typical one."""
    found: np.ndarray = np.linalg.norm((statistics - known.mean) @ known.whitening, axis=1)
    return np.asarray(found / np.sqrt(known.whitening.shape[1]), np.float32)


def percentiles(known: Novelty, found: np.ndarray) -> np.ndarray:
    """Returns how many of the held-out images are nearer to the training images than each, 0..1, float64 (n,).

    Args:
        known: with held-out images.
        found: distances, float (n,).
    """
    return np.searchsorted(known.held_out, found) / max(1, len(known.held_out))
