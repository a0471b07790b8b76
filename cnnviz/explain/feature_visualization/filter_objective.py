"""One filter's mean output for images of a size that need not be the model's, as gradient ascent wants it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import keras
import tensorflow as tf

from cnnviz.errors import ModelError, one_of
from cnnviz.explain.inspection.receptive_field import fields
from cnnviz.models.graph.graph import flatten, trace
from cnnviz.models.graph.layer_kinds import activation_of, layer_of, without_activation
from cnnviz.models.graph.traversal import inputs_of, needed_steps, run, run_step
from cnnviz.models.load.file_options import Scale, scaled

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = ["FilterOutput"]

F = TypeVar("F", bound=Callable[..., Any])

_OF_MANY = ("softmax", "log_softmax", "sparsemax")


class FilterOutput:
    """A layer's filters' outputs for square images 0..255.

    Args:
        source: the model; pixels are brought to its scale where that is known.
        layer: the layer's name, as `graph.flatten` has it.
        size: the images' side.

    Raises:
        ModelError: no such layer, or one without channels.
    """

    def __init__(self, source: Classifier | keras.Model, layer: str, size: int) -> None:
        graph = flatten(source if isinstance(source, keras.Model) else source.model)
        step = next((step for step in graph.program.steps if step.name == layer), None)
        if step is None:
            raise ModelError(f"The model has no layer {layer!r}: {one_of(layer, [at.name for at in graph.layers])}.")
        shape = next(at.shape for at in graph.layers if at.name == layer)
        filters, channels = shape[-1] if shape else None, graph.input_shape[2]
        if len(shape) not in (1, 3) or filters is None or channels is None:
            raise ModelError(
                f"The layer {layer} gives {' × '.join(map(str, shape))}, which are no channels: choose a convolution."
            )
        self.layer, self.size, self.filters, self.channels = layer, size, int(filters), channels
        self._shape = shape
        self._step, self._below = step, list(needed_steps(graph.program.steps, step.inputs))
        self._scale: Scale = "raw" if isinstance(source, keras.Model) else source.scale
        own = (graph.input_shape[0] or size, graph.input_shape[1] or size)
        self._field = fields(source, own)[layer]  # no reference to the model itself, which could then never go

    def traced(self, function: F, *signature: Any) -> F:
        """As `graph.trace`, for functions that call `mean`.

        Raises:
            ModelError: the layer can't be computed for images of this size.
        """
        try:
            return trace(function, *signature)
        except (ValueError, TypeError, tf.errors.InvalidArgumentError):
            raise ModelError(
                f"{self.layer} can't be computed for images of {self.size} × {self.size} pixels: choose "
                "a larger size, or for layers behind Flatten the model's own."
            ) from None

    def mean(self, images: Any, filters: Any, *, gently: bool = False) -> Any:
        """Returns the mean output of each image's own filter, (n,), for float32 (n, size, size, channels).

        Args:
            images: 0..255.
            filters: int32 (n,).
            gently: the mean over those positions only that see no padding, whose edge would draw all of a pattern to
                the border; and a tenth of what a ReLU inside the layer cuts is let pass, so that silent filters wake
                up.
        """
        values = run(self._below, {0: scaled(images, self._scale)})
        rectified = (
            gently
            and hasattr(layer_of(self._step.operation), "activation")
            and (activation_of(self._step.operation) == "relu")
        )
        found = self._chosen(values, filters, linear=rectified)
        if rectified:
            found = tf.nn.leaky_relu(found, 0.1)
        if len(found.shape) == 1:
            return found
        if not all(found.shape[1:]):
            raise ValueError("nothing is left of the image")
        if gently:
            rows, columns = self._undisturbed(found.shape[1:])
            found = found[:, rows, columns]
        return tf.reduce_mean(found, axis=[1, 2])

    def _chosen(self, values: dict[int, Any], filters: Any, linear: bool) -> Any:
        """Each image's own filter's output, (n, h, w) or (n,).

        A convolution is carried out with the wanted filters alone, which for early layers is a large part of the work.
        """
        layer, whole = layer_of(self._step.operation), self._step.operation
        activation = getattr(layer, "activation", None)
        if (
            type(layer) is keras.layers.Conv2D
            and layer.groups == 1
            and len(self._shape) == 3
            and (activation_of(layer) not in _OF_MANY)
        ):
            given = inputs_of(self._step, values)[0]
            kernel = tf.gather(tf.cast(tf.convert_to_tensor(layer.kernel), given.dtype), filters, axis=3)
            found = tf.nn.conv2d(given, kernel, layer.strides, layer.padding.upper(), dilations=layer.dilation_rate)
            own = tf.eye(tf.shape(filters)[0], dtype=found.dtype)[:, None, None]
            found = tf.reduce_sum(found * own, axis=3)
            if layer.use_bias:
                found += tf.gather(tf.cast(tf.convert_to_tensor(layer.bias), found.dtype), filters)[:, None, None]
            return tf.cast(found if linear or activation is None else activation(found), tf.float32)
        found = tf.cast(run_step(self._step, values, without_activation(whole) if linear else whole)[0], tf.float32)
        return tf.gather(found, filters, axis=len(found.shape) - 1, batch_dims=1)

    def _undisturbed(self, positions: tuple[int, int]) -> tuple[slice, slice]:
        """The rows and columns of positions whose receptive field lies within the image; else the middle."""
        field, found = self._field, []
        for count, size, stride, start in zip(positions, field.size, field.stride, field.offset, strict=True):
            first = max(0, math.ceil(-start / stride)) if stride else 0
            last = min(count - 1, math.floor((self.size - size - start) / stride)) if stride else count - 1
            found.append(slice(first, last + 1) if last >= first else slice(count // 2, count // 2 + 1))
        return found[0], found[1]
