"""A layer's channels for two pictures, networks or epochs, made comparable. Importing this loads no TensorFlow."""

from __future__ import annotations

import numpy as np

from cnnviz.mosaics import standardised

__all__ = ["apart", "both"]


def both(one: np.ndarray, other: np.ndarray, scale: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the channels of both as grey pictures, uint8 (h, w, k).

    Args:
        one: float32 (h, w, k).
        other: float32, whose sides and channels may be others unless the scale is `channel`.
        scale: from the least (0 where none is below) to the greatest value of `layer`, all channels on both sides, or
            of `channel`, this one on both sides; or `each`, every picture by itself, as `mosaics.standardised`.
    """
    if scale == "each":
        return standardised(one), standardised(other)
    axes = (0, 1) if scale == "channel" else None
    low = np.minimum(np.minimum(one.min(axis=axes), other.min(axis=axes)), 0)
    span = np.maximum(one.max(axis=axes), other.max(axis=axes)) - low
    factor = np.divide(255, span, out=np.zeros_like(span, np.float64), where=span > 0)
    first, second = (np.rint((values - low) * factor).clip(0, 255).astype(np.uint8) for values in (one, other))
    return first, second


def apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Returns how far apart each channel's values are, at each place and in the mean of all: float64 (k,).

    Args:
        one: float32 (h, w, k).
        other: float32 of the same shape.
    """
    return np.abs(one.astype(np.float64) - other).mean(axis=(0, 1))
