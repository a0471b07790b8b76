"""Any Keras graph as a flat list of steps, nested models entered, with the last softmax or sigmoid left out.

Nothing is called symbolically: that would add nodes to the model's layers, and in Keras 3 `layer.output` of a loaded
Sequential belongs to another graph than its outputs, so that there is no gradient between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras

from cnnviz.errors import ModelError

__all__ = ["Program", "Step", "enter", "graph_of", "needed", "run", "walk", "without_activation"]

_FINAL = ("softmax", "sigmoid", "log_softmax")
_SILENT = ("Dropout", "Flatten", "Reshape", "Identity")
"""Layers behind the last activation that leave scores as they are."""


@dataclass(frozen=True, eq=False)
class Step:
    """One call of a layer or operation; `inputs` and `outputs` are the numbers of the values it takes and gives."""

    name: str
    operation: Any
    arguments: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shape: tuple[int | None, ...]


@dataclass(frozen=True, eq=False)
class Program:
    """Steps in an order in which they can be taken. Value 0 is the pixels; `outputs` are each head's logits."""

    steps: tuple[Step, ...]
    outputs: tuple[int, ...]


def run(steps: Iterable[Step], values: dict[int, Any]) -> dict[int, Any]:
    """Takes the steps on real tensors, in inference mode, and returns all values."""
    for step in steps:
        given = {id(at): values[one] for at, one in zip(step.arguments.keras_tensors, step.inputs, strict=True)}
        args, kwargs = step.arguments.fill_in(given)
        if "training" in getattr(step.operation, "_call_context_args", ()):
            kwargs = {**kwargs, "training": False}
        found = keras.tree.flatten(step.operation(*args, **kwargs))
        values.update(zip(step.outputs, found, strict=True))
    return values


def walk(model: keras.Model) -> Program:
    """Returns the model's steps from pixels to logits.

    Raises:
        ModelError: a model without a graph of layers, with several inputs, or with outputs that are no row of scores.
    """
    graph = graph_of(model)
    if graph is None:
        raise ModelError(
            "The model is no graph of layers, so that no layer of it can be looked into: expected one made by "
            "Sequential with an input shape or by keras.Model(inputs, outputs)."
        )
    if len(graph.inputs) != 1 or len(graph.inputs[0].shape) != 4:
        shapes = ", ".join(str(tuple(one.shape)) for one in graph.inputs)
        raise ModelError(f"The model takes {shapes}: expected one input of pictures, (n, height, width, channels).")
    steps: list[Step] = []
    outputs = enter(graph, [0], "", steps, {})
    for tensor in graph.outputs:
        if len(tensor.shape) != 2 or not tensor.shape[1]:
            raise ModelError(f"The model gives {tuple(tensor.shape)}: expected a row of scores for each picture, "
                             "(n, classes).")  # fmt: skip
    logits = [_before_activation(value, steps) for value in outputs]
    return Program(tuple(needed(steps, logits)), tuple(logits))


def graph_of(model: Any) -> Any:
    """Returns the Functional model that this one is or, a Sequential, holds.

    `None` where only code says what is computed.
    """
    if not isinstance(model, keras.Model) or not type(model).call.__module__.startswith("keras."):
        return None
    graph = getattr(model, "_functional", model)
    return graph if graph is not None and hasattr(graph, "_nodes_by_depth") else None


def enter(graph: Any, inputs: Sequence[int], path: str, steps: list[Step], seen: dict[str, int]) -> list[int]:
    """Appends a graph's steps, those of the graphs nested in it too, and returns the values of its outputs.

    Args:
        graph: from `graph_of`.
        inputs: the values that it is given.
        path: what stands before its layers' names.
        steps: what they are appended to.
        seen: how often each name was met, which is counted on.
    """
    values = {id(tensor): value for tensor, value in zip(graph.inputs, inputs, strict=True)}
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            given = [values.get(id(tensor)) for tensor in node.input_tensors]
            if node.is_input or None in given or id(node.outputs[0]) in values:
                continue
            name = path + str(node.operation.name)
            inner = graph_of(node.operation)
            if inner is not None and len(inner.inputs) == len(given):
                found = enter(inner, given, f"{name}/", steps, seen)
            else:
                found = [_fresh(steps, extra) for extra in range(len(node.outputs))]
                seen[name] = seen.get(name, 0) + 1
                name += f":{seen[name]}" if seen[name] > 1 else ""
                shape = tuple(node.outputs[0].shape)
                steps.append(Step(name, node.operation, node.arguments, tuple(given), tuple(found), shape))
            values.update(zip(map(id, node.outputs), found, strict=True))
    return [values[id(tensor)] for tensor in graph.outputs]


def _fresh(steps: Sequence[Step], extra: int = 0) -> int:
    return 1 + extra + max((value for step in steps[-1:] for value in step.outputs), default=0)


def _before_activation(value: int, steps: list[Step]) -> int:
    """The value that a softmax or sigmoid made this one of; appends steps where a layer does more than that."""
    step = next((step for step in steps if value in step.outputs), None)
    if step is None:
        return value
    kind = type(step.operation).__name__
    activation = getattr(getattr(step.operation, "activation", None), "__name__", "")
    if kind in ("Softmax", "Sigmoid", "LogSoftmax") or (kind == "Activation" and activation in _FINAL):
        return step.inputs[0]
    if activation in _FINAL:
        plain = replace(step, operation=without_activation(step.operation), outputs=(_fresh(steps),))
    elif kind in _SILENT or (kind == "Activation" and activation == "linear"):
        before = _before_activation(step.inputs[0], steps)
        if before == step.inputs[0]:
            return value
        plain = replace(step, inputs=(before,), outputs=(_fresh(steps),))
    else:
        return value
    steps.append(plain)
    return plain.outputs[0]


def without_activation(layer: Any) -> Any:
    """Returns the same layer, variables shared, without its activation; copy.copy would save and load it."""
    twin = object.__new__(type(layer))
    twin.__dict__.update(layer.__dict__)
    twin.__dict__["activation"] = keras.activations.linear
    return twin


def needed(steps: Sequence[Step], outputs: Iterable[int]) -> Iterator[Step]:
    """Returns the steps that the outputs depend on, in their order."""
    wanted, kept = set(outputs), []
    for step in reversed(steps):
        if wanted.intersection(step.outputs):
            wanted.update(step.inputs)
            kept.append(step)
    return reversed(kept)
