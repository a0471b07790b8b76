"""Score-CAM (Wang et al. 2020, arXiv:1910.01279), with the choice of channels of Faster Score-CAM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnviz.explain.attribution.method import Found, Method, Setting, Task

__all__ = ["METHOD", "maps"]

_EPSILON = 1e-7  # tf-keras-vis's


def maps(task: Task, *, channels: int | None = None) -> Found:
    """ReLU(Σₖ pₖ Aₖ), where pₖ is the class's probability for the image multiplied by channel Aₖ.

    Each channel is enlarged to the image's size (linearly, corner on corner) and stretched to 0..1. Probabilities
    are the softmax of the head's logits, or the sigmoid of a single one, as in tf-keras-vis.

    Args:
        task: see `Task`.
        channels: how many to use, those that vary the most over the image; all by default.
    """
    graph = task.graph
    cut, size = graph.cut(task.layer), task.batch
    compiled = graph.kept(("score-cam", task.head), lambda: _compiled(task))
    lowered = [cut.lower(task.pixels[at : at + size])[0].numpy() for at in range(0, len(task.pixels), size)]
    activations = np.concatenate(lowered).astype(np.float32)
    chosen = [_chosen(one, channels) for one in activations]
    pairs = [(row, channel) for row, channels_of in enumerate(chosen) for channel in channels_of]
    rows, picked = np.array(pairs, np.int64).reshape(-1, 2).T
    sides = zip(activations.shape[1:3], task.pixels.shape[1:3], strict=True)
    stretches = [_stretch(small, large) for small, large in sides]
    found = np.zeros(activations.shape[:3], np.float32)
    for part in task.rounds(len(pairs), size):
        row, masks = rows[part], activations[rows[part], :, :, picked[part]]
        probabilities = compiled(task.pixels[row], masks, task.weights[row], *stretches).numpy()
        np.add.at(found, row, masks * probabilities[:, None, None])
    remark = () if channels is None else (f"Of each image at most {channels} channels were used.",)
    return Found(np.maximum(found, 0), task.scores(), remarks=remark)


def _chosen(activations: np.ndarray, count: int | None) -> np.ndarray:
    """Those that vary the most; a channel that is zero everywhere adds nothing to the map."""
    alive = np.flatnonzero(activations.any(axis=(0, 1)))
    if count is None or count >= len(alive):
        return alive
    deviations = activations[..., alive].std(axis=(0, 1))
    return alive[np.sort(np.argsort(-deviations, kind="stable")[:count])]


def _compiled(task: Task) -> Callable[..., Any]:
    import tensorflow as tf

    from cnnviz.models.graph.graph import trace

    graph, head = task.graph, task.head

    def compute(pixels: Any, masks: Any, weights: Any, rows: Any, columns: Any) -> Any:
        large = tf.einsum("Hh,nhw,Ww->nHW", rows, masks, columns)
        low = tf.reduce_min(large, axis=(1, 2), keepdims=True)
        high = tf.reduce_max(large, axis=(1, 2), keepdims=True)
        logits = graph.logits(pixels * ((large - low) / (high - low + _EPSILON))[..., None])[head]
        if logits.shape[-1] > 1:
            return tf.reduce_sum(tf.nn.softmax(logits) * weights, axis=1)
        signs, logit = weights[:, 0], logits[:, 0]  # ±2 is one class against the other
        return tf.where(tf.abs(signs) > 1, tf.tanh(signs * logit / 4), tf.sigmoid(signs * logit))

    matrix = tf.TensorSpec((None, None), tf.float32)
    weights = tf.TensorSpec((None, graph.units[head]), tf.float32)
    return trace(compute, graph.signature, tf.TensorSpec((None, None, None), tf.float32), weights, matrix, matrix)


def _stretch(small: int, large: int) -> np.ndarray:
    """The matrix (large, small) that interpolates linearly, first on first and last on last."""
    positions = np.linspace(0, small - 1, large)[:, None]
    matrix: np.ndarray = np.maximum(0, 1 - np.abs(positions - np.arange(small))).astype(np.float32)
    return matrix


METHOD = Method(
    id="score-cam",
    title="Score-CAM",
    description=(
        "Shows the model the image through each channel's activations as a mask, and weighs the channel by the "
        "class's probability then. It needs no gradient but one prediction for every channel, so it is slow."
    ),
    paper="Wang et al. 2020, arXiv:1910.01279",
    year=2020,
    family="cam",
    maps=maps,
    settings=(
        Setting(
            "channels",
            "Channels",
            "How many channels are used, those that vary the most; by default all.",
            None,
            1,
            65536,
        ),
    ),
)
