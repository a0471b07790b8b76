"""What a model's mistakes cost at each threshold, and at which one they cost least."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["THRESHOLDS", "Costs", "best_threshold", "costs_of_answering", "costs_of_two_classes"]

THRESHOLDS = np.linspace(0, 1, 201)
"""Of a probability, 0..1."""


@dataclass(frozen=True, eq=False)
class Costs:
    """What happens at each of `THRESHOLDS`.

    Attributes:
        mean: the cost of an image on average, float64 (201,).
        counts: how many images each kind of mistake or omission has, by its name, int64 (201,) each.
    """

    mean: np.ndarray
    counts: dict[str, np.ndarray]


def costs_of_two_classes(labels: np.ndarray, share: np.ndarray, false_positive: float, false_negative: float) -> Costs:
    """Returns the costs of answering the second class from each threshold of its probability on.

    Args:
        labels: the true classes, 0 or 1, int64 (n,), n at least 1.
        share: the second class's probabilities, float (n,).
        false_positive: what an image of the first class costs that is taken for the second.
        false_negative: what an image of the second class costs that is taken for the first.

    Example:
        >>> costs_of_two_classes(np.array([0, 1]), np.array([0.6, 0.8]), 1.0, 5.0).mean[[0, 100, 140, 200]].tolist()
        [0.5, 0.5, 0.0, 2.5]
    """
    positive = share[None] >= THRESHOLDS[:, None]
    wrong = {
        "false_positive": (positive & (labels == 0)).sum(axis=1),
        "false_negative": (~positive & (labels == 1)).sum(axis=1),
    }
    mean = (false_positive * wrong["false_positive"] + false_negative * wrong["false_negative"]) / len(labels)
    return Costs(mean, wrong)


def costs_of_answering(right: np.ndarray, confidence: np.ndarray, wrong: float, unanswered: float) -> Costs:
    """Returns the costs of answering only from each threshold of the prediction's probability on, and leaving the other
    images to a person (Chow 1970, "On Optimum Recognition Error and Reject Tradeoff").

    Args:
        right: whether the predictions are right, bool (n,), n at least 1.
        confidence: their probabilities, float (n,).
        wrong: what a wrong answer costs.
        unanswered: what an image without an answer costs.

    Example:
        >>> costs_of_answering(np.array([True, False]), np.array([0.9, 0.5]), 10.0, 1.0).mean[[0, 150, 200]].tolist()
        [5.0, 0.5, 1.0]
    """
    answered = confidence[None] >= THRESHOLDS[:, None]
    counts = {"wrong": (answered & ~right).sum(axis=1), "unanswered": (~answered).sum(axis=1)}
    return Costs((wrong * counts["wrong"] + unanswered * counts["unanswered"]) / len(right), counts)


def best_threshold(costs: Costs) -> int:
    """Returns the position among `THRESHOLDS` where the mean cost is least, in the middle where several are."""
    least = np.flatnonzero(costs.mean <= costs.mean.min() + 1e-12)
    run = np.split(least, np.flatnonzero(np.diff(least) > 1) + 1)[0]  # the first stretch of them
    return int(run[len(run) // 2])
