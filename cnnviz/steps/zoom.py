"""Scales width and height."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnviz.steps.step_kind import Affine, KerasLayer, Size, StepKind, Values, about_centre, keras_range

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _move(values: Values, height: int, width: int) -> Affine:
    return about_centre(values["x"], 0, 0, values["y"], height, width)


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    low, high = step.ends
    factors = keras_range(*(max(-0.999, min(1.0, side - 1)) for side in (low, high)))
    note = "Keras can't shrink below half the size." if high > 2 else ""
    return f"RandomZoom({factors}, {factors}FILL)", note, 1


KIND = StepKind(
    title="Zoom",
    group="geometric",
    rank=7,
    description="Scales width and height by two draws of their own; as in Keras, below 1 enlarges and above 1 shrinks.",
    keras_layer=_keras_layer,
    unit="×",
    bounds=(0.2, 5),
    default=(0.8, 1.2),
    identity=1,
    draws=("x", "y"),
    ranged=("x", "y"),
    shown=(1, "×"),
    resolution=0.05,
    move=_move,
)
