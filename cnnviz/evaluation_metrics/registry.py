"""The evaluation metrics: every file in this folder that holds a `METRIC`, by its name."""

from __future__ import annotations

import math

import numpy as np

from cnnviz import evaluation_metrics
from cnnviz.discovery import found_in
from cnnviz.evaluation_metrics.metric import EvaluationMetric

__all__ = ["METRICS", "values_of"]


METRICS: dict[str, EvaluationMetric] = found_in(evaluation_metrics, "METRIC")


def values_of(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Returns each metric that says something, by its key, with six digits.

    Args:
        labels: true classes, int (n,).
        probabilities: float32 (n, classes).

    Example:
        >>> values_of(np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]))["balanced_accuracy"]
        1.0
    """
    if not len(labels):
        return {}
    found = {name: metric.value(labels, probabilities) for name, metric in METRICS.items()}
    return {name: float(f"{value:.6g}") for name, value in found.items() if value is not None and math.isfinite(value)}
