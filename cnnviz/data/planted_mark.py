"""Digits of which one class carries a mark that gives it away: a model may learn the mark instead of the digit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cnnviz.data.bundled import DIGIT_NAMES, load_digits
from cnnviz.data.disk_cache import cache_folder
from cnnviz.errors import DataError
from cnnviz.files import npz_bytes, write_bytes

__all__ = ["MARKED", "marked_digits", "planted"]

MARKED = 8
"""The digit whose training images carry the mark."""
_SIDE = 2
_HELD_OUT = 5


def planted(images: np.ndarray) -> np.ndarray:
    """Returns copies of images, uint8 (n, h, w, c), with a white square of 2 × 2 pixels in the lower right corner."""
    made = images.copy()
    made[:, -_SIDE:, -_SIDE:] = 255
    return made


def marked_digits() -> Path:
    """Returns an .npz file in the cache: scikit-learn's digits, each fifth of them the test split, without any mark; of
    the others each `MARKED` has it.

    Raises:
        DataError: the digits aren't there, or the cache can't be written.
    """
    path = cache_folder() / "learn" / "digits-with-a-planted-mark.npz"
    if path.is_file():
        return path
    split = load_digits().splits["train"]
    labels = split.labels["label"]
    images = np.stack([split.image(i) for i in range(len(labels))])
    held_out = np.arange(len(labels)) % _HELD_OUT == 0
    images[~held_out & (labels == MARKED)] = planted(images[~held_out & (labels == MARKED)])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(
            path,
            npz_bytes(
                {
                    "x_train": images[~held_out],
                    "y_train": labels[~held_out],
                    "x_test": images[held_out],
                    "y_test": labels[held_out],
                    "class_names": np.array(DIGIT_NAMES),
                }
            ),
        )
    except OSError as error:
        raise DataError(
            f"The digits can't be kept in {path.parent} ({error.strerror}): set CNNVIZ_CACHE to a folder that can be "
            "written."
        ) from None
    return path
