"""`value`·(x − mean) + mean with each channel's own mean over the image, as tf.image.adjust_contrast."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from cnnviz.steps.step_kind import KerasLayer, Size, StepKind, keras_range

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _recolour(total: np.ndarray, value: float, mean: np.ndarray) -> np.ndarray:
    middle = total @ (*mean, 1.0)
    total *= value
    total[:, -1] += (1 - value) * middle
    return total


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    low, high = step.ends
    factor = min(1.0, max(abs(1 - low), abs(high - 1)))
    even = math.isclose(1 - low, high - 1) and factor < 1
    note = "" if even else f"Keras's range is even about 1 and at most 0 to 2, not {low:g} to {high:g}."
    return f"RandomContrast({keras_range(factor, factor)})", note, 1


KIND = StepKind(
    title="Contrast",
    group="colour",
    rank=2,
    description="Moves every pixel away from the image's mean, or towards it.",
    keras_layer=_keras_layer,
    unit="×",
    bounds=(0, 5),
    default=(0.8, 1.2),
    identity=1,
    shown=(1, "×"),
    resolution=0.05,
    recolour=_recolour,
    needs_mean=True,
)
