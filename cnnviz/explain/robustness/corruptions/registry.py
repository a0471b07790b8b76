"""The corruptions: every file in `kinds/` that holds `CORRUPTIONS`. Importing this loads no TensorFlow."""

from __future__ import annotations

import zlib

import numpy as np

from cnnviz.discovery import found_in
from cnnviz.errors import ImageError, one_of
from cnnviz.explain.robustness.corruptions import kinds
from cnnviz.explain.robustness.corruptions.corruption import GROUPS, LEAST, SEVERITIES, Corruption

__all__ = ["CORRUPTIONS", "corrupt"]

_FOUND: list[Corruption] = [one for held in found_in(kinds, "CORRUPTIONS").values() for one in held]
CORRUPTIONS: dict[str, Corruption] = {
    one.id: one for one in sorted(_FOUND, key=lambda one: (GROUPS.index(one.group), one.rank, one.id))
}
"""By id; group by group, in the paper's order."""


def corrupt(image: np.ndarray, kind: str, severity: int, seed: int = 0) -> np.ndarray:
    """Returns a corrupted copy of an image: uint8 (height, width, channels).

    The constants are those of the paper's code for images of 224 pixels. Lengths in pixels go with the image's shorter
    side, so that an image looks alike at any size; noise is every value's own. The same seed gives the same image, and
    with other severities the same directions, flakes and displacements wherever they draw alike.

    Hendrycks & Dietterich 2019, arXiv:1903.12261.

    Args:
        image: uint8 (height, width, 1 or 3), its sides at least 8.
        kind: an id of `CORRUPTIONS`.
        severity: 1 to 5.
        seed: at least 0, of all that is drawn at random.

    Raises:
        ImageError: an image of another type or shape, no such kind or severity, or a seed below 0.

    Example:
        >>> grey = np.full((16, 16, 1), 100, np.uint8)
        >>> int(corrupt(grey, "brightness", 2).max())
        151
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3) or min(image.shape[:2]) < LEAST:
        raise ImageError(
            f"The image is {image.dtype} {image.shape}: expected uint8 (height, width, 1 or 3) with sides from {LEAST}."
        )
    if kind not in CORRUPTIONS:
        raise ImageError(f"There is no corruption {kind!r}: {one_of(kind, CORRUPTIONS)}.")
    if severity not in SEVERITIES:
        raise ImageError(f"The severity is {severity}: expected a whole number from 1 to {SEVERITIES[-1]}.")
    if seed < 0:
        raise ImageError(f"The seed is {seed}: expected a whole number from 0.")
    random = np.random.default_rng([seed, zlib.crc32(kind.encode())])  # a further kind changes no draw of the others
    found = CORRUPTIONS[kind].corrupt(image.astype(np.float32) / 255, int(severity), random)
    rounded: np.ndarray = np.rint(255 * np.clip(found, 0, 1)).astype(np.uint8)
    return rounded
