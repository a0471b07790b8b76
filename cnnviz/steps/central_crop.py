"""Cuts away the border."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnviz.steps.step_kind import Affine, KerasLayer, Size, StepKind, Values, about_centre

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _move(values: Values, height: int, width: int) -> Affine:
    return about_centre(values["value"], 0, 0, values["value"], height, width)


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    low, high = step.ends
    middle = (low + high) / 2
    rows, columns = (max(1, round(side * middle)) for side in size)
    code = f"CenterCrop({rows}, {columns}), keras.layers.Resizing({size[0]}, {size[1]})"
    return code, f"Keras cuts a fixed share, not {low:g} to {high:g}.", 1


KIND = StepKind(
    title="Central crop",
    group="geometric",
    rank=9,
    description="Cuts away the border and resizes the rest back.",
    keras_layer=_keras_layer,
    unit="of each side",
    bounds=(0.1, 1),
    default=(0.7, 1),
    identity=1,
    label="crop",
    move=_move,
)
