"""What is measured of every image of a data set before anything is judged: digest, thumbnail and properties."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pandas as pd

from cnnviz import images
from cnnviz.audit.pool import Pool
from cnnviz.errors import ImageError
from cnnviz.files import open_regular
from cnnviz.progress import CancelCheck, Progress, batches

__all__ = ["PLACES", "THUMBNAIL", "Features", "Measurements", "measure"]

THUMBNAIL = 32
"""Pixels of a thumbnail's sides."""
PLACES = ("border", "upper left corner", "upper right corner", "lower left corner", "lower right corner")
_WORKING = 224  # pixels of the longer side on which properties are measured, so that sharpness compares
_CORNER = 0.08
_CHUNK = 32


@dataclass(frozen=True, eq=False)
class Measurements:
    """What was measured of a pool's images, in its order; what can't be read has its reason in `unreadable`.

    Attributes:
        digests: SHA-256 of each file's bytes, of an array's image of its pixels; "" where the file can't be read or is
            too large.
        thumbnails: grey, uint8 (n, 32, 32).
        properties: a row for each image: `width` and `height` in pixels, `bytes`, `format`, `camera`; of grey values
            0..255 `brightness` (mean), `contrast` (standard deviation), `darkest` and `brightest` (1st and 99th
            percentile); `saturation` (mean of the channels' range, 0..255); `sharpness` (variance of the Laplacian at
            224 pixels); and for each of `PLACES` four columns, such as "border 0": the mean of red, green and blue
            and the standard deviation.
        unreadable: name → reason.
    """

    digests: np.ndarray
    thumbnails: np.ndarray
    properties: pd.DataFrame
    unreadable: dict[str, str]

    @property
    def readable(self) -> np.ndarray:
        """Which images could be read, bool (n,)."""
        return self.properties["width"].to_numpy() > 0


@dataclass(frozen=True, eq=False)
class Features:
    """What a model makes of a pool's images.

    Attributes:
        model: what made them, in words.
        kept: positions of the images in the pool, int64 (m,), ascending.
        matrix: float32 (m, k).
        probabilities: for each head, out of fold, float32 (m, classes).
    """

    model: str
    kept: np.ndarray
    matrix: np.ndarray
    probabilities: dict[str, np.ndarray]


def measure(pool: Pool, *, progress: Progress | None = None, cancelled: CancelCheck | None = None) -> Measurements:
    """Reads every image once, on all cores.

    Args:
        pool: the images.
        progress: called with images done and in all.
        cancelled: asked now and then; `True` ends the work.

    Raises:
        Cancelled: `cancelled` said so.
    """
    count = len(pool)
    digests, thumbnails = np.zeros(count, "U64"), np.zeros((count, THUMBNAIL, THUMBNAIL), np.uint8)
    rows: list[dict[str, Any]] = []
    unreadable = {}
    for i, (digest, thumbnail, row, reason) in enumerate(_all(pool, progress, cancelled)):
        digests[i] = digest
        rows.append(row)
        if thumbnail is None:
            unreadable[pool.names[i]] = reason
        else:
            thumbnails[i] = thumbnail
    return Measurements(digests, thumbnails, pd.DataFrame(rows, columns=_COLUMNS), unreadable)


_STATISTICS = ("brightness", "contrast", "darkest", "brightest", "saturation", "sharpness")
_COLUMNS = ["width", "height", "bytes", "format", "camera", *_STATISTICS]
_COLUMNS += [f"{place} {k}" for place in PLACES for k in range(4)]
_UNREAD = {name: "" if name in ("format", "camera") else 0 for name in _COLUMNS}
_One = tuple[str, np.ndarray | None, dict[str, Any], str]


def _all(pool: Pool, progress: Progress | None, cancelled: CancelCheck | None) -> Iterator[_One]:
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as threads:
        for part in batches(len(pool), _CHUNK * workers, "Reading images", progress, cancelled):
            yield from threads.map(lambda i: _measured(pool, i), range(part.start, part.stop), chunksize=_CHUNK)


def _measured(pool: Pool, i: int) -> _One:
    """Digest, thumbnail, properties, and why there are none."""
    split, position = pool.dataset.splits[pool.split[i]], int(pool.position[i])
    path, digest, facts = split.path_of(position), "", {"bytes": 0, "format": "", "camera": ""}
    try:
        if path is None:
            image = split.image(position)
            digest = hashlib.sha256(f"{image.shape}".encode() + image.tobytes()).hexdigest()
        else:
            with open_regular(path) as file:
                data = file.read(images.MAX_BYTES + 1)
            if len(data) > images.MAX_BYTES:
                images.decode(path)  # says that it is too large
            digest = hashlib.sha256(data).hexdigest()
            facts = _of_file(data)
            image = images.decode(data, split.bits)
    except OSError as error:
        return digest, None, _UNREAD, f"It can't be read ({error.strerror or error})."
    except ImageError as error:
        return digest, None, _UNREAD, str(error)
    return digest, *_of_pixels(image, facts), ""


def _of_file(data: bytes) -> dict[str, Any]:
    """What a file says of itself; of one that `decode` refuses, nothing."""
    kind, camera = "", ""
    with suppress(ImageError):  # `decode` says it
        kind, camera = images.origin(data)
    return {"bytes": len(data), "format": kind, "camera": camera}


def _of_pixels(image: np.ndarray, facts: dict[str, Any]) -> tuple[np.ndarray, dict[str, Any]]:
    height, width = image.shape[:2]
    if max(height, width) > _WORKING:
        scale = _WORKING / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1)
    colour = image.shape[2] == 3
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if colour else np.ascontiguousarray(image[..., 0])
    thumbnail = cv2.resize(grey, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    histogram = np.bincount(grey.ravel(), minlength=256)
    below = np.cumsum(histogram) / grey.size
    mean = float(histogram @ _GREYS) / grey.size
    row = {
        "width": width,
        "height": height,
        **facts,
        "brightness": mean,
        "contrast": float(np.sqrt(histogram @ (_GREYS - mean) ** 2 / grey.size)),
        "darkest": float(np.searchsorted(below, 0.01)),
        "brightest": float(np.searchsorted(below, 0.99)),
        "saturation": _saturation(image) if colour else 0.0,
        "sharpness": float(cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))[1][0, 0] ** 2),
    }
    high, wide = (max(2, round(_CORNER * side)) for side in image.shape[:2])
    ring = np.ones(grey.shape, np.uint8)
    ring[high:-high, wide:-wide] = 0
    corners = (image[:high, :wide], image[:high, -wide:], image[-high:, :wide], image[-high:, -wide:])
    for place, part, mask in zip(PLACES, (image, *corners), (ring, *[None] * 4), strict=True):
        means, deviations = cv2.meanStdDev(part, mask=mask)
        for k in range(3):
            row[f"{place} {k}"] = float(means[k if colour else 0, 0])
        row[f"{place} 3"] = float(deviations.mean())
    return thumbnail, row


_GREYS = np.arange(256)


def _saturation(image: np.ndarray) -> float:
    red, green, blue = cv2.split(image)
    most, least = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    return float(cv2.mean(most)[0] - cv2.mean(least)[0])
