"""HiResCAM (Draelos & Carin 2020, arXiv:2011.08891)."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from cnnviz.explain.attribution._cam_base import gradient_maps
from cnnviz.explain.attribution.explain import Found, Task

__all__ = ["maps"]


def maps(task: Task) -> Found:
    """ReLU(Σₖ gₖ ⊙ Aₖ), where gₖ is the score's gradient with respect to channel Aₖ at each position."""
    return gradient_maps(task, _combine)


def _combine(activations: Any, gradients: Any) -> Any:
    return tf.nn.relu(tf.reduce_sum(gradients * activations, axis=-1))
