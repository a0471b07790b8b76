"""A model that is ready to be asked, wherever it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np

from cnnviz import images
from cnnviz.errors import enough_memory
from cnnviz.model_spec import Head
from cnnviz.models.load.file_options import Scale, scaled
from cnnviz.models.probabilities import BATCH, probabilities
from cnnviz.recipe import Recipe

__all__ = ["Classifier"]


@dataclass(frozen=True, eq=False)
class Classifier:
    """A Keras model, never compiled and never changed, with all that is needed to predict images with it.

    `name` is a run's id or a file's name; `heads` stand in the outputs' order; `classes` are each head's class names;
    `image_size` is (height, width). A run's model is of scale `raw`, as it holds its own scaling. `scale_known` says
    whether that is so or a person said it; `doubts` are sentences on what can't be known of its numbers. `bits` is how
    many the images that it learned from use, where they had more than 8: images are to be decoded alike. `at_once` is
    how many images it predicts in one pass, so that what it makes of them fits into the memory.
    """

    name: str
    model: keras.Model
    heads: tuple[Head, ...]
    classes: dict[str, tuple[str, ...]]
    image_size: tuple[int, int]
    channels: Literal[1, 3] = 3
    crop: images.Crop = "whole"
    scale: Scale = "raw"
    recipe: Recipe | None = None
    scale_known: bool = True
    doubts: tuple[str, ...] = ()
    bits: int | None = None
    at_once: int = BATCH

    def fit(self, image: np.ndarray) -> np.ndarray:
        """Returns what the model sees of a uint8 image (height, width, 1 or 3): uint8 (*image_size, channels)."""
        return images.fit(image, self.image_size, channels=self.channels, crop=self.crop)

    def pixels(self, images: np.ndarray) -> np.ndarray:
        """Returns uint8 images (n, *image_size, channels) as the float32 pixels that the model takes."""
        found: np.ndarray = scaled(images.astype(np.float32), self.scale)
        return found

    @enough_memory()
    def predict(self, images: np.ndarray, *, prepared: bool = False) -> list[np.ndarray]:
        """Returns the class probabilities of each head, float32 (n, classes), in passes of `at_once` images.

        Args:
            images: uint8 (n, *image_size, channels), or what `pixels` makes of them.
            prepared: whether they are such pixels already.

        Raises:
            ModelError: the model's outputs are not what its heads say, or the memory is not enough.
        """
        parts = []
        for start in range(0, len(images), self.at_once):
            part = images[start : start + self.at_once]
            outputs = self.model(part if prepared else self.pixels(part), training=False)
            parts.append(probabilities(keras.tree.flatten(outputs), self.heads, len(part)))
        if not parts:
            return [np.empty((0, head.classes), np.float32) for head in self.heads]
        return [np.concatenate(found) for found in zip(*parts, strict=True)]
