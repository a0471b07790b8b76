"""A layer's channels for two images, models or epochs, made comparable. Importing this loads no TensorFlow."""

from __future__ import annotations

import numpy as np

from cnnviz.mosaics import Shades, greatest, levels

__all__ = ["apart", "both"]


def both(one: np.ndarray, other: np.ndarray, scale: str) -> tuple[Shades, Shades]:
    """Returns the channels of both in colours that begin at 0.

    Args:
        one: float32 (h, w, k).
        other: float32, whose sides and channels may be others unless the scale is `channel`.
        scale: to the greatest size of `layer`, all channels on both sides, or of `channel`, this one on both sides; or
            `each`, every channel of every image by itself.
    """
    first, second = (greatest(values, "one" if scale == "layer" else "each") for values in (one, other))
    if scale == "layer":
        full = max(first.max(initial=0), second.max(initial=0))
        first, second = np.full_like(first, full), np.full_like(second, full)
    elif scale == "channel":
        first = second = np.maximum(first, second)
    return levels(one, first), levels(other, second)


def apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Returns how far apart each channel's values are, at each position and in the mean of all: float64 (k,).

    Args:
        one: float32 (h, w, k).
        other: float32 of the same shape.
    """
    distances: np.ndarray = np.abs(one.astype(np.float64) - other).mean(axis=(0, 1))
    return distances
