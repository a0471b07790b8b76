"""Any Keras graph as a flat list of steps, nested models entered, whose outputs are scores before softmax or sigmoid.

Nothing is called symbolically: that would add nodes to the model's layers, and in Keras 3 `layer.output` of a loaded
Sequential belongs to another graph than its outputs, so that there is no gradient between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from cnnviz.errors import ModelError
from cnnviz.models.graph.channels_first import TO_LAST, turn

__all__ = ["Program", "Step", "fresh", "graph_of", "inputs_of", "needed_steps", "run", "run_step", "taken_apart"]


@dataclass(frozen=True, eq=False)
class Step:
    """One call of a layer or operation; `inputs` and `outputs` are the numbers of the values it takes and gives.

    `before` and `after` are as in `channels_first.Turned`: values of images always have their channels last, and so
    has `shape`, the output's with the batch.
    """

    name: str
    operation: Any
    arguments: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shape: tuple[int | None, ...]
    before: tuple[tuple[int, ...] | None, ...] = ()
    after: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False)
class Program:
    """Steps in an order in which they can be taken. Value 0 is the pixels; `outputs` are one value for each head."""

    steps: tuple[Step, ...]
    outputs: tuple[int, ...]


def run(steps: Iterable[Step], values: dict[int, Any]) -> dict[int, Any]:
    """Takes the steps on real tensors, in inference mode, and returns all values."""
    with keras.name_scope("network"):  # within another scope, a layer's name may begin with "_" or "-"
        for step in steps:
            values.update(zip(step.outputs, run_step(step, values), strict=True))
    return values


def run_step(step: Step, values: dict[int, Any], operation: Any = None) -> list[Any]:
    """Returns what a step gives on real tensors, in inference mode; another operation may stand in for its own."""
    operation = operation or step.operation
    given = {id(at): one for at, one in zip(step.arguments.keras_tensors, inputs_of(step, values), strict=True)}
    args, kwargs = step.arguments.fill_in(given)
    if "training" in getattr(operation, "_call_context_args", ()):
        kwargs = {**kwargs, "training": False}
    found = keras.tree.flatten(operation(*args, **kwargs))
    return [found[0] if step.after is None else keras.ops.transpose(found[0], step.after), *found[1:]]


def inputs_of(step: Step, values: dict[int, Any]) -> list[Any]:
    """Returns what the step's operation gets."""
    orders = step.before or (None,) * len(step.inputs)
    return [
        values[one] if order is None else keras.ops.transpose(values[one], order)
        for one, order in zip(step.inputs, orders, strict=True)
    ]


def taken_apart(model: keras.Model) -> tuple[list[Step], list[int]]:
    """Returns a model's steps from pixels to its outputs, those of models nested in it too, and its outputs' values.

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
        raise ModelError(f"The model takes {shapes}: expected one input of images, (n, height, width, channels).")
    for tensor in graph.outputs:
        if len(tensor.shape) != 2 or not tensor.shape[1]:
            raise ModelError(
                f"The model gives {tuple(tensor.shape)}: expected a row of scores for each image, (n, classes)."
            )
    steps: list[Step] = []
    return steps, _enter(graph, [0], "", steps, {}, set())


def graph_of(model: Any) -> Any:
    """Returns the Functional model that this one is or, a Sequential, holds.

    `None` where only code says what is computed.
    """
    if not isinstance(model, keras.Model) or not type(model).call.__module__.startswith("keras."):
        return None
    graph = getattr(model, "_functional", model)
    return graph if graph is not None and hasattr(graph, "_nodes_by_depth") else None


def _enter(
    graph: Any, inputs: Sequence[int], path: str, steps: list[Step], seen: dict[str, int], first: set[int]
) -> list[int]:
    """Appends a graph's steps, those of the graphs nested in it too, and returns the values of its outputs.

    Args:
        graph: from `graph_of`.
        inputs: the values that it is given.
        path: what stands before its layers' names.
        steps: what they are appended to.
        seen: how often each name was met, which is counted on.
        first: the values whose channels stand first in the model, which are added to.
    """
    values = {id(tensor): value for tensor, value in zip(graph.inputs, inputs, strict=True)}
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            given = [values[id(tensor)] for tensor in node.input_tensors if id(tensor) in values]
            if node.is_input or len(given) < len(node.input_tensors) or id(node.outputs[0]) in values:
                continue
            name = path + str(node.operation.name)
            inner = graph_of(node.operation)
            if inner is not None and len(inner.inputs) == len(given):
                found = _enter(inner, given, f"{name}/", steps, seen, first)
            else:
                found = [fresh(steps, extra) for extra in range(len(node.outputs))]
                seen[name] = seen.get(name, 0) + 1
                name += f":{seen[name]}" if seen[name] > 1 else ""
                call = turn(node.operation, node.arguments, [one in first for one in given], node.outputs[0])
                shape = tuple(node.outputs[0].shape)
                if call.first:
                    first.add(found[0])
                    shape = tuple(shape[axis] for axis in TO_LAST)
                steps.append(
                    Step(
                        name, call.operation, node.arguments, tuple(given), tuple(found), shape, call.before, call.after
                    )
                )
            values.update(zip(map(id, node.outputs), found, strict=True))
    return [values[id(tensor)] for tensor in graph.outputs]


def fresh(steps: Sequence[Step], extra: int = 0) -> int:
    """Returns a number that no value of the steps has; `extra` more for each of several."""
    return 1 + extra + max((value for step in steps[-1:] for value in step.outputs), default=0)


def needed_steps(steps: Sequence[Step], outputs: Iterable[int]) -> Iterator[Step]:
    """Returns the steps that the outputs depend on, in their order."""
    wanted, kept = set(outputs), []
    for step in reversed(steps):
        if wanted.intersection(step.outputs):
            wanted.update(step.inputs)
            kept.append(step)
    return reversed(kept)
