"""What a network's outputs mean: class probabilities of every head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cnnviz.errors import ModelError
from cnnviz.network import Head

__all__ = ["ask", "probabilities"]

BATCH = 64


def probabilities(outputs: Any, heads: Sequence[Head]) -> list[np.ndarray]:
    """Returns the class probabilities of every head, float32 (n, classes); rows sum to 1.

    Args:
        outputs: what the network gave: one array (n, units), or a list of them for several heads.
        heads: the recipe's, in the outputs' order. A softmax's outputs are probabilities already; one sigmoid unit is
            the second class's probability; logits are put through softmax, or through a sigmoid where it is one unit.

    Raises:
        ModelError: another number of outputs or units than the heads have.
    """
    arrays = [np.asarray(one) for one in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]
    if len(arrays) != len(heads):
        raise ModelError(f"The network has {len(arrays)} outputs but its recipe {len(heads)} heads: train it anew.")
    return [_probabilities(values, head) for values, head in zip(arrays, heads, strict=True)]


def _probabilities(values: np.ndarray, head: Head) -> np.ndarray:
    if values.ndim != 2 or values.shape[1] != head.units:
        raise ModelError(f"The output {head.name!r} has the shape {values.shape}: expected (n, {head.units}).")
    values = values.astype(np.float64)
    if head.units == 1:
        second = values if head.activation == "sigmoid" else _sigmoid(values)
        return np.concatenate([1 - second, second], axis=1).astype(np.float32)
    if head.activation == "logits":
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        values = powers / powers.sum(axis=1, keepdims=True)
    return values.astype(np.float32)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    """1 / (1 + e⁻ˣ), written so that nothing overflows."""
    small = np.exp(-np.abs(values))
    return np.where(values >= 0, 1 / (1 + small), small / (1 + small))


def ask(model: Callable[..., Any], images: np.ndarray, heads: Sequence[Head], batch: int = BATCH) -> list[np.ndarray]:
    """Returns `probabilities` of pictures, uint8 (n, height, width, channels) at the network's size, in batches.

    Args:
        model: a Keras model, or anything that is called as `model(float32 pixels 0..255, training=False)`.
    """
    parts = [
        probabilities(model(images[start : start + batch].astype(np.float32), training=False), heads)
        for start in range(0, len(images), batch)
    ]
    if not parts:
        return [np.empty((0, head.classes), np.float32) for head in heads]
    return [np.concatenate(found) for found in zip(*parts, strict=True)]
