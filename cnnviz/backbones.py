"""The backbones of Keras Applications in numbers: layers, parameters, shapes. Importing this loads no TensorFlow.

What Keras says of them is in `backbones.json`, written by `python -m cnnviz.models.build.backbone_table`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

__all__ = ["BACKBONES", "BackboneLayer", "Facts", "frozen_count", "layers", "openings", "output_shape", "stays"]

TABLE = Path(__file__).with_name("backbones.json")
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue, as shares of 255."""
CAFFE_MEAN = (103.939, 116.779, 123.68)
"""Of ImageNet's blue, green and red, as Keras's "caffe" mode has them."""
NORMALISATION = "BatchNormalization"
STRIDE = 32
"""By how much all of them shrink an image's sides."""


@dataclass(frozen=True)
class Facts:
    """One of `keras.applications`, without its top.

    `size` is the side of the images that its weights were made with, `least` the smallest that it takes.
    `preprocessing` says what happens to 0..255 pixels inside the saved model: `caffe` (blue, green, red, less
    ImageNet's mean), `symmetric` (-1..1) or `imagenet` (less ImageNet's mean, over its deviation, for each channel).
    `rounds` says what becomes of a side that 32 doesn't divide.
    """

    title: str
    channels: int
    preprocessing: Literal["caffe", "symmetric", "imagenet"]
    rounds: Literal["up", "down"]
    normalises: bool
    size: int = 224
    least: int = 32


BACKBONES: dict[str, Facts] = {
    "VGG16": Facts("VGG16", 512, "caffe", "down", normalises=False),
    "MobileNetV2": Facts("MobileNetV2", 1280, "symmetric", "up", normalises=True),
    "ResNet50V2": Facts("ResNet50V2", 2048, "symmetric", "up", normalises=True),
    "EfficientNetV2B0": Facts("EfficientNetV2-B0", 1280, "imagenet", "up", normalises=True),
    "ConvNeXtTiny": Facts("ConvNeXt-Tiny", 768, "imagenet", "down", normalises=False),
}
"""By the names of their functions. `normalises` says whether there are batch normalisations in it."""


@dataclass(frozen=True)
class BackboneLayer:
    """A layer in its place: all its weights, those that training changes where it is not frozen, and what it costs.

    `macs` is the multiplications and additions for one image of the backbone's own size.
    """

    name: str
    type: str
    parameters: int
    trainable: int
    macs: int


@cache
def layers(name: str) -> tuple[BackboneLayer, ...]:
    """Returns a backbone's layers in the order in which they stand in the model."""
    return tuple(BackboneLayer(*row) for row in json.loads(TABLE.read_text(encoding="utf-8"))[name])


def openings(name: str) -> tuple[str, ...]:
    """Returns the layers from which a backbone can be trained: those that learn, whatever its weights are."""
    return tuple(layer.name for layer in layers(name) if layer.trainable and layer.type != NORMALISATION)


def frozen_count(name: str, trainable_from: str | None) -> int:
    """Returns how many layers stand before the one that training begins with: all for `None`, none for ""."""
    found = layers(name)
    if trainable_from is None:
        return len(found)
    return next((at for at, layer in enumerate(found) if layer.name == trainable_from), 0) if trainable_from else 0


def stays(name: str, trainable_from: str | None, weights: str) -> tuple[bool, ...]:
    """Returns for each layer whether it stays as it is: those before the opening, and with ImageNet's weights all batch
    normalisations, whose means and variances small batches would spoil (Keras's guide to transfer learning)."""
    first, kept = frozen_count(name, trainable_from), weights == "imagenet"
    return tuple(at < first or (kept and layer.type == NORMALISATION) for at, layer in enumerate(layers(name)))


def output_shape(name: str, height: int, width: int) -> tuple[int, int, int]:
    """Returns the shape of a backbone's features for images of this size."""
    facts = BACKBONES[name]
    more = STRIDE - 1 if facts.rounds == "up" else 0
    return (height + more) // STRIDE, (width + more) // STRIDE, facts.channels
