"""A model on a frozen backbone as two: the stem, whose features are computed once, and the head that is trained."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from cnnviz.architecture import describe
from cnnviz.backbones import layers
from cnnviz.model_spec import ModelSpec
from cnnviz.models.build.model import stack_layers

__all__ = ["compute", "feature_extractor_of", "head_alone", "head_of", "stem_digest"]

_STILL = ("Flatten", "Reshape", "GlobalAveragePooling2D", "MaxPooling2D", "AveragePooling2D")
"""Layers that neither learn nor draw; those that follow the backbone at once belong to the stem."""


def _still(spec: ModelSpec) -> int:
    """How many of the layers behind the backbone belong to the stem."""
    return next((at for at, layer in enumerate(spec.layers) if layer.type not in _STILL), len(spec.layers))


def _names(spec: ModelSpec, input_shape: tuple[int, int, int]) -> list[str]:
    """Of the layers behind the backbone, and the heads."""
    return [row.name for row in describe(spec, input_shape)[1:]]


def feature_extractor_of(model: keras.Model, spec: ModelSpec) -> keras.Model:
    """Returns the part of a model from pixels to what its head is trained on; weights are shared."""
    count = _still(spec)
    names = _names(spec, model.input_shape[1:])
    assert spec.backbone is not None  # without one there is no stem
    last = names[count - 1] if count else layers(spec.backbone.name)[-1].name
    return keras.Model(model.inputs[0], model.get_layer(last).output)


def head_of(model: keras.Model, spec: ModelSpec) -> keras.Model:
    """Returns the rest of it, from those features to the predictions; weights are shared."""
    count = _still(spec)
    names = _names(spec, model.input_shape[1:])[count:]
    inputs = x = keras.Input(feature_extractor_of(model, spec).output_shape[1:], name="features")
    for name in names[: len(names) - len(spec.heads)]:
        x = model.get_layer(name)(x)
    outputs = [model.get_layer(head.name)(x) for head in spec.heads]
    return keras.Model(inputs, outputs[0] if len(outputs) == 1 else outputs)


def head_alone(spec: ModelSpec, input_shape: tuple[int, int, int]) -> keras.Model:
    """Returns a head with weights of its own, which are those of `head_of` in number and order."""
    rows, count = describe(spec, input_shape), _still(spec)
    inputs = keras.Input(rows[count].output_shape, name="features")
    outputs = stack_layers(spec, inputs, [row.name for row in rows[1:]], count)
    return keras.Model(inputs, outputs[0] if len(outputs) == 1 else outputs)


def stem_digest(stem: keras.Model) -> str:
    """Returns what tells a stem from all others: its layers, their settings and their weights."""
    digest = hashlib.sha256(keras.__version__.encode())
    for layer in stem.layers:
        digest.update(f"{layer.name} {type(layer).__name__} {layer.output.shape[1:]}\n".encode())
        for weight in layer.get_weights():
            digest.update(np.ascontiguousarray(weight).data)
    return digest.hexdigest()


def compute(stem: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function from uint8 pixels (n, height, width, channels) to the stem's features, float32.

    The weights become constants, so that TensorFlow folds batch normalisations and activations into the convolutions.
    """

    @tf.function(input_signature=[tf.TensorSpec((None, *stem.input_shape[1:]), tf.uint8)])
    def run(pixels: tf.Tensor) -> tf.Tensor:
        return stem(tf.cast(pixels, tf.float32), training=False)

    @cache  # made when it is first asked, as features that are kept already need none of it
    def fixed() -> Any:
        return convert_variables_to_constants_v2(run.get_concrete_function())

    return lambda images: fixed()(tf.constant(images))[0].numpy()
