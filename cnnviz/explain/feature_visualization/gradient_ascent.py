"""Gradient ascent on a filter's mean output: the two ways that `patterns` offers, each compiled once for a layer."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from cnnviz.explain.feature_visualization import fourier_parameterization
from cnnviz.explain.feature_visualization.filter_objective import FilterOutput
from cnnviz.models.graph.graph import flatten, trace

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = ["Way", "ascent"]

_VARIATION = 0.1
"""How much of the gradient's size the fall of total variation has, for `robust`."""


@dataclass(frozen=True, eq=False)
class Way:
    """One way of ascent for one layer.

    Attributes:
        filters, channels: how many the layer and the images have.
        start: from a generator to what one image starts from.
        moves: from a generator and a number of steps to each step's random movement, float32 (steps, 8).
        begin: from starts (n, …) to a state.
        step: from (state, filters (n,), moves (n, 8), step size, number of the step) to the next state and, where they
            come with it, the means of the state before.
        of: from a state to what the images are at now, (n, …).
        means: from (state, filters) to the filters' mean outputs, float32 (n,).
        images: from what the images are at to uint8 (n, size, size, channels).
    """

    filters: int
    channels: int
    start: Callable[[np.random.Generator], np.ndarray]
    moves: Callable[[np.random.Generator, int], np.ndarray]
    begin: Callable[[np.ndarray], Any]
    step: Callable[..., Any]
    of: Callable[[Any], np.ndarray]
    means: Callable[[Any, np.ndarray], np.ndarray]
    images: Callable[[np.ndarray], np.ndarray]


def ascent(source: Classifier | keras.Model, layer: str, mode: str, size: int) -> Way:
    """Returns a way of ascent, the same one for the same model, layer, mode and size.

    Raises:
        ModelError: no such layer, one without channels, or one that takes no images of this size.
    """
    graph = flatten(source if isinstance(source, keras.Model) else source.model)
    key = ("ascent", layer, mode, size, getattr(source, "scale", "raw"))
    return graph.kept(key, lambda: _WAYS[mode](FilterOutput(source, layer, size)))


def _plain(layer: FilterOutput) -> Way:
    shape = (layer.size, layer.size, layer.channels)
    images, filters = tf.TensorSpec((None, *shape), tf.float32), tf.TensorSpec((None,), tf.int32)

    def climb(at: Any, chosen: Any, length: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(at)
            means = layer.mean(at, chosen)
        return at + length * _unit(tape.gradient(means, at)), means

    climb = layer.traced(climb, images, filters, tf.TensorSpec((), tf.float32))

    @functools.cache  # not before a pattern is whole, so that the first ones are seen earlier
    def means() -> Any:
        return layer.traced(layer.mean, images, filters)

    return Way(
        layer.filters,
        layer.channels,
        start=lambda draw: (draw.random(shape) * 20 + 128).astype(np.float32),
        moves=lambda draw, steps: np.zeros((steps, 8), np.float32),
        begin=tf.constant,
        step=lambda at, chosen, moves, length, number: climb(at, chosen.astype(np.int32), length),
        of=np.asarray,
        means=lambda at, chosen: means()(at, chosen.astype(np.int32)).numpy(),
        images=_shown,
    )


def _unit(gradients: Any, least: float = 1e-5) -> Any:
    """Gradients over their root mean square for each image; 1e-5 against division by 0 is the tutorial's."""
    return gradients / (tf.sqrt(tf.reduce_mean(tf.square(gradients), [1, 2, 3], keepdims=True)) + least)


def _shown(images: np.ndarray) -> np.ndarray:
    """As the tutorial shows its images: minus mean, over standard deviation, × 0.1, + 0.5, cut to 0..1, × 255."""
    values = images - images.mean(axis=(1, 2, 3), keepdims=True)
    values /= values.std(axis=(1, 2, 3), keepdims=True) + 1e-5
    shown: np.ndarray = (np.clip(values * 0.1 + 0.5, 0, 1) * 255).astype(np.uint8)
    return shown


def _robust(layer: FilterOutput) -> Way:
    size, channels = layer.size, layer.channels
    state = tf.TensorSpec((None, channels, size, size // 2 + 1, 2), tf.float32)
    filters, number = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((), tf.float32)

    def climb(at: Any, first: Any, second: Any, chosen: Any, moves: Any, length: Any, nth: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(at)
            shown = fourier_parameterization.image(at, size)
            with tf.GradientTape(persistent=True, watch_accessed_variables=False) as inner:
                inner.watch(shown)
                means = layer.mean(255 * fourier_parameterization.transform(shown, moves), chosen, gently=True)
                rough = fourier_parameterization.total_variation(shown)
        wanted = _unit(inner.gradient(means, shown), 1e-15) - _VARIATION * inner.gradient(rough, shown)
        gradients = tape.gradient(shown, at, output_gradients=wanted)
        first = 0.9 * first + 0.1 * gradients  # Adam, upwards
        second = 0.999 * second + 0.001 * gradients**2
        rate = 0.05 * length * tf.sqrt(1 - 0.999**nth) / (1 - 0.9**nth)
        return at + rate * first / (tf.sqrt(second) + 1e-8), first, second

    moved = tf.TensorSpec((None, 8), tf.float32)
    further: Callable[..., Any] = layer.traced(climb, state, state, state, filters, moved, number, number)
    means: Callable[..., Any] = layer.traced(
        lambda at, chosen: layer.mean(255 * fourier_parameterization.image(at, size), chosen), state, filters
    )
    shown: Callable[..., Any] = trace(lambda at: fourier_parameterization.image(at, size), state)
    return Way(
        layer.filters,
        channels,
        start=lambda draw: fourier_parameterization.spectrum(draw, size, channels),
        moves=lambda draw, steps: fourier_parameterization.transforms(draw, steps, size),
        begin=lambda at: (tf.constant(at), tf.zeros_like(at), tf.zeros_like(at)),
        step=lambda state, chosen, moves, length, number: (
            further(*state, chosen.astype(np.int32), moves, length, number + 1),
            None,
        ),
        of=lambda state: np.asarray(state[0]),
        means=lambda state, chosen: means(state[0], chosen.astype(np.int32)).numpy(),
        images=lambda at: np.rint(shown(at).numpy() * 255).astype(np.uint8),
    )


_WAYS: dict[str, Callable[[FilterOutput], Way]] = {"plain": _plain, "robust": _robust}
