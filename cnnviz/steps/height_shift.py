"""Moves the image up or down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnviz.steps.step_kind import Affine, KerasLayer, Size, StepKind, Values, keras_range

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _move(values: Values, height: int, width: int) -> Affine:
    return 1.0, 0.0, 0.0, 0.0, 1.0, -values["value"] * height


def _keras_layer(step: Step, size: Size, width: tuple[float, float] = (0, 0)) -> KerasLayer:
    """With the range of a width shift before it, both are one layer."""
    low, high = step.ends
    return f"RandomTranslation({keras_range(low, high)}, {keras_range(*width)}FILL)", "", 1


KIND = StepKind(
    title="Height shift",
    group="geometric",
    rank=5,
    description="Moves the image up or down by a share of its height; positive is down.",
    keras_layer=_keras_layer,
    unit="of the height",
    bounds=(-1, 1),
    default=(-0.1, 0.1),
    identity=0,
    directions=("up", "down"),
    move=_move,
)
