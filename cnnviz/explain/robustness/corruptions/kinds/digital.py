"""What happens to images in computers: contrast, elastic distortions, pixels, compression."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from cnnviz import images
from cnnviz.explain.robustness.corruptions.corruption import Corruption, layer_size, resized, scale_of

__all__ = ["CORRUPTIONS"]

_CONTRASTS = (0.4, 0.3, 0.2, 0.1, 0.05)
_ELASTIC = tuple(
    tuple(244 * part for part in parts)  # the paper's code has 244 where it means 224
    for parts in ((2, 0.7, 0.1), (2, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02))
)
"""The displacements' factor, their Gaussian's deviation, and how far three points are moved, in pixels of 224."""
_SIDES = (0.6, 0.5, 0.4, 0.3, 0.25)
_QUALITIES = (25, 18, 15, 10, 7)


def _contrast(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    means = image.mean(axis=(0, 1), keepdims=True)
    found: np.ndarray = (image - means) * _CONTRASTS[severity - 1] + means
    return found


def _elastic(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """An affine map by three random points, and then smooth random displacements.

    As in the paper's code severities 1 and 2 move much and far, 3 to 5 little and finely.
    """
    factor, deviation, farthest = _ELASTIC[severity - 1]
    scale, (height, width) = scale_of(image), image.shape[:2]
    middle, third = np.array([width // 2, height // 2]), min(height, width) / 3
    points = middle + third * np.array([[1, 1], [1, -1], [-1, -1]])
    moved = points + scale * random.uniform(-farthest, farthest, (3, 2))
    turned = cv2.warpAffine(
        image,
        cv2.getAffineTransform(points.astype(np.float32), moved.astype(np.float32)),
        (width, height),
        borderMode=cv2.BORDER_REFLECT_101,
    )
    right, down = (
        scale * factor * resized(_smooth(random.uniform(-1, 1, layer_size(image)), deviation), image) for _ in range(2)
    )
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    found: np.ndarray = cv2.remap(turned, columns + right, rows + down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return found.reshape(image.shape)


def _smooth(values: np.ndarray, deviation: float) -> np.ndarray:
    """Values (h, w) smoothed by a Gaussian with mirrored borders, by the cosine transform: as fast however broad."""
    from scipy.fft import dctn, idctn

    height, width = values.shape
    rows, columns = np.pi * np.arange(height) / height, np.pi * np.arange(width) / width
    falls = np.exp(-(deviation**2) / 2 * (rows[:, None] ** 2 + columns**2))
    found: np.ndarray = idctn(dctn(values, norm="ortho") * falls, norm="ortho")
    return found


def _pixelate(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    height, width = image.shape[:2]
    share = _SIDES[severity - 1]
    small = _of_values(image).resize((int(width * share), int(height * share)), Image.Resampling.BOX)
    read = small.resize((width, height), Image.Resampling.BOX)
    return np.asarray(read, np.float32).reshape(image.shape) / 255


def _jpeg(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    file = io.BytesIO()
    _of_values(image).save(file, "JPEG", quality=_QUALITIES[severity - 1])
    return np.asarray(images.decode(file.getvalue())[..., : image.shape[2]], np.float32) / 255


def _of_values(image: np.ndarray) -> Image.Image:
    values = np.rint(255 * image).astype(np.uint8)
    return Image.fromarray(values[..., 0] if values.shape[2] == 1 else values)


CORRUPTIONS = (
    Corruption("contrast", "Contrast", "digital", 1, "All comes nearer to the mean of its colour.", _contrast),
    Corruption(
        "elastic-transform",
        "Elastic transform",
        "digital",
        2,
        "It is stretched as a whole and place by place.",
        _elastic,
    ),
    Corruption(
        "pixelate", "Pixelate", "digital", 3, "It is made smaller, and large again with coarse pixels.", _pixelate
    ),
    Corruption("jpeg-compression", "JPEG compression", "digital", 4, "It is kept as a JPEG of low quality.", _jpeg),
)
