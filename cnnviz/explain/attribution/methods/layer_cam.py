"""LayerCAM (Jiang et al. 2021, doi:10.1109/TIP.2021.3089943)."""

from __future__ import annotations

from typing import Any

from cnnviz.explain.attribution.method import Found, Method, Task

__all__ = ["METHOD", "maps"]


def maps(task: Task) -> Found:
    """ReLU(Σₖ ReLU(gₖ) ⊙ Aₖ), where gₖ is the score's gradient with respect to channel Aₖ at each position."""
    from cnnviz.explain.attribution._cam_base import gradient_maps  # brings TensorFlow

    return gradient_maps(task, _combine)


def _combine(activations: Any, gradients: Any) -> Any:
    import tensorflow as tf

    return tf.nn.relu(tf.reduce_sum(tf.nn.relu(gradients) * activations, axis=-1))


METHOD = Method(
    id="layer-cam",
    title="LayerCAM",
    description=(
        "As HiResCAM, but only positions where the score grows with an activation count. It gives usable maps of "
        "early layers, too, which show fine detail."
    ),
    paper="Jiang et al. 2021, doi:10.1109/TIP.2021.3089943",
    year=2021,
    family="cam",
    maps=maps,
)
