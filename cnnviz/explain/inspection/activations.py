"""What layers give for an image, and figures about their channels; `mosaics` draws them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from cnnviz.errors import ModelError, one_of
from cnnviz.models.graph.graph import flatten, trace
from cnnviz.models.graph.traversal import needed_steps, run
from cnnviz.mosaics import in_colours, mosaic, shades, tile_at
from cnnviz.progress import CancelCheck, Progress, batches

if TYPE_CHECKING:
    import keras

    from cnnviz.models.classifier import Classifier
    from cnnviz.models.graph.graph import Graph

__all__ = [
    "Statistics",
    "activations",
    "dead",
    "function_of",
    "histogram",
    "in_colours",
    "mosaic",
    "outputs_of",
    "shades",
    "statistics",
    "strongest",
    "tile_at",
]

_BATCH = 32


def activations(source: Classifier | keras.Model, pixels: np.ndarray, layers: Iterable[str]) -> dict[str, np.ndarray]:
    """Returns what layers give for one image, the last softmax or sigmoid included.

    The layers that are asked for together are computed in one go, by a function that is compiled at the first call.

    Args:
        source: the model.
        pixels: float32 (1, height, width, channels) in the scale that the model takes.
        layers: their names, as `graph.flatten(source).layers` has them.

    Returns:
        For each layer float32 of its output's shape without the batch: (height, width, channels) for images,
        (units,) for rows.

    Raises:
        ModelError: the model has no such layer, or pixels of another shape.
    """
    if len(pixels) != 1:
        raise ModelError(f"There are {len(pixels)} images: expected one; outputs_of takes several.")
    return {name: values[0] for name, values in outputs_of(source, pixels, layers).items()}


def outputs_of(source: Classifier | keras.Model, pixels: np.ndarray, layers: Iterable[str]) -> dict[str, np.ndarray]:
    """As `activations` for n images at once: float32 (n, *shape) for each layer."""
    graph = flatten(source, logits=False)
    names = tuple(dict.fromkeys(layers))
    _check(graph, pixels)
    found = function_of(graph, names)(tf.constant(pixels, tf.float32))
    return {name: values.numpy() for name, values in zip(names, found, strict=True)}


def function_of(graph: Graph, layers: Sequence[str]) -> Callable[[Any], list[Any]]:
    """Returns the compiled function from pixels, float32 (n, h, w, c), to the list of these layers' outputs, float32.

    Only what the layers need is computed. The function is kept for as long as the model is.

    Raises:
        ModelError: the model has no such layer.
    """
    output_of = {step.name: step.outputs[0] for step in graph.program.steps}
    for name in layers:
        if name not in output_of:
            raise ModelError(f"The model has no layer {name!r}: {one_of(name, output_of)}.")
    wanted = [output_of[name] for name in layers]

    def make() -> Callable[[Any], list[Any]]:
        steps = list(needed_steps(graph.program.steps, wanted))

        def compute(pixels: Any) -> list[Any]:
            found = run(steps, {0: pixels})
            return [tf.cast(found[one], tf.float32) for one in wanted]

        return trace(compute, graph.signature)

    return graph.kept(("outputs", *layers), make)


def _check(graph: Graph, pixels: np.ndarray) -> None:
    shape = graph.input_shape
    if pixels.ndim != 4 or any(want not in (None, have) for want, have in zip(shape, pixels.shape[1:], strict=True)):
        wanted = ", ".join(str(side or "any") for side in shape)
        raise ModelError(f"The pixels have the shape {pixels.shape}: expected (n, {wanted}).")


@dataclass(frozen=True, eq=False)
class Statistics:
    """Of a layer's k channels, each float32 (k,).

    Attributes:
        strength: the mean over all positions.
        sparsity: the share of positions whose value is exactly 0, 0..1.
        low: the least value.
        high: the greatest value.
    """

    strength: np.ndarray
    sparsity: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def silent(self) -> np.ndarray:
        """Which channels are nowhere above 0, bool (k,)."""
        return self.high <= 0


def statistics(values: np.ndarray) -> Statistics:
    """Returns the statistics of the channels, which are the last axis; of a whole layer's output or of several."""
    flat = values.reshape(-1, values.shape[-1])
    sparsity = 1 - np.count_nonzero(flat, axis=0) / len(flat)
    return Statistics(
        flat.mean(axis=0, dtype=np.float64).astype(np.float32),
        sparsity.astype(np.float32),
        flat.min(axis=0),
        flat.max(axis=0),
    )


def strongest(values: np.ndarray) -> np.ndarray:
    """Returns the channels by their mean, the greatest first, int64 (k,); equal ones by their index."""
    return np.argsort(-statistics(values).strength, kind="stable")


def dead(
    source: Classifier | keras.Model,
    pixels: np.ndarray,
    layers: Iterable[str],
    *,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> dict[str, np.ndarray]:
    """Returns which channels are nowhere above 0 in any of the images, bool (k,) for each layer.

    Args:
        source: the model.
        pixels: float32 (n, height, width, channels) in the model's scale.
        layers: their names.
        progress: called with what is being done, how many images are done and how many there are.
        cancelled: asked before every batch.

    Raises:
        ModelError: see `activations`.
        Cancelled: `cancelled` said so.
    """
    names = tuple(dict.fromkeys(layers))
    found: dict[str, np.ndarray] = {}
    for part in batches(len(pixels), _BATCH, "Looking for dead channels", progress, cancelled):
        for name, values in outputs_of(source, pixels[part], names).items():
            silent = statistics(values).silent
            found[name] = found[name] & silent if name in found else silent
    return found


def histogram(values: np.ndarray, bins: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Returns how many values lie in each of equal steps, int64 (bins,), and their edges, float32 (bins + 1,).

    The edges go from the least to the greatest value; zeros, of which ReLU makes many, are not treated apart.
    """
    low, high = float(values.min()), float(values.max())
    counts, edges = np.histogram(values, bins, (low, high if high > low else low + 1))
    return counts, edges.astype(np.float32)
