"""Mirrors left and right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnviz.steps.step_kind import Affine, KerasLayer, Size, StepKind, Values

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _move(values: Values, height: int, width: int) -> Affine:
    return -1.0, 0.0, width - 1.0, 0.0, 1.0, 0.0


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    return 'RandomFlip("horizontal")', "", 0.5


KIND = StepKind(
    title="Horizontal flip",
    group="geometric",
    rank=1,
    description="Mirrors left and right.",
    keras_layer=_keras_layer,
    probability=0.5,
    draws=(),
    label="mirrored",
    move=_move,
)
