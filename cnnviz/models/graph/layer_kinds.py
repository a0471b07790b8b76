"""What a layer is, whatever it is wrapped in, and layers like it with one setting changed."""

from __future__ import annotations

import re
from typing import Any

import keras

__all__ = ["activation_of", "is_time_distributed", "kind_of", "layer_of", "with_settings", "without_activation"]


def layer_of(operation: Any) -> Any:
    """Returns the layer that does the work: what SpectralNormalization, TimeDistributed or any other of Keras's
    wrappers holds; anything else as it is."""
    while isinstance(operation, keras.layers.Wrapper):
        operation = operation.layer
    return operation


def kind_of(operation: Any) -> str:
    """Returns the class name of what a layer is, such as "Conv2D" for a convolution in a SpectralNormalization."""
    return type(layer_of(operation)).__name__


def is_time_distributed(operation: Any) -> bool:
    """Returns whether the layer is called for each part along its input's first axis by itself."""
    while isinstance(operation, keras.layers.Wrapper):
        if isinstance(operation, keras.layers.TimeDistributed):
            return True
        operation = operation.layer
    return False


def activation_of(operation: Any) -> str:
    """Returns Keras's name of the activation that a layer or operation is, or ends with; "" where it has none."""
    layer = layer_of(operation)
    activation = getattr(layer, "activation", None)
    if activation is None:
        kind = type(layer).__name__
        return _snake(kind) if kind in _ACTIVATIONS else ""
    return getattr(activation, "__name__", "") or _snake(type(activation).__name__)


_ACTIVATIONS = ("Softmax", "Sigmoid", "LogSoftmax", "HardSigmoid", "SparseSigmoid", "Sparsemax")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def without_activation(layer: Any) -> Any:
    """Returns the same layer, variables shared, without its activation."""
    return with_settings(layer, activation=keras.activations.linear)


def with_settings(layer: Any, **settings: Any) -> Any:
    """Returns the same layer, variables shared, with other settings, which go to the innermost of wrapped layers.

    The layer itself is not changed, and the new one not built: copy.copy would save and load it.
    """
    twin = object.__new__(type(layer))
    twin.__dict__.update(layer.__dict__)
    inner = isinstance(layer, keras.layers.Wrapper)
    twin.__dict__.update({"layer": with_settings(layer.layer, **settings)} if inner else settings)
    return twin
