"""How one number in a model comes about: what goes in, by what it is multiplied, and what that adds up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from cnnviz.errors import ModelError, one_of
from cnnviz.explain.inspection.layer_arithmetic import BREAKDOWNS, BY_POSITION, Breakdown
from cnnviz.models.graph.graph import flatten
from cnnviz.models.graph.layer_kinds import is_time_distributed, layer_of
from cnnviz.models.graph.traversal import Step, needed_steps, run

if TYPE_CHECKING:
    import keras

    from cnnviz.models.classifier import Classifier

__all__ = ["Breakdown", "breakdown", "inputs_and_output"]


def breakdown(
    source: Classifier | keras.Model,
    pixels: np.ndarray,
    layer: str,
    at: Sequence[int],
    *,
    known: Sequence[np.ndarray] | None = None,
) -> Breakdown | str:
    """Returns the account of one number, or the sentence that this layer isn't taken apart here.

    Args:
        source: the model.
        pixels: float32 (1, height, width, channels) in the scale that the model takes.
        layer: its name, as `graph.flatten(source).layers` has it.
        at: which of its outputs: (row, column, channel) for images; for rows of units the last index counts.
        known: what `inputs_and_output` gave for this model, image and layer, to ask for many numbers of a layer
            quickly.

    Raises:
        ModelError: no such layer or output.
    """
    step = _step(source, layer)
    *given, output = known if known is not None else inputs_and_output(source, pixels, layer)
    at = tuple(int(one) for one in at)[-output.ndim :]
    if len(at) != output.ndim or not all(0 <= one < side for one, side in zip(at, output.shape, strict=True)):
        raise ModelError(f"The layer {layer} has no output {at}: its outputs are {' × '.join(map(str, output.shape))}.")
    operation = layer_of(step.operation)
    kind = type(operation).__name__
    able = (
        kind in BREAKDOWNS
        and not (step.before or step.after)
        and (not is_time_distributed(step.operation) or kind in BY_POSITION)
    )
    found = BREAKDOWNS[kind](operation, given, at) if able else None
    if found is None:
        return f"{layer} ({kind}) is not taken apart here: its outputs are shown as they are."
    made_by = {one: step.name for step in flatten(source, logits=False).program.steps for one in step.outputs}
    inputs = tuple(made_by.get(one, "pixels") for one in step.inputs)
    return replace(found, layer=layer, type=kind, at=at, inputs=inputs, output=float(output[at]))


def inputs_and_output(source: Classifier | keras.Model, pixels: np.ndarray, layer: str) -> list[np.ndarray]:
    """Returns a layer's inputs and, last, its output for one image, float32 without the batch.

    Raises:
        ModelError: no such layer.
    """
    step = _step(source, layer)
    steps = list(needed_steps(flatten(source, logits=False).program.steps, step.outputs[:1]))
    values = run(steps, {0: tf.constant(pixels, tf.float32)})  # not compiled, as that would take longer than it does
    return [np.asarray(values[one], np.float32)[0] for one in (*step.inputs, step.outputs[0])]


def _step(source: Classifier | keras.Model, layer: str) -> Step:
    steps = {step.name: step for step in flatten(source, logits=False).program.steps}
    if layer not in steps:
        raise ModelError(f"The model has no layer {layer!r}: {one_of(layer, steps)}.")
    return steps[layer]
