"""The heads of a Keras model that came without a recipe."""

from __future__ import annotations

import re
from collections.abc import Sequence

import keras

from cnnviz.errors import ModelError
from cnnviz.model_spec import MAX_CLASSES, Head
from cnnviz.models.graph.output_activations import endings

__all__ = ["class_names", "heads_of"]


def heads_of(model: keras.Model) -> tuple[Head, ...]:
    """Returns a head for each of the model's outputs, in their order.

    What a head's numbers are is told by `output_activations.endings`, which also looks at the model's predictions to a
    few images.

    Raises:
        ModelError: no graph of layers, an output that is no row of scores, several sigmoid units or a softmax over one,
            or see `output_activations.endings`.
    """
    outputs = getattr(model, "outputs", None)
    if not outputs:
        raise ModelError("The model is no graph of layers: expected one made by Sequential or keras.Model(in, out).")
    given = [str(name) for name in getattr(model, "output_names", None) or ["label"]]
    names = [re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")[:60] for name in given]
    if len(outputs) == 1 or len(set(names)) < len(names) or not all(names):
        names = ["label"] if len(outputs) == 1 else [f"head_{at}" for at in range(1, len(outputs) + 1)]
    for tensor, name in zip(outputs, names, strict=True):
        if len(tensor.shape) != 2 or not tensor.shape[1]:
            raise ModelError(
                f"The model's output {name!r} has the shape {tuple(tensor.shape)}: expected one row of "
                "scores for an image, (n, classes)."
            )
    names = [f"out_{name}" if name.startswith("val_") else name for name in names]
    ends = endings(model, look=True)
    for name, tensor, end in zip(names, outputs, ends, strict=True):
        _check(name, tensor.shape[1], end.activation)
    return tuple(
        Head(name=name, units=tensor.shape[1], activation=end.activation)
        for name, tensor, end in zip(names, outputs, ends, strict=True)
    )


def _check(name: str, units: int, activation: str) -> None:
    if units > MAX_CLASSES:
        raise ModelError(f"The model's output {name!r} has {units:,} classes: up to {MAX_CLASSES:,} are shown.")
    if activation == "sigmoid" and units > 1:
        raise ModelError(
            f"The model's output {name!r} has {units} sigmoid units, which answer {units} questions at "
            "once: expected softmax, scores, or one sigmoid unit for each output."
        )
    if activation == "softmax" and units == 1:
        raise ModelError(f"The model's output {name!r} is a softmax over one unit, which is always 1.")


def class_names(heads: Sequence[Head], classes: Sequence[Sequence[str]] | None) -> dict[str, tuple[str, ...]]:
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
            raise ModelError(
                f"{len(names)} class names were given for the output {head.name!r}: expected "
                f"{head.classes}, in the order of the training's labels."
            )
    return {head.name: tuple(map(str, names)) for head, names in zip(heads, classes, strict=True)}
