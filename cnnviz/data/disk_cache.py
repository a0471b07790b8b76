"""Decoded images in a file of the cache folder, for splits that are too large for memory."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np

from cnnviz import files, recipe
from cnnviz.data.dataset import Split
from cnnviz.errors import DataError
from cnnviz.temporary import own_name

__all__ = ["add_files", "cache_folder", "files_digest", "on_disk", "read_cached", "write_cached"]

_DAMAGED = (OSError, LookupError, TypeError, ValueError, OverflowError, AttributeError)
"""What reading a kept file raises where it is gone or damaged; it is then made anew."""
T = TypeVar("T")
_VERSION = 2  # raise it when decoding or fitting changes


def cache_folder() -> Path:
    """Returns the folder for what can be made again: `CNNVIZ_CACHE`, or ~/.cache/cnnviz. It may be deleted any time."""
    return files.folder_in("CNNVIZ_CACHE") or Path.home() / ".cache" / "cnnviz"


class _Mapped(Sequence[np.ndarray]):
    """Images of different sizes in one flat file."""

    def __init__(self, pixels: np.ndarray, shapes: np.ndarray) -> None:
        self._pixels, self._shapes = pixels, shapes
        self._starts = np.concatenate([[0], np.cumsum(shapes.prod(axis=1))])

    def __len__(self) -> int:
        return len(self._shapes)

    def __getitem__(self, i: int) -> np.ndarray:  # type: ignore[override]  # nobody takes slices
        i = range(len(self))[i]
        return self._pixels[self._starts[i] : self._starts[i + 1]].reshape(self._shapes[i])


def on_disk(
    split: Split, data: recipe.Data, whole: bool, size: int, done: Iterator[np.ndarray | str]
) -> tuple[Any, ...]:
    """Returns what `SplitImages` holds, with pixels read from a file; `done` is used only if there is none yet.

    The file's name is a digest of every image's path, time and size and of how they are fitted. Images that are
    not files have nothing to be known by: theirs is deleted as soon as it isn't used any more.

    Raises:
        DataError: the disk has no room for `size` bytes.
    """
    folder = cache_folder() / "images"
    name = _key(split, data, whole)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.bin" if name else None
        if (
            path is not None
            and (found := read_cached(path, len(split), lambda index: index["bytes"], _opened)) is not None
        ):
            return found
        free = shutil.disk_usage(folder).free
        if free < size * 1.1:
            raise _full(folder, size, free)
        return write_cached(folder, path, lambda file: _write(split, done, file), _opened)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _full(folder, size, shutil.disk_usage(folder).free) from None
        raise DataError(
            f"Decoded images can't be kept in {folder} ({error.strerror}): set CNNVIZ_CACHE to a folder "
            f"that can be written."
        ) from None


def _full(folder: Path, size: int, free: int) -> DataError:
    return DataError(
        f"Decoded images need {size / 2**30:.1f} GB in {folder}, where {free / 2**30:.1f} GB are free: "
        f"make room, set CNNVIZ_CACHE to another folder, or use a smaller image size."
    )


def _key(split: Split, data: recipe.Data, whole: bool) -> str | None:
    digest = hashlib.sha256(
        json.dumps([_VERSION, data.image_size, data.channels, data.crop, whole, len(split), split.bits]).encode()
    )
    return digest.hexdigest()[:32] if files_digest(split, digest) else None


def files_digest(split: Split, digest: hashlib._Hash) -> bool:
    """Adds every image's file to a digest, see `add_files`; returns whether all are files."""
    paths = [split.path_of(i) for i in range(len(split))]
    add_files(digest, filter(None, paths))
    return None not in paths


def add_files(digest: hashlib._Hash, paths: Iterable[Path]) -> None:
    """Adds files' paths, times and sizes to a digest: to read tens of thousands would take as long as what is kept."""
    for path in paths:
        try:
            status = path.stat()
            digest.update(os.fsencode(f"{path}\0{status.st_mtime_ns}\0{status.st_size}\n"))
        except OSError:
            digest.update(os.fsencode(f"{path}\0gone\n"))


def _write(split: Split, done: Iterator[np.ndarray | str], file: BinaryIO) -> dict[str, Any]:
    shapes, rows, skipped, size = [], [], [], 0
    for i, image in enumerate(done):
        if isinstance(image, str):
            skipped.append((split.name_of(i), image))
            continue
        file.write(image.tobytes())
        size += image.nbytes
        shapes.append(image.shape)
        rows.append(i)
    return {"bytes": size, "shapes": shapes if len(set(shapes)) > 1 else shapes[:1], "kept": rows, "skipped": skipped}


def write_cached(
    folder: Path,
    path: Path | None,
    write: Callable[[BinaryIO], dict[str, Any]],
    opened: Callable[[Any, dict[str, Any]], T],
) -> T:
    """Writes a file of the cache folder with its index, whole or not at all, and returns what is opened of it.

    Args:
        folder: that exists.
        path: of the file; its index stands beside it as .json. Without it the file is gone with its last user.
        write: fills the file and returns the index, whose "kept" are the numbers of the images in it.
        opened: maps the file, open or by its path, by its index.

    Raises:
        OSError: it can't be written.
    """
    handle, temporary = tempfile.mkstemp(**own_name(folder))
    try:
        with os.fdopen(handle, "w+b", buffering=2**20) as file:
            index = write(file)
            file.flush()
            found = opened(file, index)  # a mapped file lives on under another name or without one
        if path is not None:
            with suppress(FileNotFoundError):  # the folder is a cache, which may be emptied at any moment
                os.replace(temporary, path)
                files.write_json(path.with_suffix(".json"), index)
        return found
    finally:
        Path(temporary).unlink(missing_ok=True)


def read_cached(
    path: Path, count: int, size: Callable[[dict[str, Any]], int], opened: Callable[[Any, dict[str, Any]], T]
) -> T | None:
    """Returns what `write_cached` kept of a split of `count` images; `None` where it is gone or damaged.

    Args:
        path: of the file.
        count: how many images the split has.
        size: how many bytes the file must have, by its index.
        opened: as for `write_cached`.
    """
    index = files.read_json(path.with_suffix(".json"))
    try:
        rows = np.array(index["kept"], np.int64)
        ascending = rows.ndim == 1 and (np.diff(rows, prepend=-1, append=count) > 0).all()
        return opened(path, index) if ascending and path.stat().st_size == size(index) else None
    except _DAMAGED:
        return None


def _opened(file: Path | BinaryIO, index: dict[str, Any]) -> tuple[Any, ...]:
    rows = np.array(index["kept"], np.int64)
    skipped = tuple((name, message) for name, message in index["skipped"])
    if not len(rows):
        return (), None, rows, skipped
    pixels = np.memmap(file, np.uint8, mode="r")
    if len(index["shapes"]) == 1:
        array = pixels.reshape(len(rows), *index["shapes"][0])
        return array, array, rows, skipped
    shapes = np.array(index["shapes"], np.int64)
    if shapes.shape != (len(rows), 3) or shapes.min() < 1 or shapes.prod(axis=1).sum() != pixels.size:
        raise ValueError("another number of shapes than of images, or of bytes")
    return _Mapped(pixels, shapes), None, rows, skipped
