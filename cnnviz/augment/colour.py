"""Steps that change values: neighbouring colour steps fuse into one 3×4 matrix, applied in one pass.

Brightness, contrast, saturation, hue and grey are all linear here, so a row of them is one matrix and rounds and clips
once. The definitions, for values 0..255:

* brightness: adds `value`·255, as tf.image.adjust_brightness.
* contrast: `value`·(x − mean) + mean with each channel's own mean over the image, as tf.image.adjust_contrast.
* saturation: grey + `value`·(x − grey), grey being the luma 0.299 R + 0.587 G + 0.114 B, as Pillow's and torchvision's.
  tf.image scales HSV's saturation instead, which is not linear, bends highlights (it keeps the largest channel, so
  that a saturation of 0 turns pure blue white) and would keep the steps from fusing.
* hue: a turn by `value`·360° about the grey axis R = G = B. It keeps R + G + B, turns red towards yellow for positive
  values and, by a third, makes red green, as tf.image.adjust_hue does exactly; in between that one follows HSV's
  hexagon and keeps the largest and the smallest channel instead of the sum.
* grey: the luma in all three channels, as saturation 0.

Images of one channel have no colour: saturation, hue and grey leave them as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from cnnviz.augment.draw import Drawn

__all__ = ["blur", "erase", "noise", "recolour", "rectangle"]

_LUMA = np.array([0.299, 0.587, 0.114])


def recolour(image: np.ndarray, steps: Sequence[Drawn]) -> np.ndarray:
    """Returns the image after these colour steps, uint8 of the same shape.

    Args:
        image: uint8 (height, width, 1 or 3).
        steps: Applied colour steps, in their order.
    """
    channels = image.shape[2]
    nothing = np.eye(channels, channels + 1)
    total = nothing.copy()  # its last column is added
    mean = cv2.mean(image)[:channels] if any(step.type == "contrast" for step in steps) else (0.0,) * channels
    for step in steps:
        value = step.values.get("value", 0.0)
        if step.type == "brightness":
            total[:, -1] += 255 * value
        elif step.type == "contrast":
            middle = total @ (*mean, 1.0)
            total *= value
            total[:, -1] += (1 - value) * middle
        elif channels == 3:  # grey is saturation with a value of 0
            total = _turn(value) @ total if step.type == "hue" else value * total + (1 - value) * (_LUMA @ total)
    if (total == nothing).all():
        return image
    # In floats: on uint8 OpenCV multiplies by factors rounded to 1/1024.
    made = cv2.transform(image.astype(np.float32), total.astype(np.float32))
    cv2.threshold(made, 0, 0, cv2.THRESH_TOZERO, dst=made)
    return cv2.convertScaleAbs(made).reshape(image.shape)  # rounds and stops at 255


def _turn(share: float) -> np.ndarray:
    """Rodrigues's rotation about (1, 1, 1)."""
    angle = 2 * math.pi * share
    third, sine = (1 - math.cos(angle)) / 3, math.sin(angle) / math.sqrt(3)
    same, following, previous = math.cos(angle) + third, third - sine, third + sine
    return np.array([[same, following, previous], [previous, same, following], [following, previous, same]])


def noise(image: np.ndarray, values: dict[str, float]) -> np.ndarray:
    """Returns the image plus normal noise of deviation `value`·255, an own number for every value."""
    if not values["value"]:
        return image
    generator = np.random.Generator(np.random.SFC64(int(values["pattern"] * 2**32)))
    field = generator.standard_normal(image.shape, np.float32) * np.float32(255 * values["value"])
    return np.clip(np.rint(field + image), 0, 255).astype(np.uint8)


def blur(image: np.ndarray, values: dict[str, float]) -> np.ndarray:
    """Returns the image smoothed by a Gaussian of deviation `value`·(shorter side)."""
    deviation = values["value"] * min(image.shape[:2])
    return cv2.GaussianBlur(image, (0, 0), deviation).reshape(image.shape) if deviation > 0 else image


def erase(image: np.ndarray, values: dict[str, float]) -> np.ndarray:
    """Returns the image with a rectangle in its mean colour (Zhong et al., "Random erasing", 2017)."""
    wide = min(1.0, math.sqrt(values["value"] * values["aspect"]))
    high = min(1.0, values["value"] / wide) if wide else 0.0
    wide = min(1.0, values["value"] / high) if high else 0.0
    rows, columns = rectangle(image.shape, high, wide, values)
    made = image.copy()
    made[rows, columns] = np.rint(cv2.mean(image)[: image.shape[2]])
    return made


def rectangle(shape: tuple[int, ...], high: float, wide: float, values: dict[str, float]) -> tuple[slice, slice]:
    """Returns rows and columns of a rectangle that is this share of each side, at the drawn place, all of it inside."""
    rows, columns = round(high * shape[0]), round(wide * shape[1])
    top = min(int(values["y"] * (shape[0] - rows + 1)), shape[0] - rows)
    left = min(int(values["x"] * (shape[1] - columns + 1)), shape[1] - columns)
    return slice(top, top + rows), slice(left, left + columns)
