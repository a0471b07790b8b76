"""MixUp (Zhang et al., 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from cnnviz.steps.step_kind import KerasLayer, Size, StepKind, Values

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _mix(made: np.ndarray, image: np.ndarray, other: np.ndarray, values: Values) -> float:
    share = values["value"]
    made[:] = cv2.addWeighted(image, 1 - share, other, share, 0).reshape(image.shape)
    return share


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    return (
        "",
        'Mixes labels too: map keras.layers.MixUp() over batches {"images": …, "labels": one-hot} of the dataset.',
        None,
    )


KIND = StepKind(
    title="MixUp",
    group="batch",
    rank=1,
    description="Blends two images and their labels; the other one gets this share.",
    keras_layer=_keras_layer,
    unit="of the other image",
    bounds=(0, 1),
    default=(0, 0.4),
    identity=0,
    probability=0.5,
    caption="MixUp",
    mix=_mix,
)
