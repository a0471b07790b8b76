"""A map over the part of an image that the model was shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cnnviz import images
from cnnviz.explain.attribution.explain import Explanation
from cnnviz.explain.attribution.registry import METHODS
from cnnviz.overlay import overlay

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = ["image_overlay"]

OPACITY = 0.5


def image_overlay(classifier: Classifier, image: np.ndarray, made: Explanation) -> np.ndarray:
    """Returns the explanation's first map in colours over what the model's crop leaves of the image.

    Args:
        classifier: the model that was explained.
        image: uint8 (height, width, 3), whole.
        made: what was found of this image.

    Returns:
        uint8 RGB of the cropped image's own size.
    """
    top, left, height, width = images.crop_box(image.shape, classifier.image_size, classifier.crop)
    part = image[top : top + height, left : left + width]
    return overlay(part, made.map[0], OPACITY, by_strength=METHODS[made.method].by_strength)
