"""What a person says of a `.keras` file that it doesn't say itself: pixels, classes and what its numbers are.

Importing this loads no TensorFlow.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from cnnviz.backbones import CAFFE_MEAN

__all__ = ["OUTPUTS", "PIXEL_SCALES", "Outputs", "Scale", "class_lists", "scaled"]

Scale = Literal["raw", "unit", "symmetric", "caffe"]
PIXEL_SCALES: dict[str, str] = {
    "raw": "0..255, or scaled inside the model",
    "unit": "0..1",
    "symmetric": "-1..1",
    "caffe": "0..255 as BGR less ImageNet's mean (VGG16, ResNet50)",
}
"""What a model takes for pixels; `caffe` is what Keras Applications' VGG and first ResNet want."""
Outputs = Literal["auto", "probabilities", "scores"]
OUTPUTS: dict[str, str] = {
    "auto": "what its last steps say",
    "probabilities": "probabilities",
    "scores": "raw scores (logits)",
}
"""What a model's numbers are; a choice counts only where its graph leaves it open."""


def scaled(pixels: Any, scale: Scale) -> Any:
    """Returns pixels, a float32 array or tensor (n, height, width, channels) of 0..255, as a model of this scale takes
    them."""
    if scale == "caffe":
        return pixels[..., ::-1] - np.array(CAFFE_MEAN, np.float32)
    if scale == "unit":
        return pixels / 255
    return pixels / 127.5 - 1 if scale == "symmetric" else pixels


def class_lists(text: str) -> list[list[str]] | None:
    """Returns the class names that a person typed, a list for each output; `None` where there are none.

    Names are separated by commas, outputs stand on lines of their own; lines without any comma are the names of one
    output.
    """
    lines = [line.strip().strip(",") for line in text.splitlines() if line.strip(" ,")]
    if not lines:
        return None
    if not any("," in line for line in lines):
        return [lines]
    return [[name.strip() for name in line.split(",") if name.strip()] for line in lines]
