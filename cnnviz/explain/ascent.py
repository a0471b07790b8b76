"""Gradient ascent on a filter's mean output: the two ways that `patterns` offers, each compiled once for a layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from cnnviz.errors import ModelError, one_of
from cnnviz.explain import fourier
from cnnviz.explain.graph import flatten
from cnnviz.explain.receptive import fields
from cnnviz.explain.walk import _linear, _needed, run
from cnnviz.explain.whole import whole

if TYPE_CHECKING:
    from cnnviz.explain.graph import Graph
    from cnnviz.explain.walk import Step
    from cnnviz.models.loaded import Loaded

__all__ = ["Way", "ascent"]

_VARIATION = 0.1
"""How much of the gradient's size the fall of total variation has, for `robust`."""
_CAFFE_MEAN = np.array([103.939, 116.779, 123.68], np.float32)


@dataclass(frozen=True, eq=False)
class Way:
    """One way of ascent for one layer.

    Attributes:
        filters, channels: how many the layer and the pictures have.
        start: from a generator to what one picture starts from.
        moves: from a generator and a number of steps to each step's random movement, float32 (steps, 8).
        begin: from starts (n, …) to a state.
        step: from (state, filters (n,), moves (n, 8), step size, number of the step) to the next state.
        of: from a state to what the pictures are at now, (n, …).
        means: from (state, filters) to the filters' mean outputs, float32 (n,).
        pictures: from what the pictures are at to uint8 (n, size, size, channels).
    """

    filters: int
    channels: int
    start: Callable[[np.random.Generator], np.ndarray]
    moves: Callable[[np.random.Generator, int], np.ndarray]
    begin: Callable[[np.ndarray], Any]
    step: Callable[..., Any]
    of: Callable[[Any], np.ndarray]
    means: Callable[[Any, np.ndarray], np.ndarray]
    pictures: Callable[[np.ndarray], np.ndarray]


def ascent(source: Loaded | keras.Model, layer: str, mode: str, size: int) -> Way:
    """Returns a way of ascent, the same one for the same network, layer, mode and size.

    Raises:
        ModelError: no such layer, one without channels, or one that takes no pictures of this size.
    """
    model = source if isinstance(source, keras.Model) else source.model
    scale = getattr(source, "scale", "raw")
    graph = flatten(model)
    return graph.kept(
        ("ascent", layer, mode, size, scale), lambda: _WAYS[mode](_Layer(graph, layer, size, scale), source)
    )


class _Layer:
    """A layer's output for pictures 0..255 of a size that need not be the network's."""

    def __init__(self, graph: Graph, layer: str, size: int, scale: str) -> None:
        self.step: Step | None = next((step for step in graph.program.steps if step.name == layer), None)
        if self.step is None:
            raise ModelError(f"The network has no layer {layer!r}: {one_of(layer, [at.name for at in graph.layers])}.")
        self.below = list(_needed(graph.program.steps, self.step.inputs))
        self.size, self.scale, self.channels = size, scale, graph.input_shape[2]
        self.shape = self._shape(layer)

    def _shape(self, layer: str) -> tuple[int, ...]:
        spec = tf.TensorSpec((1, self.size, self.size, self.channels), tf.float32)
        try:
            shape = tuple(tf.function(self.__call__).get_concrete_function(spec).output_shapes)[1:]
        except (ValueError, TypeError, tf.errors.InvalidArgumentError):
            shape = None
        if shape is None or not all(shape):
            raise ModelError(f"{layer} can't be computed for pictures of {self.size} × {self.size} pixels: choose a "
                             "larger size, or for layers behind Flatten the network's own.")  # fmt: skip
        if len(shape) not in (1, 3):
            raise ModelError(f"The layer {layer} gives {' × '.join(map(str, shape))}, which are no channels: choose "
                             "a convolution.")  # fmt: skip
        return shape

    def __call__(self, pictures: Any, leaky: bool = False) -> Any:
        """The outputs (n, …, channels); `leaky` lets a tenth of what a ReLU inside the layer would cut pass."""
        operation, pixels = self.step.operation, pictures
        if self.scale == "caffe":
            pixels = pictures[..., ::-1] - _CAFFE_MEAN
        elif self.scale in ("unit", "symmetric"):
            pixels = pictures / 255 if self.scale == "unit" else pictures / 127.5 - 1
        cut = leaky and getattr(getattr(operation, "activation", None), "__name__", "") == "relu"
        values = run(self.below, {0: pixels})
        given = {
            id(at): values[one] for at, one in zip(self.step.arguments.keras_tensors, self.step.inputs, strict=True)
        }
        args, kwargs = self.step.arguments.fill_in(given)
        if "training" in getattr(operation, "_call_context_args", ()):
            kwargs = {**kwargs, "training": False}
        found = tf.cast((_linear(operation) if cut else operation)(*args, **kwargs), tf.float32)
        return tf.nn.leaky_relu(found, 0.1) if cut else found

    def mean(self, pictures: Any, filters: Any, places: tuple[slice, slice] | None = None) -> Any:
        """Each picture's filter's mean output, (n,); over some `places` alone it is that of the leaky output."""
        found = self(pictures, places is not None)
        if places is not None and len(found.shape) == 4:
            found = found[:, places[0], places[1]]
        means = tf.reduce_mean(found, axis=[1, 2]) if len(found.shape) == 4 else found
        return tf.gather(means, filters, batch_dims=1)

    def undisturbed(self, source: Loaded | keras.Model) -> tuple[slice, slice]:
        """The places that see no padding, whose edge would draw all of the pattern to the border; else the middle."""
        own = [side or self.size for side in whole(source).input_shape[:2]]
        field, found = fields(source, tuple(own))[self.step.name], []
        for places, size, stride, start in zip(self.shape[:2], field.size, field.stride, field.offset, strict=False):
            first = max(0, math.ceil(-start / stride)) if stride else 0
            last = min(places - 1, math.floor((self.size - size - start) / stride)) if stride else places - 1
            found.append(slice(first, last + 1) if last >= first else slice(places // 2, places // 2 + 1))
        return tuple(found)


def _plain(layer: _Layer, source: Loaded | keras.Model) -> Way:
    shape = (layer.size, layer.size, layer.channels)
    pictures, filters = tf.TensorSpec((None, *shape), tf.float32), tf.TensorSpec((None,), tf.int32)

    @tf.function(input_signature=[pictures, filters, tf.TensorSpec((), tf.float32)])
    def climb(at: Any, chosen: Any, length: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(at)
            means = layer.mean(at, chosen)
        return at + length * _unit(tape.gradient(means, at))

    means = tf.function(layer.mean, input_signature=[pictures, filters])
    return Way(
        layer.shape[-1], layer.channels,
        start=lambda draw: (draw.random(shape) * 20 + 128).astype(np.float32),
        moves=lambda draw, steps: np.zeros((steps, 8), np.float32),
        begin=tf.constant,
        step=lambda at, chosen, moves, length, number: climb(at, chosen.astype(np.int32), length),
        of=np.asarray,
        means=lambda at, chosen: means(at, chosen.astype(np.int32)).numpy(),
        pictures=_shown,
    )  # fmt: skip


def _unit(gradients: Any) -> Any:
    """Gradients over their root mean square, as in the tutorial, for each picture."""
    return gradients / (tf.sqrt(tf.reduce_mean(tf.square(gradients), [1, 2, 3], keepdims=True)) + 1e-5)


def _shown(pictures: np.ndarray) -> np.ndarray:
    """As the tutorial shows its pictures: minus mean, over standard deviation, × 0.1, + 0.5, cut to 0..1, × 255."""
    values = pictures - pictures.mean(axis=(1, 2, 3), keepdims=True)
    values /= values.std(axis=(1, 2, 3), keepdims=True) + 1e-5
    return (np.clip(values * 0.1 + 0.5, 0, 1) * 255).astype(np.uint8)


def _robust(layer: _Layer, source: Loaded | keras.Model) -> Way:
    size, channels, places = layer.size, layer.channels, layer.undisturbed(source)
    state = tf.TensorSpec((None, channels, size, size // 2 + 1, 2), tf.float32)
    filters, number = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((), tf.float32)

    @tf.function(input_signature=[state, state, state, filters, tf.TensorSpec((None, 8), tf.float32), number, number])
    def climb(at: Any, first: Any, second: Any, chosen: Any, moves: Any, length: Any, nth: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(at)
            shown = fourier.picture(at, size)
            with tf.GradientTape(persistent=True, watch_accessed_variables=False) as inner:
                inner.watch(shown)
                means = layer.mean(255 * fourier.varied(shown, moves), chosen, places)
                rough = fourier.unlike(shown)
        wanted = _unit(inner.gradient(means, shown)) - _VARIATION * inner.gradient(rough, shown)
        gradients = tape.gradient(shown, at, output_gradients=wanted)
        first = 0.9 * first + 0.1 * gradients  # Adam, upwards
        second = 0.999 * second + 0.001 * gradients**2
        rate = 0.05 * length * tf.sqrt(1 - 0.999**nth) / (1 - 0.9**nth)
        return at + rate * first / (tf.sqrt(second) + 1e-8), first, second

    means = tf.function(lambda at, chosen: layer.mean(255 * fourier.picture(at, size), chosen),
                        input_signature=[state, filters])  # fmt: skip
    shown = tf.function(lambda at: fourier.picture(at, size), input_signature=[state])
    return Way(
        layer.shape[-1], channels,
        start=lambda draw: fourier.spectrum(draw, size, channels),
        moves=lambda draw, steps: fourier.transforms(draw, steps, size),
        begin=lambda at: (tf.constant(at), tf.zeros_like(at), tf.zeros_like(at)),
        step=lambda state, chosen, moves, length, step: climb(*state, chosen.astype(np.int32), moves, length, step + 1),
        of=lambda state: np.asarray(state[0]),
        means=lambda state, chosen: means(state[0], chosen.astype(np.int32)).numpy(),
        pictures=lambda at: np.rint(shown(at).numpy() * 255).astype(np.uint8),
    )  # fmt: skip


_WAYS: dict[str, Callable[[_Layer, Any], Way]] = {"plain": _plain, "robust": _robust}
