"""Top-5 accuracy."""

from __future__ import annotations

import numpy as np

from cnnviz.evaluation_metrics.metric import EvaluationMetric

__all__ = ["METRIC"]


def _value(labels: np.ndarray, probabilities: np.ndarray) -> float | None:
    if probabilities.shape[1] <= 5:
        return None  # it would always be 1
    truth = np.take_along_axis(probabilities, labels[:, None], axis=1)
    return float(np.mean((probabilities > truth).sum(axis=1) < 5))


METRIC = EvaluationMetric(
    title="Top-5 accuracy",
    description="How often the true class is among the five likeliest; for more than five classes.",
    value=_value,
    source="scikit-learn's top_k_accuracy_score",
)
