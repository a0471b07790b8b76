"""The luma in all three channels, as saturation 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnviz.steps.saturation import saturate
from cnnviz.steps.step_kind import KerasLayer, Size, StepKind

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    return f"RandomGrayscale({step.probability:g})", "", None


KIND = StepKind(
    title="Grey",
    group="colour",
    rank=5,
    description="Takes the colour away.",
    keras_layer=_keras_layer,
    probability=0.2,
    draws=(),
    recolour=saturate,
    of_colour=True,
)
