"""Adds the same amount to every pixel, as tf.image.adjust_brightness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cnnviz.steps.step_kind import KerasLayer, Size, StepKind, keras_range

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _recolour(total: np.ndarray, value: float, mean: np.ndarray) -> np.ndarray:
    total[:, -1] += 255 * value
    return total


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    low, high = step.ends
    return f"RandomBrightness({keras_range(low, high)})", "", 1


KIND = StepKind(
    title="Brightness",
    group="colour",
    rank=1,
    description="Adds the same amount to every pixel.",
    keras_layer=_keras_layer,
    unit="of the full range",
    bounds=(-1, 1),
    default=(-0.2, 0.2),
    identity=0,
    label="light",
    recolour=_recolour,
)
