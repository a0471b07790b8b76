"""Mirrors top and bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnviz.steps.step_kind import Affine, KerasLayer, Size, StepKind, Values

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _move(values: Values, height: int, width: int) -> Affine:
    return 1.0, 0.0, 0.0, 0.0, -1.0, height - 1.0


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    return 'RandomFlip("vertical")', "", 0.5


KIND = StepKind(
    title="Vertical flip",
    group="geometric",
    rank=2,
    description="Mirrors top and bottom.",
    keras_layer=_keras_layer,
    probability=0.5,
    draws=(),
    label="upside down",
    move=_move,
)
