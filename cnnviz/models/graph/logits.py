"""The scores of a model's heads, of which softmax or sigmoid make its predictions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np

from cnnviz.models.graph.layer_kinds import activation_of, kind_of, without_activation
from cnnviz.models.graph.output_activations import along_classes, endings, keeps_classes, silent
from cnnviz.models.graph.traversal import Program, Step, fresh, needed_steps, taken_apart

__all__ = ["Log", "walk"]

_LEFT_OUT = ("softmax", "sigmoid", "log_softmax")
"""Activations whose input is the score itself."""


def walk(model: keras.Model) -> Program:
    """Returns the model's steps from pixels to the scores of each head, of which softmax or sigmoid are its
    predictions.

    Raises:
        ModelError: see `endings`.
    """
    steps, outputs = taken_apart(model)
    scores = [_scores_of(value, steps, one.activation) for value, one in zip(outputs, endings(model), strict=True)]
    return Program(tuple(needed_steps(steps, scores)), tuple(scores))


def _scores_of(value: int, steps: list[Step], activation: str) -> int:
    """Returns the value of a head's scores, for the value of its output; appends steps where none has them.

    A softmax or sigmoid at the end is left out. Probabilities that are made otherwise have their logarithm for
    scores, or that of the odds, of which softmax or sigmoid give them back.
    """
    before = _before_activation(value, steps)
    if before is not None:
        return before
    if activation == "logits":
        return value
    step = next(step for step in steps if value in step.outputs)
    steps.append(Step("scores", Log(activation == "sigmoid"), _Alone(), (value,), (fresh(steps),), step.shape))
    return steps[-1].outputs[0]


def _before_activation(value: int, steps: list[Step]) -> int | None:
    """The value that a softmax or sigmoid made this one of, `None` if none did; appends steps where a layer does more
    than that."""
    makers = {one: step for step in steps for one in step.outputs}
    behind: list[Step] = []
    step = makers.get(value)
    while step is not None and not (step.before or step.after) and silent(step) and keeps_classes(step, makers):
        behind.append(step)
        step = makers.get(step.inputs[0])
    if step is None or step.before or step.after:
        return None
    activation = activation_of(step.operation)
    if activation not in _LEFT_OUT or not (activation == "sigmoid" or along_classes(step)):
        return None
    if kind_of(step.operation) in ("Softmax", "Sigmoid", "LogSoftmax", "Activation"):
        before = step.inputs[0]
    else:
        steps.append(replace(step, operation=without_activation(step.operation), outputs=(fresh(steps),)))
        before = steps[-1].outputs[0]
    for one in reversed(behind):
        steps.append(replace(one, inputs=(before,), outputs=(fresh(steps),)))
        before = steps[-1].outputs[0]
    return before


class _Alone:
    """The arguments of an operation of one tensor."""

    def __init__(self) -> None:
        self.keras_tensors = (self,)

    def fill_in(self, given: dict[int, Any]) -> tuple[tuple[Any], dict[str, Any]]:
        return (given[id(self)],), {}


class Log:
    """The logarithm of probabilities, or of the odds of one; no layer of the model's."""

    def __init__(self, odds: bool) -> None:
        self.odds = odds

    def __call__(self, values: Any) -> Any:
        values = keras.ops.cast(values, "float32")
        least = float(np.finfo(np.float32).tiny)
        scores = keras.ops.log(keras.ops.maximum(values, least))
        return scores - keras.ops.log(keras.ops.maximum(1 - values, least)) if self.odds else scores
