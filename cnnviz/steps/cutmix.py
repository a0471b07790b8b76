"""CutMix (Yun et al., 2019)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from cnnviz.steps.step_kind import KerasLayer, Size, StepKind, Values, rectangle

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _mix(made: np.ndarray, image: np.ndarray, other: np.ndarray, values: Values) -> float:
    side = math.sqrt(values["value"])
    rows, columns = rectangle(image.shape, side, side, values)
    made[rows, columns] = other[rows, columns]
    return (rows.stop - rows.start) * (columns.stop - columns.start) / (image.shape[0] * image.shape[1])


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    return (
        "",
        'Mixes labels too: map keras.layers.CutMix() over batches {"images": …, "labels": one-hot} of the dataset.',
        None,
    )


KIND = StepKind(
    title="CutMix",
    group="batch",
    rank=2,
    description="Pastes a rectangle of another image over this share of the area and mixes the labels.",
    keras_layer=_keras_layer,
    unit="of the area",
    bounds=(0, 1),
    default=(0, 0.5),
    identity=0,
    probability=0.5,
    draws=("value", "x", "y"),
    caption="CutMix",
    mix=_mix,
)
