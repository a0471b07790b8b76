"""Balanced accuracy."""

from __future__ import annotations

import numpy as np

from cnnviz.evaluation_metrics.metric import EvaluationMetric

__all__ = ["METRIC"]


def _value(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean of the recall of the classes that have samples."""
    right = probabilities.argmax(axis=1) == labels
    return float(np.mean([right[labels == one].mean() for one in np.unique(labels)]))


METRIC = EvaluationMetric(
    title="Balanced accuracy",
    description="The mean of each class's recall, so that rare classes count as much as frequent ones.",
    value=_value,
    source="scikit-learn's balanced_accuracy_score",
)
