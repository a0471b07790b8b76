"""What the methods that go back to the pixels share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from cnnviz.explain.attribution.method import Task
from cnnviz.models.graph.graph import trace

__all__ = ["mixed_gradients", "strongest"]


def mixed_gradients(task: Task) -> Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[Any, Any]]:
    """Returns a compiled function of pixels (m, h, w, c), score weights (m, units) and a matrix (k, m).

    It gives k sums of the images' gradients, each weighed by the matrix's row, (k, h, w, c), and the scores (m,).
    """
    return task.graph.kept(("pixels", task.head), lambda: _compiled(task))


def _compiled(task: Task) -> Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[Any, Any]]:
    graph, head = task.graph, task.head

    def compute(pixels: Any, weights: Any, mixing: Any) -> tuple[Any, Any]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(pixels)
            scores = tf.reduce_sum(graph.logits(pixels)[head] * weights, axis=1)
        gradients = tape.gradient(scores, pixels, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return tf.einsum("km,mhwc->khwc", mixing, gradients), scores

    weights = tf.TensorSpec((None, graph.units[head]), tf.float32)
    return trace(compute, graph.signature, weights, tf.TensorSpec((None, None), tf.float32))


def strongest(gradients: np.ndarray) -> np.ndarray:
    """Returns the greatest magnitude over the channels, (n, h, w) of (n, h, w, c)."""
    found: np.ndarray = np.abs(gradients).max(axis=-1)
    return found
