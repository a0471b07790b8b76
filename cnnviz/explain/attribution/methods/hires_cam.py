"""HiResCAM (Draelos & Carin 2020, arXiv:2011.08891)."""

from __future__ import annotations

from typing import Any

from cnnviz.explain.attribution.method import Found, Method, Task

__all__ = ["METHOD", "maps"]


def maps(task: Task) -> Found:
    """ReLU(Σₖ gₖ ⊙ Aₖ), where gₖ is the score's gradient with respect to channel Aₖ at each position."""
    from cnnviz.explain.attribution._cam_base import gradient_maps  # brings TensorFlow

    return gradient_maps(task, _combine)


def _combine(activations: Any, gradients: Any) -> Any:
    import tensorflow as tf

    return tf.nn.relu(tf.reduce_sum(gradients * activations, axis=-1))


METHOD = Method(
    id="hires-cam",
    title="HiResCAM",
    description=(
        "Multiplies every activation with the score's gradient at its own position, then adds up the channels. "
        "The map shows only positions that the score truly depends on, which Grad-CAM's averaging can't promise."
    ),
    paper="Draelos & Carin 2020, arXiv:2011.08891",
    year=2020,
    family="cam",
    maps=maps,
)
