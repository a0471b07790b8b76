"""Compiled functions about a layer's channels: where they are strongest, and what the model says without them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from cnnviz.errors import ModelError, one_of
from cnnviz.models.graph.graph import flatten, trace

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier
    from cnnviz.models.graph.graph import Graph

__all__ = ["peaks", "with_and_without"]


def peaks(classifier: Classifier, layer: str) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Returns the function from pixels to each channel's greatest value, its position and the mean over all positions.

    float32 (n, k), int64 (n, k, 2) as (row, column), and float32 (n, k); for rows of units the position is (0, 0).

    Raises:
        ModelError: no such layer.
    """
    graph = flatten(classifier, logits=False)
    halves = _halves(graph, layer)

    def make() -> Callable[[Any], Any]:
        def compute(pixels: Any) -> Any:
            values = tf.cast(halves.lower(pixels)[0], tf.float32)
            width = tf.shape(values)[2] if len(values.shape) == 4 else 1
            flat = tf.reshape(values, [tf.shape(values)[0], -1, tf.shape(values)[-1]])
            at = tf.argmax(flat, axis=1, output_type=tf.int32)
            positions = tf.stack([at // width, at % width], axis=-1)
            return tf.reduce_max(flat, axis=1), tf.cast(positions, tf.int64), tf.reduce_mean(flat, axis=1)

        return trace(compute, graph.signature)

    compute = graph.kept(("peaks", layer), make)
    return lambda pixels: tuple(one.numpy() for one in compute(pixels))


def with_and_without(
    classifier: Classifier, layer: str, channels: Sequence[int]
) -> Callable[[np.ndarray], tuple[list[np.ndarray], list[np.ndarray]]]:
    """Returns the function from pixels to the model's outputs as they are and with these channels at 0.

    Raises:
        ModelError: no such layer or channel.
    """
    graph = flatten(classifier, logits=False)
    halves = _halves(graph, layer)
    count = halves.shape[-1]
    for one in channels:
        if not 0 <= one < count:
            raise ModelError(f"The layer {layer} has no channel {one}: choose 0 to {count - 1}.")

    def make() -> Callable[[Any, Any], Any]:
        def compute(pixels: Any, stays: Any) -> Any:
            given = halves.lower(pixels)
            without = [given[0] * tf.cast(stays, given[0].dtype), *given[1:]]
            return halves.upper(given), halves.upper(without)

        return trace(compute, graph.signature, tf.TensorSpec((count,), tf.float32))

    compute = graph.kept(("both_ways", layer), make)
    stays = np.ones(count, np.float32)
    stays[list(channels)] = 0

    def ask(pixels: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        given, without = compute(pixels, stays)
        return [one.numpy() for one in given], [one.numpy() for one in without]

    return ask


def _halves(graph: Graph, layer: str) -> Any:
    names = [one.name for one in graph.layers]
    if layer not in names:
        raise ModelError(f"The model has no layer {layer!r}: {one_of(layer, names)}.")
    return graph.kept(("halves", layer), lambda: graph.halves(layer))
