"""Slants the image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cnnviz.steps.step_kind import Affine, KerasLayer, Size, StepKind, Values, about_centre, keras_range

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _move(values: Values, height: int, width: int) -> Affine:
    angle = math.radians(values["value"])
    return about_centre(1, -math.sin(angle), 0, math.cos(angle), height, width)


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    low, high = step.ends
    least, most = sorted((abs(low), abs(high)))
    if low <= 0 <= high:
        least = 0.0
    factors = keras_range(math.sin(math.radians(least)), math.sin(math.radians(most)))
    return f"RandomShear(x_factor={factors}FILL)", "Keras slants to either side, keeping the height.", 1


KIND = StepKind(
    title="Shear",
    group="geometric",
    rank=6,
    description="Slants the image; as in Keras's ImageDataGenerator the angle is in degrees.",
    keras_layer=_keras_layer,
    unit="°",
    bounds=(-60, 60),
    default=(-10, 10),
    identity=0,
    shown=(1, "°"),
    resolution=0.1,
    move=_move,
)
