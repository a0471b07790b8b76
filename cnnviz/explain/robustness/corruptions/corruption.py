"""What every corruption is, and what kinds of them share: sizes, kernels and ways to take an image apart.

Importing this loads no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

__all__ = [
    "GROUPS",
    "LEAST",
    "REFERENCE",
    "SEVERITIES",
    "Corrupt",
    "Corruption",
    "filtered",
    "kernel_of",
    "layer_size",
    "line_kernel",
    "resized",
    "scale_of",
]

Corrupt = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]
"""From an image, float32 (height, width, 1 or 3) of 0..1, a severity 1..5 and what draws at random, to the corrupted
image, float (height, width, 1 or 3); it is clipped to 0..1 and rounded afterwards."""
GROUPS = ("noise", "blur", "weather", "digital")
SEVERITIES = (1, 2, 3, 4, 5)
REFERENCE = 224
"""The shorter side in pixels that the paper's lengths are for."""
LEAST = 8
"""The shortest side of an image that can be corrupted."""
_LONGEST = 8
"""A layer's longer side is at most so many times its shorter, so that a thin strip of an image takes no more memory."""


@dataclass(frozen=True)
class Corruption:
    """A kind of corruption.

    Attributes:
        id: its name in commands, files and code.
        title: what a page calls it.
        group: one of `GROUPS`.
        rank: its turn within the group.
        description: what it does, in one or two sentences.
        corrupt: see `Corrupt`.
    """

    id: str
    title: str
    group: Literal["noise", "blur", "weather", "digital"]
    rank: int
    description: str
    corrupt: Corrupt


def scale_of(image: np.ndarray) -> float:
    """Returns by what to multiply the paper's lengths in pixels, for an image (height, width, channels)."""
    return float(min(image.shape[:2])) / REFERENCE


def layer_size(image: np.ndarray) -> tuple[int, int]:
    """Returns the size (height, width) of a layer that is drawn as for 224 pixels and then resized to the image's."""
    scale = scale_of(image)
    height, width = (min(round(side / scale), _LONGEST * REFERENCE) for side in image.shape[:2])
    return height, width


def resized(layer: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Returns a layer, float (h, w) or (h, w, c), at the image's height and width: by means where it becomes smaller,
    linearly where it becomes larger."""
    height, width = image.shape[:2]
    way = cv2.INTER_AREA if height < layer.shape[0] else cv2.INTER_LINEAR
    found: np.ndarray = cv2.resize(layer.astype(np.float32), (width, height), interpolation=way)
    return found


def kernel_of(rows: np.ndarray, columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns the kernel that averages a linearly interpolated image over points around each pixel: float32 (k, k), its
    sum 1.

    So a disk or line may be shorter than a pixel, as in small images, and still blurs, and more the longer it is.

    Args:
        rows: (n,), how far below the pixel each point is; `columns` likewise to the right.
        columns: (n,).
        weights: (n,), at least 0.
    """
    reach = int(np.ceil(max(np.abs(rows).max(), np.abs(columns).max()))) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    for down in (0, 1):
        for right in (0, 1):
            share = np.abs(1 - down - (rows - top)) * np.abs(1 - right - (columns - left))
            np.add.at(kernel, (top + down + reach, left + right + reach), weights * share)
    found: np.ndarray = (kernel / kernel.sum()).astype(np.float32)
    return found


def line_kernel(radius: float, deviation: float, degrees: float) -> np.ndarray:
    """Returns the kernel of a motion: from a pixel on, as long as twice the radius, with the weights of half a
    Gaussian.

    Args:
        radius: in pixels, as `deviation`.
        deviation: of the Gaussian.
        degrees: the motion's direction, clockwise from the right.
    """
    along = np.linspace(0, 2 * radius, max(64, int(8 * radius)))
    angle = np.deg2rad(degrees)
    return kernel_of(along * np.sin(angle), along * np.cos(angle), np.exp(-(along**2) / (2 * deviation**2)))


def filtered(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Returns an image, float32 (h, w) or (h, w, c), correlated with a kernel; the border is mirrored."""
    found: np.ndarray = cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT_101).reshape(image.shape)
    return found
