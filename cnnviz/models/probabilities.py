"""What a model's outputs mean: class probabilities of every head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cnnviz.errors import ModelError, enough_memory
from cnnviz.model_spec import Head
from cnnviz.probabilities import softmax

__all__ = ["predict", "probabilities"]

BATCH = 64


def probabilities(outputs: Any, heads: Sequence[Head], count: int | None = None) -> list[np.ndarray]:
    """Returns the class probabilities of every head, float32 (n, classes); rows sum to 1.

    Args:
        outputs: what the model gave: one array (n, units), or a list of them for several heads.
        heads: the recipe's, in the outputs' order. A softmax's outputs are probabilities already; one sigmoid unit is
            the second class's probability; logits are put through softmax, or through a sigmoid where it is one unit.
        count: how many images the model was given, which a model that mixes them may not answer for each.

    Raises:
        ModelError: another number of outputs, units or rows than there must be, or values that are no numbers.
    """
    arrays = [np.asarray(one) for one in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]
    if len(arrays) != len(heads):
        raise ModelError(f"The model has {len(arrays)} outputs but its recipe {len(heads)} heads: train it anew.")
    return [_probabilities(values, head, count) for values, head in zip(arrays, heads, strict=True)]


def _probabilities(values: np.ndarray, head: Head, count: int | None) -> np.ndarray:
    if values.ndim != 2 or values.shape[1] != head.units or count not in (None, len(values)):
        wanted = "n" if count is None else count
        raise ModelError(f"The output {head.name!r} has the shape {values.shape}: expected ({wanted}, {head.units}).")
    if not np.isfinite(values).all():
        raise ModelError(
            f"The output {head.name!r} is not a number (NaN) or infinite: the model's weights are "
            "damaged, or it was trained with too large a learning rate. Train it anew."
        )
    values = values.astype(np.float64)
    if head.units == 1:
        second = values if head.activation == "sigmoid" else _sigmoid(values)
        return np.concatenate([1 - second, second], axis=1).astype(np.float32)
    if head.activation == "logits":
        values = softmax(values)
    return values.astype(np.float32)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    """1 / (1 + e⁻ˣ), written so that nothing overflows."""
    small = np.exp(-np.abs(values))
    found: np.ndarray = np.where(values >= 0, 1 / (1 + small), small / (1 + small))
    return found


@enough_memory()
def predict(
    model: Callable[..., Any], images: np.ndarray, heads: Sequence[Head], batch: int = BATCH
) -> list[np.ndarray]:
    """Returns `probabilities` of images, uint8 (n, height, width, channels) at the model's size, in batches.

    Args:
        model: a Keras model, or anything that is called as `model(float32 pixels 0..255, training=False)`.
    """
    parts = [
        probabilities(model(part.astype(np.float32), training=False), heads, len(part))
        for part in (images[start : start + batch] for start in range(0, len(images), batch))
    ]
    if not parts:
        return [np.empty((0, head.classes), np.float32) for head in heads]
    return [np.concatenate(found) for found in zip(*parts, strict=True)]
