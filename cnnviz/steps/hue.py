"""A turn by `value`·360° about the grey axis R = G = B.

It keeps R + G + B, turns red towards yellow for positive values and, by a third, makes red green, as
tf.image.adjust_hue does exactly; in between that one follows HSV's hexagon and keeps the largest and the smallest
channel instead of the sum.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from cnnviz.steps.step_kind import KerasLayer, Size, StepKind, keras_range

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _recolour(total: np.ndarray, value: float, mean: np.ndarray) -> np.ndarray:
    """Rodrigues's rotation about (1, 1, 1)."""
    angle = 2 * math.pi * value
    third, sine = (1 - math.cos(angle)) / 3, math.sin(angle) / math.sqrt(3)
    same, following, previous = math.cos(angle) + third, third - sine, third + sine
    turn = np.array([[same, following, previous], [previous, same, following], [following, previous, same]])
    return turn @ total


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    low, high = step.ends
    factor = 2 * max(abs(low), abs(high))
    return f"RandomHue({keras_range(0, factor)})", "Keras turns by up to half of this, to either side.", 1


KIND = StepKind(
    title="Hue",
    group="colour",
    rank=4,
    description="Turns all colours round the colour circle.",
    keras_layer=_keras_layer,
    unit="of the circle",
    bounds=(-0.5, 0.5),
    default=(-0.05, 0.05),
    identity=0,
    shown=(360, "°"),
    recolour=_recolour,
    of_colour=True,
)
