"""Prediction sets that keep a risk: split conformal prediction (Vovk et al. 2005) with the sets of Sadinle, Lei and
Wasserman (2019, "Least Ambiguous Set-Valued Classifiers"), the smallest on average."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["coverage", "lowest_probability", "prediction_sets"]


def lowest_probability(of_truth: np.ndarray, risk: float) -> float:
    """Returns from which probability on a class belongs to the set, so that the sets of new images lack the true class
    with a chance of `risk` at most, whatever the model is worth; held-out images must be drawn as new ones are.

    Args:
        of_truth: the true classes' probabilities of held-out images that had no part in training, float (n,).
        risk: above 0 and below 1.

    Returns:
        0..1; 0 where the images are too few for so small a risk, so that the sets hold all classes.

    Example:
        >>> lowest_probability(np.array([0.9, 0.4, 0.7, 0.8]), 0.4), lowest_probability(np.ones(4), 0.1)
        (0.7, 0.0)
    """
    rank = math.floor((len(of_truth) + 1) * risk + 1e-9)  # so many of them may lie below
    return float(np.sort(of_truth)[rank - 1]) if rank else 0.0


def prediction_sets(probabilities: np.ndarray, lowest: float) -> np.ndarray:
    """Returns which classes are in each image's set, bool (n, classes). A set may be empty, where none is as likely as
    the true class mostly is: with a model that is right more often than the risk asks for, nothing smaller keeps it.

    Args:
        probabilities: float (n, classes).
        lowest: of `lowest_probability`.
    """
    return probabilities >= lowest


def coverage(sets: np.ndarray, labels: np.ndarray) -> tuple[float, list[float | None]]:
    """Returns in how many of the images the set has the true class, 0..1: of all, and of each class (`None` without an
    image).

    Args:
        sets: bool (n, classes).
        labels: the true classes, int64 (n,).
    """
    inside = sets[np.arange(len(labels)), labels]
    each = [float(inside[labels == k].mean()) if (labels == k).any() else None for k in range(sets.shape[1])]
    return float(inside.mean()), each
