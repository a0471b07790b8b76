"""Which classes a model predicts for very many images: compiled, in passes so small that their memory is used again.

Importing this loads no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = ["class_predictor", "pass_size", "predicted_classes"]

_PIXELS = 8 * 128 * 128  # what more take goes back to the system after each pass, which costs as much as the pass


def class_predictor(classifier: Classifier) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Returns a function of uint8 images (n, *image_size, channels), which gives each head's predicted classes, int64
    (n,). It is kept with the model.

    Raises:
        ModelError: the model can't be taken apart or compiled.

    Example:
        >>> class_predictor(classifier)(images)  # doctest: +SKIP
        [array([1, 0, 1])]
    """
    from cnnviz.models.graph.graph import flatten, trace  # brings TensorFlow

    graph, size = flatten(classifier), pass_size(classifier)

    def compute(pixels: Any) -> list[Any]:
        return [predicted_classes(one) for one in graph.logits(pixels)]

    compiled = graph.kept("class predictor", lambda: trace(compute, graph.signature))

    def predict(images: np.ndarray) -> list[np.ndarray]:
        passes = [compiled(classifier.pixels(images[at : at + size])) for at in range(0, len(images), size)]
        return [np.concatenate(of_head) for of_head in zip(*passes, strict=True)]

    return predict


def pass_size(classifier: Classifier, pixels: int = _PIXELS) -> int:
    """Returns how many images of the model's size have about so many pixels; no more than it predicts at once."""
    height, width = classifier.image_size
    return int(np.clip(pixels // (height * width), 1, classifier.at_once))


def predicted_classes(logits: Any) -> Any:
    """Returns the classes of a head's logits (n, units) as a tensor, int64 (n,)."""
    import tensorflow as tf

    return tf.cast(logits[:, 0] > 0, tf.int64) if logits.shape[-1] == 1 else tf.argmax(logits, 1, tf.int64)
