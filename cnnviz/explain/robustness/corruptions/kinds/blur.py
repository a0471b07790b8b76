"""Blur. Its lengths in pixels go with the image's shorter side."""

from __future__ import annotations

import cv2
import numpy as np

from cnnviz.explain.robustness.corruptions.corruption import Corruption, filtered, kernel_of, line_kernel, scale_of

__all__ = ["CORRUPTIONS"]

_DISKS = (3, 4, 6, 8, 10)
_GLASS = ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2))
_MOTIONS = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))
_ZOOMS = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))


def _defocus(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """The mean over a disk. The paper's code smooths the disk's stairs by a Gaussian, here they are interpolated."""
    at = (np.arange(96) + 0.5) / 48 - 1
    rows, columns = (one.ravel() for one in np.meshgrid(at, at))
    inside = rows**2 + columns**2 <= 1
    radius = _DISKS[severity - 1] * scale_of(image)
    return filtered(image, kernel_of(radius * rows[inside], radius * columns[inside], np.ones(inside.sum())))


def _glass(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """Blurs, takes each pixel from a place nearby, several times, and blurs again.

    The paper's code swaps whole pixels one after the other; here all are taken at once, from places between pixels too,
    as in small images they are taken from less than a pixel away.
    """
    deviation, farthest, times = _GLASS[severity - 1]
    scale, (height, width) = scale_of(image), image.shape[:2]
    found = _smoothed(image, deviation * scale)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    for _ in range(times):
        moved = scale * random.uniform(-farthest, farthest, (2, height, width)).astype(np.float32)
        found = cv2.remap(
            found, columns + moved[0], rows + moved[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
    return _smoothed(found.reshape(image.shape), deviation * scale)


def _motion(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    radius, deviation = (length * scale_of(image) for length in _MOTIONS[severity - 1])
    return filtered(image, line_kernel(radius, deviation, random.uniform(-45, 45)))


def _zoom(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """The mean of the image and of enlargements about its middle."""
    end, step = _ZOOMS[severity - 1]
    factors = np.arange(1, end, step)
    height, width = image.shape[:2]
    total = image.astype(np.float32).copy()
    for factor in factors:
        back = np.array(
            [
                [1 / factor, 0, (width - 1) / 2 * (1 - 1 / factor)],
                [0, 1 / factor, (height - 1) / 2 * (1 - 1 / factor)],
            ]
        )
        total += cv2.warpAffine(image, back, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP).reshape(
            image.shape
        )
    return total / (len(factors) + 1)


def _smoothed(image: np.ndarray, deviation: float) -> np.ndarray:
    found: np.ndarray = cv2.GaussianBlur(image, (0, 0), deviation).reshape(image.shape)
    return found


CORRUPTIONS = (
    Corruption("defocus-blur", "Defocus blur", "blur", 1, "Out of focus: each point becomes a disk.", _defocus),
    Corruption(
        "glass-blur", "Frosted glass blur", "blur", 2, "Behind frosted glass: pixels nearby are mixed up.", _glass
    ),
    Corruption("motion-blur", "Motion blur", "blur", 3, "The camera moves: each point becomes a line.", _motion),
    Corruption("zoom-blur", "Zoom blur", "blur", 4, "The camera moves towards it: enlargements are averaged.", _zoom),
)
