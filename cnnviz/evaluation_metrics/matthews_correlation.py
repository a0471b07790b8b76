"""The Matthews correlation coefficient."""

from __future__ import annotations

import numpy as np

from cnnviz.evaluation_metrics.metric import EvaluationMetric

__all__ = ["METRIC"]


def _value(labels: np.ndarray, probabilities: np.ndarray) -> float:
    from sklearn.metrics import matthews_corrcoef  # takes half a second to import

    return float(matthews_corrcoef(labels, probabilities.argmax(axis=1)))


METRIC = EvaluationMetric(
    title="Matthews correlation",
    description="The correlation of predictions with true labels: 1 is perfect, 0 is guessing.",
    value=_value,
    source="scikit-learn's matthews_corrcoef; Gorodkin 2004",
)
