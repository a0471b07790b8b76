"""Covers a rectangle with the image's mean colour (Zhong et al., 'Random erasing', 2017)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from cnnviz.steps.step_kind import KerasLayer, Size, StepKind, Values, keras_range, rectangle

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _change(image: np.ndarray, values: Values) -> np.ndarray:
    wide = min(1.0, math.sqrt(values["value"] * values["aspect"]))
    high = min(1.0, values["value"] / wide) if wide else 0.0
    wide = min(1.0, values["value"] / high) if high else 0.0
    rows, columns = rectangle(image.shape, high, wide, values)
    made = image.copy()
    made[rows, columns] = np.rint(cv2.mean(image)[: image.shape[2]])
    return made


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    low, high = step.ends
    chance = keras_range(step.probability, step.probability)
    scale = keras_range(max(low, 1e-3), max(high, 1e-3))
    code = f"RandomErasing(factor={chance}, scale={scale}, fill_value=128.0)"
    return code, "Keras can't fill with the image's mean colour.", None


KIND = StepKind(
    title="Erasing",
    group="pixel",
    rank=3,
    description="Covers a random rectangle of this share of the area with the mean colour (cut-out).",
    keras_layer=_keras_layer,
    unit="of the area",
    bounds=(0, 0.6),
    default=(0.02, 0.2),
    identity=0,
    probability=0.5,
    draws=("value", "aspect", "x", "y"),
    label="erased",
    change=_change,
)
