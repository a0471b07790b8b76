"""The evaluation metrics: every file in this folder that holds a `METRIC`, by its name."""

from __future__ import annotations

import importlib
import math
import pkgutil

import numpy as np

from cnnviz import evaluation_metrics
from cnnviz.evaluation_metrics.metric import EvaluationMetric

__all__ = ["METRICS", "values_of"]


def _found() -> dict[str, EvaluationMetric]:
    names = [module.name for module in pkgutil.iter_modules(evaluation_metrics.__path__) if module.name != "registry"]
    modules = {name: importlib.import_module(f"{evaluation_metrics.__name__}.{name}") for name in names}
    return {name: module.METRIC for name, module in modules.items() if hasattr(module, "METRIC")}


METRICS: dict[str, EvaluationMetric] = _found()


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
