"""Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391)."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from cnnviz.explain.attribution._cam_base import gradient_maps
from cnnviz.explain.attribution.explain import Found, Task

__all__ = ["maps"]


def maps(task: Task) -> Found:
    """ReLU(Σₖ αₖ Aₖ), where αₖ is the mean over all positions of the score's gradient with respect to channel Aₖ."""
    return gradient_maps(task, _combine)


def _combine(activations: Any, gradients: Any) -> Any:
    weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(weights * activations, axis=-1))
