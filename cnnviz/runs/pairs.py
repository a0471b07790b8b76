"""Two runs on the same images: what the second mends, what it breaks, and whether the difference means anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnnviz.errors import DataError
from cnnviz.runs.predictions import Predictions

__all__ = ["OUTCOMES", "Pairs", "difference_interval", "mcnemar", "pair", "shared_heads"]

OUTCOMES = ("mended", "broken", "wrong", "right")
"""Of an image: only the second run is right, only the first one is, neither is, both are."""
_RESAMPLES = 10_000


@dataclass(frozen=True, eq=False)
class Pairs:
    """What two runs predict about the images that both were measured on.

    Attributes:
        names: of the images.
        at: for each run the images' positions in its predictions, two arrays int64 (n,).
        classes: the second run's.
        labels: the true classes as the second run has them, int64 (n,).
        predicted: for each run the predicted classes, two arrays int64 (n,).
        sure: for each run the probability of its prediction, two arrays float32 (n,).
        relabelled: which of the images have another label in the first run, bool (n,).
    """

    names: tuple[str, ...]
    at: tuple[np.ndarray, np.ndarray]
    classes: tuple[str, ...]
    labels: np.ndarray
    predicted: tuple[np.ndarray, np.ndarray]
    sure: tuple[np.ndarray, np.ndarray]
    relabelled: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def take(self, chosen: np.ndarray) -> Pairs:
        """Returns those of the images at these positions, in this order."""
        return Pairs(
            names=tuple(self.names[k] for k in chosen.tolist()),
            at=(self.at[0][chosen], self.at[1][chosen]),
            classes=self.classes,
            labels=self.labels[chosen],
            predicted=(self.predicted[0][chosen], self.predicted[1][chosen]),
            sure=(self.sure[0][chosen], self.sure[1][chosen]),
            relabelled=self.relabelled[chosen],
        )

    @property
    def right(self) -> tuple[np.ndarray, np.ndarray]:
        """For each run whether its predictions are right, two arrays bool (n,)."""
        first, second = self.predicted
        return first == self.labels, second == self.labels

    @property
    def accuracies(self) -> tuple[float, float]:
        """Of each run, 0..1."""
        first, second = self.right
        return float(first.mean()), float(second.mean())

    def positions(self, outcome: str) -> np.ndarray:
        """Returns which images have one of `OUTCOMES`, those first that the runs are surest of together; int64."""
        first, second = self.right
        wanted = {"mended": ~first & second, "broken": first & ~second, "wrong": ~first & ~second}
        found = np.flatnonzero(wanted.get(outcome, first & second))
        return found[np.argsort(-(self.sure[0] + self.sure[1])[found], kind="stable")]


def shared_heads(first: Predictions, second: Predictions) -> list[str]:
    """Returns the second run's heads that the first has too, with the same classes in whatever order."""
    return [
        head
        for head, classes in second.classes.items()
        if head in first.classes and sorted(first.classes[head]) == sorted(classes)
    ]


def pair(
    first: Predictions, first_names: Sequence[str], second: Predictions, second_names: Sequence[str], head: str
) -> Pairs:
    """Returns what two runs predict about the images that both were measured on.

    Args:
        first: of the one run.
        first_names: of its images, as `edits.names_of` has them.
        second: of the other.
        second_names: of its images.
        head: one of `shared_heads`.

    Raises:
        DataError: they have no image in common.
    """
    known = {name: i for i, name in enumerate(first_names)}
    there = np.array([i for i, name in enumerate(second_names) if name in known], np.int64)
    if not len(there):
        raise DataError("These runs have no image in common that both were measured on.")
    names = tuple(second_names[i] for i in there)
    here = np.array([known[name] for name in names], np.int64)
    classes = second.classes[head]
    renumbered = np.array([classes.index(name) for name in first.classes[head]], np.int64)
    labels, probabilities = second.labels[head][there], second.probabilities[head][there]
    others = first.probabilities[head][here]
    return Pairs(
        names=names,
        at=(here, there),
        classes=classes,
        labels=labels,
        predicted=(renumbered[others.argmax(axis=1)], probabilities.argmax(axis=1)),
        sure=(others.max(axis=1), probabilities.max(axis=1)),
        relabelled=renumbered[first.labels[head][here]] != labels,
    )


def mcnemar(mended: int, broken: int) -> float:
    """Returns the probability that two equally good runs differ in so many images or more unevenly (McNemar 1947, the
    exact two-sided binomial test).

    Args:
        mended: how many images only the second run has right.
        broken: how many only the first has right.

    Example:
        >>> round(mcnemar(8, 2), 4)
        0.1094
    """
    from scipy.stats import binomtest

    return float(binomtest(mended, mended + broken).pvalue) if mended + broken else 1.0


def difference_interval(mended: int, broken: int, images: int, share: float = 0.95) -> tuple[float, float]:
    """Returns where the difference of the accuracies, second minus first, lies in `share` of 10,000 bootstrap samples
    of the images (percentile interval, Efron 1979; drawn by a seed).

    As an image counts 1, -1 or 0, a sample of images is a draw of their three counts.

    Example:
        >>> low, high = difference_interval(30, 10, 400)
        >>> 0.015 < low < 0.025 and 0.075 < high < 0.085
        True
    """
    counts = np.array([mended, broken, images - mended - broken])
    drawn = np.random.default_rng(0).multinomial(images, counts / images, _RESAMPLES)
    low, high = np.quantile((drawn[:, 0] - drawn[:, 1]) / images, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
