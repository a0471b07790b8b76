"""How right a classifier of features is with fewer images to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnnviz.progress import CancelCheck, Progress, check_cancelled

__all__ = ["SEEDS", "SHARES", "LearningCurve", "learning_curve"]

SHARES = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
SEEDS = 5


@dataclass(frozen=True)
class LearningCurve:
    """Accuracies on held-out images.

    Attributes:
        images: how many images were learned from, for each share.
        accuracy: 0..1, for each share those of all seeds.
    """

    images: tuple[int, ...]
    accuracy: tuple[tuple[float, ...], ...]


def learning_curve(
    features: np.ndarray,
    labels: np.ndarray,
    held_out: np.ndarray,
    held_out_labels: np.ndarray,
    *,
    shares: Sequence[float] = SHARES,
    seeds: int = SEEDS,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> LearningCurve:
    """Fits scikit-learn's logistic regression to random shares of the images, the classes as frequent as in all.

    Args:
        features: float32 (n, k), standardised here by what is learned from.
        labels: int64 (n,).
        held_out: float32 (m, k), never learned from.
        held_out_labels: int64 (m,).
        shares: of the n images, 0..1; each class must get one at least.
        seeds: how many draws of each share; all of the images are drawn once.
        progress: told of each fit.
        cancelled: asked before each fit.

    Raises:
        Cancelled: `cancelled` said so.

    Example:
        >>> labels = np.arange(40) % 2
        >>> learning_curve(labels[:, None] * 1.0, labels, labels[:, None] * 1.0, labels, shares=(0.5,), seeds=1)
        LearningCurve(images=(20,), accuracy=((1.0,),))
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    every, counts, found = np.arange(len(labels)), [], []
    for nth, share in enumerate(shares):
        accuracy, count = [], round(share * len(labels))
        for seed in range(seeds if count < len(labels) else 1):
            check_cancelled(cancelled)
            if progress is not None:
                progress("Fitting to fewer images", nth * seeds + seed, len(shares) * seeds)
            rows = every
            if count < len(labels):
                rows, _ = train_test_split(every, train_size=count, stratify=labels, random_state=seed)
            model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
            model.fit(features[rows], labels[rows])
            accuracy.append(float(np.mean(model.predict(held_out) == held_out_labels)))
        counts.append(count)
        found.append(tuple(accuracy))
    return LearningCurve(tuple(counts), tuple(found))
