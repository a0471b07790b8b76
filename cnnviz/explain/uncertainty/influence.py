"""Which training images raised or lowered an answer: influence functions (Koh & Liang 2017, "Understanding Black-box
Predictions via Influence Functions") on a head that is trained on a model's features. That head's loss is convex, so
that they are exact to the first order, and leaving images out and training it again takes seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnviz.probabilities import softmax
from cnnviz.progress import CancelCheck, check_cancelled

__all__ = ["PENALTY", "Head", "fitted_head", "influences", "log_odds"]

PENALTY = 1.0
"""Half of it times the squared weights is added to the summed cross-entropy; scikit-learn's 1 / C."""
_PRECISION = 1e-5


@dataclass(frozen=True, eq=False)
class Head:
    """Softmax regression on standardised features.

    Attributes:
        mean: of the features, float64 (d,).
        scale: their standard deviation, 1 where they never vary, times the root of d: float64 (d,).
        weights: the last row is the bias, float64 (d + 1, classes).
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray

    def inputs(self, features: np.ndarray) -> np.ndarray:
        """Returns features as the weights take them, float64 (n, d + 1)."""
        standardised = (features.astype(np.float64) - self.mean) / self.scale
        return np.concatenate([standardised, np.ones((len(features), 1))], axis=1)

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Returns the classes' probabilities, float64 (n, classes)."""
        return softmax(self.inputs(features) @ self.weights)


def fitted_head(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    *,
    start: Head | None = None,
    left_out: np.ndarray | None = None,
    cancelled: CancelCheck | None = None,
) -> Head:
    """Returns the head of least cross-entropy with `PENALTY`.

    Args:
        features: of the training images, float (n, d).
        labels: their classes, int64 (n,).
        classes: how many there are.
        start: a head of the same features to begin from and whose scaling to keep, which is quick where little changes.
        left_out: positions of images to train without, int64.
        cancelled: asked now and then; `True` ends the work.

    Raises:
        Cancelled: `cancelled` said so.
    """
    from scipy.optimize import minimize

    if start is None:
        spread = features.std(axis=0, dtype=np.float64)
        scale = np.where(spread > 1e-6 * max(1e-6, float(spread.max())), spread, 1.0) * np.sqrt(features.shape[1])
        start = Head(features.mean(axis=0, dtype=np.float64), scale, np.zeros((features.shape[1] + 1, classes)))
    stay = np.ones(len(features), bool)
    if left_out is not None:
        stay[left_out] = False
    inputs, truth = start.inputs(features[stay]), np.eye(classes)[labels[stay]]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        check_cancelled(cancelled)
        weights = flat.reshape(start.weights.shape)
        scores = inputs @ weights
        entropy = float((np.logaddexp.reduce(scores, axis=1) - (scores * truth).sum(axis=1)).sum())
        slope = inputs.T @ (softmax(scores) - truth) + PENALTY * weights
        return entropy + PENALTY / 2 * float((weights**2).sum()), slope.ravel()

    def curved(flat: np.ndarray, vector: np.ndarray) -> np.ndarray:
        shape = start.weights.shape
        return _curved(inputs, softmax(inputs @ flat.reshape(shape)), vector.reshape(shape)).ravel()

    found = minimize(
        loss, start.weights.ravel(), jac=True, hessp=curved, method="trust-ncg", options={"gtol": _PRECISION}
    )
    return Head(start.mean, start.scale, found.x.reshape(start.weights.shape))


def log_odds(head: Head, features: np.ndarray, index: int) -> np.ndarray:
    """Returns the logarithm of a class's odds, ln(p / (1 - p)), float64 (n,)."""
    scores = head.inputs(features) @ head.weights
    found: np.ndarray = scores[:, index] - np.logaddexp.reduce(np.delete(scores, index, axis=1), axis=1)
    return found


def influences(head: Head, features: np.ndarray, labels: np.ndarray, image: np.ndarray, index: int) -> np.ndarray:
    """Returns by how much each training image raised (above 0) or lowered the log odds of an answer: what they would
    lose without it, to the first order; float64 (n,).

    Args:
        head: of `fitted_head`.
        features: what it was trained on, float (n, d).
        labels: their classes, int64 (n,).
        image: the features of the image that was answered about, float (1, d).
        index: the class of the answer.
    """
    from scipy.sparse.linalg import LinearOperator, cg

    inputs, given = head.inputs(features), head.inputs(image)
    probabilities = softmax(inputs @ head.weights)
    shape = head.weights.shape
    others = softmax(np.where(np.arange(shape[1]) == index, -np.inf, given @ head.weights))
    slope = np.outer(given[0], np.eye(shape[1])[index] - others[0])
    size = head.weights.size
    operator: Any = LinearOperator(
        (size, size), matvec=lambda vector: _curved(inputs, probabilities, vector.reshape(shape)).ravel(), dtype=float
    )
    solved, _ = cg(operator, slope.ravel(), rtol=_PRECISION, maxiter=1_000)
    errors = probabilities - np.eye(shape[1])[labels]
    found: np.ndarray = -((inputs @ solved.reshape(shape)) * errors).sum(axis=1)
    return found


def _curved(inputs: np.ndarray, probabilities: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """The second derivative of the penalised loss times a vector in the weights' shape."""
    scores = inputs @ vector
    centred = scores - (probabilities * scores).sum(axis=1, keepdims=True)
    found: np.ndarray = inputs.T @ (probabilities * centred) + PENALTY * vector
    return found
