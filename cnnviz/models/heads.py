"""The heads of a Keras model that came without a recipe."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import keras

from cnnviz.errors import ModelError
from cnnviz.network import Head

__all__ = ["heads_of", "named"]

_SILENT = ("Activation", "Dropout", "Flatten", "Identity")
"""Layers behind a Dense that may leave its scores as they are."""


def heads_of(model: keras.Model) -> tuple[Head, ...]:
    """Returns a head for each of the model's outputs, in their order.

    What a head's numbers are is told by the last activation: softmax, sigmoid of one unit, or raw scores otherwise.

    Raises:
        ModelError: no graph of layers, an output that is no row of scores, or several sigmoid units at once.
    """
    outputs = getattr(model, "outputs", None)
    if not outputs:
        raise ModelError("The model is no graph of layers: expected one made by Sequential or keras.Model(in, out).")
    given = [str(name) for name in getattr(model, "output_names", None) or ["label"]]
    names = [re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")[:60] for name in given]
    if len(outputs) == 1 or len(set(names)) < len(names) or not all(names):
        names = ["label"] if len(outputs) == 1 else [f"head_{at}" for at in range(1, len(outputs) + 1)]
    return tuple(_head(tensor, name) for tensor, name in zip(outputs, names, strict=True))


def _head(tensor: Any, name: str) -> Head:
    shape = tuple(tensor.shape)
    if len(shape) != 2 or not shape[1]:
        raise ModelError(f"The model's output {name!r} has the shape {shape}: expected one row of scores for a "
                         "picture, (n, classes).")  # fmt: skip
    activation = last_activation(tensor)
    if activation == "sigmoid" and shape[1] > 1:
        raise ModelError(f"The model's output {name!r} has {shape[1]} sigmoid units, which answer {shape[1]} questions "
                         "at once: expected softmax, scores, or one sigmoid unit for each output.")  # fmt: skip
    if activation == "softmax" and shape[1] == 1:
        raise ModelError(f"The model's output {name!r} is a softmax over one unit, which is always 1.")
    return Head(name=f"out_{name}" if name.startswith("val_") else name, units=shape[1], activation=activation)


def last_activation(tensor: Any) -> str:
    """Returns "softmax", "sigmoid" or, for anything else, "logits" for a model's symbolic output."""
    layer, node, index = tensor._keras_history
    if isinstance(layer, keras.Model):
        return last_activation(layer.outputs[index])
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    kind = getattr(getattr(layer, "activation", None), "__name__", "")
    if kind in ("softmax", "sigmoid"):
        return kind
    if type(layer).__name__ in _SILENT and kind in ("", "linear"):
        return last_activation(layer._inbound_nodes[node].input_tensors[0])
    return "logits"


def named(heads: Sequence[Head], classes: Sequence[Sequence[str]] | None) -> dict[str, tuple[str, ...]]:
    """Returns each head's class names: those given, in the heads' order, or numbers where none are.

    Raises:
        ModelError: another number of lists than heads, or of names than classes.
    """
    if not classes:
        return {head.name: tuple(map(str, range(head.classes))) for head in heads}
    if len(classes) != len(heads):
        raise ModelError(f"Class names were given for {len(classes)} outputs, but the model has {len(heads)}.")
    for head, names in zip(heads, classes, strict=True):
        if len(names) != head.classes:
            raise ModelError(f"{len(names)} class names were given for the output {head.name!r}: expected "
                             f"{head.classes}, in the order of the training's labels.")  # fmt: skip
    return {head.name: tuple(map(str, names)) for head, names in zip(heads, classes, strict=True)}
