"""grey + `value`·(x − grey), grey being the luma 0.299 R + 0.587 G + 0.114 B, as Pillow's and torchvision's.

tf.image scales HSV's saturation instead, which is not linear, bends highlights (it keeps the largest channel, so that a
saturation of 0 turns pure blue white) and would keep the steps from fusing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cnnviz.steps.step_kind import KerasLayer, Size, StepKind, keras_range

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


_LUMA = np.array([0.299, 0.587, 0.114])


def saturate(total: np.ndarray, value: float, mean: np.ndarray) -> np.ndarray:
    """Returns the matrix after a saturation by this value; 0 makes grey."""
    return value * total + (1 - value) * (_LUMA @ total)


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    low, high = step.ends
    factors = keras_range(low / (1 + low), high / (1 + high))
    return f"RandomSaturation({factors})", "Keras's factor f means × f / (1 − f), on HSV's saturation.", 1


KIND = StepKind(
    title="Saturation",
    group="colour",
    rank=3,
    description="Moves colours away from grey, or towards it.",
    keras_layer=_keras_layer,
    unit="×",
    bounds=(0, 5),
    default=(0.7, 1.3),
    identity=1,
    shown=(1, "×"),
    resolution=0.05,
    recolour=saturate,
    of_colour=True,
)
