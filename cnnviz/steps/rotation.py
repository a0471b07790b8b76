"""Turns the image about its centre."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cnnviz.steps.step_kind import Affine, KerasLayer, Size, StepKind, Values, about_centre, keras_range

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _move(values: Values, height: int, width: int) -> Affine:
    angle = math.radians(values["value"])
    cos, sin = math.cos(angle), math.sin(angle)
    return about_centre(cos, -sin, sin, cos, height, width)


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    low, high = step.ends
    return f"RandomRotation({keras_range(low / 360, high / 360)}FILL)", "", 1


KIND = StepKind(
    title="Rotation",
    group="geometric",
    rank=3,
    description="Turns the image about its centre; positive is anticlockwise.",
    keras_layer=_keras_layer,
    unit="°",
    bounds=(-180, 180),
    default=(-20, 20),
    identity=0,
    shown=(1, "°"),
    label="turn",
    move=_move,
)
