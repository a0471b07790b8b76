"""What people have uploaded, in the cache folder: each in a folder of its own that is there whole or not at all, is
named by its content, and is never changed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cnnviz.data.disk_cache import cache_folder
from cnnviz.errors import DataError
from cnnviz.files import read_json, write_json
from cnnviz.temporary import own_name

__all__ = ["check_room", "inside", "is_lost", "is_upload", "new_folder", "put", "record_of", "uploads_folder", "whole"]

_SPARE = 2**30  # bytes that stay free on the disk
_RECORD = ".kept.json"  # what is kept, and what was left out


def uploads_folder() -> Path:
    """Returns the folder of what was uploaded. It may be deleted any time; runs on uploaded images then need them
    again."""
    return cache_folder() / "uploads"


def is_upload(path: Path) -> bool:
    """Returns whether a path without links is that of a thing that was uploaded, there or not."""
    return path.parent.parent == Path(os.path.realpath(uploads_folder()))


def is_lost(name: str) -> bool:
    """Returns whether this is the path of a thing that was uploaded and isn't there any more."""
    try:
        return is_upload(Path(os.path.realpath(name))) and not os.path.exists(name)
    except (OSError, ValueError):  # a name too long or with a null byte
        return False


def record_of(path: Path) -> dict[str, Any]:
    """Returns the record that was kept with an uploaded thing; empty for any other path."""
    real = Path(os.path.realpath(path))
    found = read_json(real.parent / _RECORD) if is_upload(real) else None
    return found if isinstance(found, dict) else {}


@contextmanager
def new_folder(shown: str) -> Iterator[Path]:
    """Yields a new folder beside the kept ones, for `put`; what is there at the end is deleted, as is what a killed
    process left.

    Args:
        shown: what is to be kept, for the sentence where it can't be.

    Raises:
        DataError: the folder can't be made.
    """
    try:
        uploads_folder().mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(**own_name(uploads_folder())))
    except OSError as error:
        raise DataError(
            f"{shown} can't be kept in {uploads_folder()} ({error.strerror}): set CNNVIZ_CACHE to a folder that "
            f"can be written."
        ) from None
    try:
        yield new
    finally:
        for made in (new, _beside(new)):
            shutil.rmtree(made, ignore_errors=True)


def put(new: Path, digest: str, shown: str, **record: Any) -> Path:
    """Moves a new folder, which holds one file or folder, to its place and returns the path of that; one of which
    something was deleted makes way.

    Args:
        new: from `new_folder`.
        digest: the name by which it is found again.
        shown: as for `new_folder`.
        **record: what is kept with it, see `record_of`.

    Raises:
        DataError: it can't be moved there.
    """
    files, size = _held(inside(new))
    write_json(new / _RECORD, {"files": files, "bytes": size, **record})
    new.chmod(0o755)
    home = uploads_folder() / digest
    with suppress(OSError):  # somebody else has just kept the same
        if home.exists() and not whole(digest):
            os.rename(home, _beside(new))
        os.rename(new, home)
    found = whole(digest)
    if found is None:
        raise DataError(
            f"{shown} can't be kept in {uploads_folder()}: set CNNVIZ_CACHE to a folder that can be written."
        )
    return found


def whole(digest: str) -> Path | None:
    """Returns what is kept under this name, unless something of it was deleted since, as cleaners of temporary files
    do."""
    home = uploads_folder() / digest
    try:
        found, record = inside(home), read_json(home / _RECORD)
        same = isinstance(record, dict) and _held(found) == (record.get("files"), record.get("bytes"))
        return found if same else None
    except OSError:
        return None


def inside(home: Path) -> Path | None:
    """Returns the one thing that a kept folder holds."""
    try:
        return next((path for path in sorted(home.iterdir()) if not path.name.startswith(".")), None)
    except OSError:
        return None


def check_room(folder: Path, needed: int, shown: str) -> None:
    """Raises a `DataError` where so many bytes would leave too little room on the folder's disk."""
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise DataError(
            f"{shown} needs {needed / 2**20:,.0f} MB in {uploads_folder()}, where {free / 2**20:,.0f} MB are free: "
            f"make room, or set CNNVIZ_CACHE to another folder."
        )


def _held(path: Path | None) -> tuple[int, int]:
    """How many files a folder of images holds, or one that is a file, and how many bytes they have."""
    if path is None or not path.is_dir():
        return (0, 0) if path is None else (1, path.stat().st_size)
    files = size = 0
    with os.scandir(path) as entries:
        for entry in entries:
            more = _held(Path(entry.path)) if entry.is_dir() else (1, entry.stat().st_size)
            files, size = files + more[0], size + more[1]
    return files, size


def _beside(new: Path) -> Path:
    return new.with_name(f"{new.name}-old")
