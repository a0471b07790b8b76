"""Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391)."""

from __future__ import annotations

from typing import Any

from cnnviz.explain.attribution.method import Found, Method, Task

__all__ = ["METHOD", "combine", "maps"]


def maps(task: Task) -> Found:
    """ReLU(Σₖ αₖ Aₖ), where αₖ is the mean over all positions of the score's gradient with respect to channel Aₖ."""
    from cnnviz.explain.attribution._cam_base import gradient_maps  # brings TensorFlow

    return gradient_maps(task, combine)


def combine(activations: Any, gradients: Any) -> Any:
    """Returns maps, (n, h, w), of a layer's activations and a score's gradients for them, (n, h, w, channels)."""
    import tensorflow as tf

    weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(weights * activations, axis=-1))


METHOD = Method(
    id="grad-cam",
    title="Grad-CAM",
    description=(
        "Adds up the layer's channels, each weighed by how much the class's score grows with it on average over "
        "the image. What remains above zero speaks for the class."
    ),
    paper="Selvaraju et al. 2017, arXiv:1610.02391",
    year=2017,
    family="cam",
    maps=maps,
)
