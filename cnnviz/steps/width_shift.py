"""Moves the image sideways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnviz.steps.step_kind import Affine, KerasLayer, Size, StepKind, Values, keras_range

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _move(values: Values, height: int, width: int) -> Affine:
    return 1.0, 0.0, -values["value"] * width, 0.0, 1.0, 0.0


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    low, high = step.ends
    return f"RandomTranslation({keras_range(0, 0)}, {keras_range(low, high)}FILL)", "", 1


KIND = StepKind(
    title="Width shift",
    group="geometric",
    rank=4,
    description="Moves the image sideways by a share of its width; positive is to the right.",
    keras_layer=_keras_layer,
    unit="of the width",
    bounds=(-1, 1),
    default=(-0.1, 0.1),
    identity=0,
    directions=("left", "right"),
    move=_move,
)
