"""Images as spectra of decorrelated colours, which gradient ascent changes evenly in all frequencies and colours.

Olah, Mordvintsev & Schubert 2017 (doi:10.23915/distill.00007) and their library Lucid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

__all__ = ["image", "spectrum", "total_variation", "transform", "transforms"]

_COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], np.float32)
"""Root of the colours' covariance in natural images, as Lucid states it."""


def spectrum(draw: np.random.Generator, size: int, channels: int) -> np.ndarray:
    """Returns a random start: float32 (channels, size, size // 2 + 1, 2), real and imaginary parts."""
    return draw.normal(0, 0.01, (channels, size, size // 2 + 1, 2)).astype(np.float32)


def image(spectra: Any, size: int) -> Any:
    """Returns the images 0..1, (n, size, size, channels), of spectra (n, channels, size, size // 2 + 1, 2)."""
    rows, columns = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]
    scale = size / np.maximum(np.sqrt(rows**2 + columns**2), 1 / size)
    values = tf.signal.irfft2d(tf.complex(spectra[..., 0], spectra[..., 1]) * scale.astype(np.complex64), [size, size])
    values = tf.transpose(values, [0, 2, 3, 1]) / 4
    if values.shape[-1] == 3:
        values = tf.einsum("nhwc,dc->nhwd", values, _COLOURS / np.linalg.norm(_COLOURS, axis=0).max())
    return tf.sigmoid(values)


def transforms(draw: np.random.Generator, steps: int, size: int) -> np.ndarray:
    """Returns a random jitter, rotation and scale for each step as projective transforms, float32 (steps, 8).

    Up to an eighth of the side along each axis, 10 degrees, 10 percent; about the image's middle.
    """
    angle = np.deg2rad(draw.uniform(-10, 10, steps))
    factor = draw.uniform(0.9, 1.1, steps)
    shift = draw.uniform(-size / 8, size / 8, (2, steps))
    cos, sin, middle = np.cos(angle) / factor, np.sin(angle) / factor, (size - 1) / 2
    x = middle - cos * middle + sin * middle + shift[0]
    y = middle - sin * middle - cos * middle + shift[1]
    zero = np.zeros(steps)
    return np.stack([cos, -sin, x, sin, cos, y, zero, zero], axis=1).astype(np.float32)


def transform(images: Any, moves: Any) -> Any:
    """Returns images (n, h, w, c) moved by transforms (n, 8); what comes in from outside is their mirror image."""
    found = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=moves,
        output_shape=tf.shape(images)[1:3],
        interpolation="BILINEAR",
        fill_mode="REFLECT",
        fill_value=0.0,
    )
    return tf.ensure_shape(found, images.shape)


def total_variation(images: Any, axes: Sequence[int] = (1, 2, 3)) -> Any:
    """Returns each image's total variation, (n,): the sum of the differences between neighbours."""
    down = tf.abs(images[:, 1:] - images[:, :-1])
    across = tf.abs(images[:, :, 1:] - images[:, :, :-1])
    return tf.reduce_sum(down, axes) + tf.reduce_sum(across, axes)
