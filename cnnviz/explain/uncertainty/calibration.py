"""Calibrated probabilities by temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks")."""

from __future__ import annotations

import numpy as np

from cnnviz.probabilities import softmax

__all__ = ["fitted_temperature", "with_temperature"]

_LEAST = 1e-12  # of a probability: what a sigmoid rounds to 0 has a logarithm all the same
_WIDEST = 5.0  # of the temperature's logarithm


def fitted_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Returns the temperature at which the cross-entropy is least: above 1 where the model is too sure of itself.

    Args:
        probabilities: of held-out images, float (n, classes).
        labels: their true classes, int64 (n,).

    Returns:
        Above 0; 1.0 where there is no image.
    """
    from scipy.optimize import minimize_scalar

    if not len(labels):
        return 1.0
    logits = np.log(np.maximum(probabilities.astype(np.float64), _LEAST))
    at = np.arange(len(labels))

    def loss(exponent: float) -> float:
        scores = logits * np.exp(-exponent)
        return float(np.mean(np.logaddexp.reduce(scores, axis=1) - scores[at, labels]))

    found = minimize_scalar(loss, bounds=(-_WIDEST, _WIDEST), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def with_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Returns the probabilities at a temperature, float32 (n, classes); the likeliest class stays the same.

    Args:
        probabilities: float (n, classes).
        temperature: above 0; 1 changes nothing, more makes them more alike.

    Example:
        >>> with_temperature(np.array([[0.9, 0.1]]), 2.0).round(3).tolist()
        [[0.75, 0.25]]
    """
    scores = np.log(np.maximum(probabilities.astype(np.float64), _LEAST)) / temperature
    return softmax(scores).astype(np.float32)
