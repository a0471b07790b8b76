"""What a model makes of images, short enough to compare them by: the features that its heads see, each channel's mean
and maximum in the narrowest convolutions, and its predictions. One pass for all of it. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from cnnviz.errors import enough_memory
from cnnviz.models.graph.graph import flatten, trace
from cnnviz.models.graph.traversal import needed_steps, run
from cnnviz.models.probabilities import probabilities
from cnnviz.progress import CancelCheck, Progress, batches

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier
    from cnnviz.models.graph.graph import Graph

__all__ = ["MOST_STATISTICS", "Embedding", "embed", "feature_layer"]

MOST_STATISTICS, MOST_FEATURES = 800, 1500
"""So many of convolutions at most, and so many features beside them; of models with wider ones none."""
_BATCH = 32


@dataclass(frozen=True, eq=False)
class Embedding:
    """What a model makes of n images.

    Attributes:
        statistics: the features and the channels' means and maxima, float32 (n, d).
        features: what the heads see, float32 (n, k).
        probabilities: for each head, float32 (n, classes).
    """

    statistics: np.ndarray
    features: np.ndarray
    probabilities: list[np.ndarray]


@enough_memory()
def embed(
    classifier: Classifier,
    images: np.ndarray,
    *,
    what: str = "Comparing images",
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
    lock: AbstractContextManager[Any] | None = None,
) -> Embedding:
    """Returns what the model makes of images.

    Args:
        classifier: the model.
        images: uint8 (n, *image_size, channels), n at least 1.
        what: what it is called in progress.
        progress: called with images done and in all.
        cancelled: asked now and then; `True` ends the work.
        lock: held while the model is asked.

    Raises:
        ModelError: the model's outputs are not what its heads say, or the memory is not enough.
        Cancelled: `cancelled` said so.
    """
    lock = nullcontext() if lock is None else lock
    with lock:
        graph = flatten(classifier, logits=False)
        compute = graph.kept("embedding", lambda: _compute(graph))
    size, parts = min(_BATCH, classifier.at_once), []
    for chosen in batches(len(images), size, what, progress, cancelled):
        part = images[chosen]
        with lock:
            found = [one.numpy() for one in compute(tf.constant(classifier.pixels(part), tf.float32))]
        parts.append([*found[:2], *probabilities(found[2:], classifier.heads, len(part))])
    statistics, features, *heads = (np.concatenate(one) for one in zip(*parts, strict=True))
    return Embedding(statistics, features, heads)


def feature_layer(graph: Graph) -> str | None:
    """Returns the last layer without places that all heads depend on, which is what they tell classes by; `None` where
    there is none."""
    outputs = set(graph.program.outputs)
    made = {step.name: step.outputs for step in graph.program.steps}
    flat = [one.name for one in graph.layers if len(one.shape) == 1 and not outputs & set(made[one.name])]
    return next((name for name in reversed(flat) if all(graph.reached(name))), None)


def _statistics_layers(graph: Graph) -> list[str]:
    """The narrowest convolutions, of which `MOST_STATISTICS` are enough: what a bottleneck lets through tells most."""
    width = {one.name: int(one.shape[-1] or 0) for one in graph.layers}
    chosen: list[str] = []
    count = 0
    for name in sorted(graph.convolutions, key=width.__getitem__):
        count += 2 * width[name]
        if chosen and count > MOST_STATISTICS:
            break
        chosen.append(name)
    return chosen


def _compute(graph: Graph) -> Callable[[Any], list[Any]]:
    layer, chosen = feature_layer(graph), _statistics_layers(graph)
    output_of = {step.name: step.outputs[0] for step in graph.program.steps}
    maps = [output_of[name] for name in chosen]
    outputs = list(graph.program.outputs)
    features = output_of[layer] if layer is not None else None
    steps = list(needed_steps(graph.program.steps, [*maps, *outputs]))

    def compute(pixels: Any) -> list[Any]:
        values = run(steps, {0: pixels})
        found = []
        for one in (0, *maps):
            channels = tf.cast(values[one], tf.float32)
            found += [tf.reduce_mean(channels, axis=(1, 2)), tf.reduce_max(channels, axis=(1, 2))]
        statistics = tf.concat(found, axis=1)
        if features is None:
            return [statistics, statistics, *(tf.cast(values[one], tf.float32) for one in outputs)]
        seen = tf.cast(values[features], tf.float32)
        if seen.shape[1] <= MOST_FEATURES:
            statistics = tf.concat([statistics, seen], axis=1)
        return [statistics, seen, *(tf.cast(values[one], tf.float32) for one in outputs)]

    return trace(compute, graph.signature)
