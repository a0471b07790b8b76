"""Gaussian blur."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from cnnviz.steps.step_kind import KerasLayer, Size, StepKind, Values, keras_range

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _change(image: np.ndarray, values: Values) -> np.ndarray:
    """The image smoothed by a Gaussian of deviation `value`·(shorter side)."""
    deviation = values["value"] * min(image.shape[:2])
    return cv2.GaussianBlur(image, (0, 0), deviation).reshape(image.shape) if deviation > 0 else image


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    low, high = (side * min(size) for side in step.ends)
    note = f"Keras's deviation is at most 1 pixel, not {low:.3g} to {high:.3g}." if high > 1 else ""
    sigma = [min(max(side, 1e-3), 1.0) for side in (low, high)]
    return f"RandomGaussianBlur(kernel_size={2 * math.ceil(3 * sigma[1]) + 1}, sigma={keras_range(*sigma)})", note, 1


KIND = StepKind(
    title="Blur",
    group="pixel",
    rank=2,
    description="Smooths with a Gaussian whose deviation is a share of the shorter side.",
    keras_layer=_keras_layer,
    unit="of the shorter side",
    bounds=(0, 0.1),
    default=(0, 0.02),
    identity=0,
    resolution=0.5,
    change=_change,
)
