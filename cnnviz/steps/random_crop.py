"""Cuts a window at a random position."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnviz.steps.step_kind import KerasLayer, Size, StepKind, Values, snapped

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _window(height: int, width: int, size: Size, values: Values) -> tuple[float, float, float, float]:
    """Windows of whole pixels stay on whole pixels, so nothing blurs."""
    scale = values["value"] * min(height / size[0], width / size[1])
    high, wide = snapped(size[0] * scale), snapped(size[1] * scale)
    if high.is_integer() and wide.is_integer():
        top = min(int(values["y"] * (height - high + 1)), height - high)
        left = min(int(values["x"] * (width - wide + 1)), width - wide)
    else:
        top, left = values["y"] * (height - high), values["x"] * (width - wide)
    return top, left, high, wide


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    low, high = step.ends
    note = "Give it the whole images."
    if low < 1:
        note += f" Keras cuts windows of this size only, never {low:g} to {high:g} of the largest."
    return f"RandomCrop({size[0]}, {size[1]})", note, 1


KIND = StepKind(
    title="Random crop",
    group="geometric",
    rank=8,
    description="Cuts a window of the wanted shape at a random place; its size is a share of the largest that fits.",
    keras_layer=_keras_layer,
    unit="of the largest window",
    bounds=(0.1, 1),
    default=(0.8, 1),
    identity=1,
    draws=("value", "x", "y"),
    label="crop",
    window=_window,
)
