"""Steps that change values: neighbouring colour steps fuse into one 3×4 matrix, applied in one pass.

Brightness, contrast, saturation, hue and grey are all linear here, so a row of them is one matrix and rounds and clips
once. Their definitions, for values 0..255, stand in `cnnviz.steps`. Images of one channel have no colour: saturation,
hue and grey leave them as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from cnnviz.augment.draw import Drawn
from cnnviz.policy import STEPS

__all__ = ["recolour"]


def recolour(image: np.ndarray, steps: Sequence[Drawn]) -> np.ndarray:
    """Returns the image after these colour steps, uint8 of the same shape.

    Args:
        image: uint8 (height, width, 1 or 3).
        steps: Applied colour steps, in their order.
    """
    channels = image.shape[2]
    nothing = np.eye(channels, channels + 1)
    total = nothing.copy()  # its last column is added
    kinds = [STEPS[step.type] for step in steps]
    mean = cv2.mean(image)[:channels] if any(kind.needs_mean for kind in kinds) else (0.0,) * channels
    for step, kind in zip(steps, kinds, strict=True):
        if kind.recolour is not None and (channels == 3 or not kind.of_colour):
            total = kind.recolour(total, step.values.get("value", 0.0), np.array(mean))
    if (total == nothing).all():
        return image
    # In floats: on uint8 OpenCV multiplies by factors rounded to 1/1024.
    made = cv2.transform(image.astype(np.float32), total.astype(np.float32))
    cv2.threshold(made, 0, 0, cv2.THRESH_TOZERO, dst=made)
    return cv2.convertScaleAbs(made).reshape(image.shape)  # rounds and stops at 255
