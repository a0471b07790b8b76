"""Grad-CAM++ (Chattopadhay et al. 2018, arXiv:1710.11063)."""

from __future__ import annotations

from typing import Any

from cnnviz.explain.attribution.method import Found, Method, Task

__all__ = ["METHOD", "maps"]


def maps(task: Task) -> Found:
    """ReLU(Σₖ wₖ Aₖ) with wₖ = Σ α ReLU(g), where g is the gradient and α = g² / (2 g² + g³ ΣAₖ), made to sum to 1.

    The α are normalised over a channel's positions as in the authors' code and tf-keras-vis. Both explain exp(score),
    whose factor is the same for a whole map: it is left out here, so that strength stays in the score's units and
    nothing overflows. The powers of g are cancelled for the same reason.
    """
    from cnnviz.explain.attribution._cam_base import gradient_maps  # brings TensorFlow

    return gradient_maps(task, _combine)


def _combine(activations: Any, gradients: Any) -> Any:
    import tensorflow as tf

    total = tf.reduce_sum(activations, axis=(1, 2), keepdims=True)
    alphas = tf.math.divide_no_nan(tf.cast(gradients != 0, tf.float32), 2 + gradients * total)
    sums = tf.reduce_sum(alphas, axis=(1, 2), keepdims=True)
    alphas /= tf.where(sums == 0, 1.0, sums)
    weights = tf.reduce_sum(alphas * tf.nn.relu(gradients), axis=(1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(weights * activations, axis=-1))


METHOD = Method(
    id="grad-cam++",
    title="Grad-CAM++",
    description=(
        "As Grad-CAM, but positions where the score grows count more in a channel's weight, so that several "
        "objects of the class are covered. Falls of the score are left out of the weights."
    ),
    paper="Chattopadhay et al. 2018, arXiv:1710.11063",
    year=2018,
    family="cam",
    maps=maps,
)
