"""What the methods that weigh a layer's activations by gradients share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from cnnviz.explain.attribution.method import Found, Task
from cnnviz.models.graph.graph import trace

__all__ = ["gradient_maps"]


def gradient_maps(task: Task, combine: Callable[[Any, Any], Any]) -> Found:
    """Returns a method's maps.

    Args:
        task: see `Task`.
        combine: from activations and the score's gradients with respect to them, both float32 (n, h, w, channels), to
            maps (n, h, w).
    """
    compiled = task.graph.kept((combine, task.layer, task.head), lambda: _compiled(task, combine))
    maps, scores = [], []
    for part in task.rounds(len(task.pixels), task.batch):
        found, score = compiled(task.pixels[part], task.weights[part])
        maps.append(found.numpy())
        scores.append(score.numpy())
    return Found(np.concatenate(maps), np.concatenate(scores))


def _compiled(task: Task, combine: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The layers below are outside of the tape, so that nothing of them is kept for, or part of, going backwards."""
    halves, head = task.graph.halves(task.layer), task.head

    def compute(pixels: Any, weights: Any) -> tuple[Any, Any]:
        given = halves.lower(pixels)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(given[0])
            scores = tf.reduce_sum(halves.upper(given)[head] * weights, axis=1)
        gradients = tf.cast(tape.gradient(scores, given[0]), tf.float32)
        return combine(tf.cast(given[0], tf.float32), gradients), scores

    return trace(compute, task.graph.signature, tf.TensorSpec((None, task.graph.units[head]), tf.float32))
