"""What a backbone makes of every image of a split, computed once and kept in the cache folder."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from cnnviz import recipe
from cnnviz.data.dataset import Split
from cnnviz.data.disk_cache import cache_folder, files_digest, read_cached, write_cached
from cnnviz.data.split_images import SplitImages, iterate_fitted
from cnnviz.errors import DataError
from cnnviz.progress import CancelCheck, Progress

__all__ = ["BATCH", "features"]

BATCH = 64
_VERSION = 3  # raise it when features are computed otherwise


def features(
    split: Split,
    data: recipe.Data,
    stem: str,
    compute: Callable[[np.ndarray], np.ndarray],
    *,
    what: str = "features",
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> SplitImages:
    """Returns the features of every image of a split that can be read, float32 (n, ...), as its `array`.

    They are read from a file of the cache folder where the same were computed before: of the same images (paths,
    times and sizes, or pixels), cropped and sized alike, by the same stem.

    Args:
        split: where the images come from.
        data: the recipe's part with size, channels and crop.
        stem: what tells the part of the model that computes them, weights included, from all others.
        compute: from uint8 (n, height, width, channels), at most `BATCH` of them, to float32 (n, ...).
        what: what they are called in progress.
        progress: called with images done and in all.
        cancelled: asked now and then; `True` ends the work.

    Raises:
        DataError: not one image can be decoded, or the disk is too full.
        Cancelled: `cancelled` said so.
    """
    folder = cache_folder() / "features"
    name = _key(split, data, stem)

    def write(file: BinaryIO) -> dict[str, Any]:
        images = iterate_fitted(split, data, False, None, cancelled)
        return _write(split, images, compute, file, lambda done: _told(progress, what, split, done))

    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.bin" if name else None
        if path is not None and (found := read_cached(path, len(split), _bytes, _mapped)) is not None:
            return found
        return write_cached(folder, path, write, _mapped)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(folder, shutil.disk_usage(folder).free) from None
        raise DataError(
            f"Features can't be kept in {folder} ({error.strerror}): set CNNVIZ_CACHE to a folder that can be written."
        ) from None


def _key(split: Split, data: recipe.Data, stem: str) -> str | None:
    digest = hashlib.sha256(
        json.dumps([_VERSION, stem, data.image_size, data.channels, data.crop, split.bits]).encode()
    )
    if (pixels := split.pixels()) is not None:
        digest.update(np.ascontiguousarray(pixels).data)
    elif not files_digest(split, digest):
        return None
    return digest.hexdigest()[:32]


def _told(progress: Progress | None, what: str, split: Split, done: int) -> None:
    if progress is not None:
        progress(f"Computing {what} of {split.name} images", done, len(split))


def _write(
    split: Split,
    images: Iterator[np.ndarray | str],
    compute: Callable[[np.ndarray], np.ndarray],
    file: BinaryIO,
    told: Callable[[int], None],
) -> dict[str, Any]:
    """Writes the features, one after another, and returns what they are."""
    rows: list[int] = []
    skipped: list[tuple[str, str]] = []
    waiting: list[np.ndarray] = []
    shape: tuple[int, ...] = ()

    def flush() -> None:
        nonlocal shape
        if waiting:
            made = np.ascontiguousarray(compute(np.stack(waiting)), np.float32)
            if not shape:
                _check_room(file, made[0].nbytes * len(split))
            shape = made.shape[1:]
            file.write(made.tobytes())
            waiting.clear()

    told(0)
    for i, image in enumerate(images):
        if isinstance(image, str):
            skipped.append((split.name_of(i), image))
        else:
            waiting.append(image)
            rows.append(i)
        if len(waiting) == BATCH:
            flush()
            told(i + 1)
    flush()
    told(len(split))
    if not rows:
        name, message = skipped[0]
        raise DataError(f"Not one of the {len(split)} images of {split.name} can be used; {name}: {message}")
    return {"shape": [len(rows), *shape], "kept": rows, "skipped": skipped}


def _check_room(file: BinaryIO, size: int) -> None:
    folder = Path(file.name).parent if isinstance(file.name, str) else cache_folder()
    free = shutil.disk_usage(folder).free
    if free < size * 1.1:
        raise _full(folder, free, size)


def _full(folder: Path, free: int, size: int | None = None) -> DataError:
    needed = f"Features need {size / 2**30:.1f} GB" if size is not None else "Features need room"
    return DataError(
        f"{needed} in {folder}, where {free / 2**30:.1f} GB are free: make room, set CNNVIZ_CACHE to "
        "another folder, or set network.backbone.cached to false."
    )


def _bytes(index: dict[str, Any]) -> int:
    return 4 * int(np.prod(index["shape"]))


def _mapped(file: Path | BinaryIO, index: dict[str, Any]) -> SplitImages:
    array = np.memmap(file, np.float32, mode="r").reshape(index["shape"])
    if len(array) != len(index["kept"]):
        raise ValueError("another number of features than of images")
    skipped = tuple((name, message) for name, message in index["skipped"])
    return SplitImages(array, array, np.array(index["kept"], np.int64), skipped)
