"""Names in folders, without opening a file. A folder is read again only when its time has changed."""

from __future__ import annotations

import functools
import os
import time
from dataclasses import dataclass
from pathlib import Path

from cnnviz.errors import DataError

__all__ = ["SUFFIXES", "Listing", "has_pictures", "listing"]

SUFFIXES = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_SETTLED_NS = 2 * 10**9  # file systems' clocks are coarse: a folder that changed just now may change again unseen


@dataclass(frozen=True)
class Listing:
    """What a folder holds, sorted; hidden entries are left out. `others` counts files that are not pictures."""

    pictures: tuple[str, ...]
    folders: tuple[str, ...]
    others: int


def listing(folder: Path) -> Listing:
    """Returns the names in a folder; links count as what they lead to, broken ones as nothing.

    Raises:
        DataError: it can't be read.
    """
    try:
        changed = os.stat(folder).st_mtime_ns
        if time.time_ns() - changed < _SETTLED_NS:
            return _scan(str(folder))
        return _cached(str(folder), changed)
    except OSError as error:
        raise DataError(f"The folder {str(folder)!r} can't be read: {error.strerror}.") from None


def has_pictures(folder: Path) -> bool:
    """Returns whether there is a picture among a folder's first thousand entries; `False` where it can't be read."""
    try:
        with os.scandir(folder) as entries:
            return any(_is_picture(entry.name) for _, entry in zip(range(1000), entries, strict=False))
    except OSError:
        return False


@functools.lru_cache(maxsize=4096)
def _cached(folder: str, changed: int) -> Listing:
    return _scan(folder)


def _scan(folder: str) -> Listing:
    pictures, folders, others = [], [], 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            if _is_picture(entry.name) and entry.is_file():
                pictures.append(entry.name)
            elif entry.is_dir():
                folders.append(entry.name)
            else:
                others += 1
    return Listing(tuple(sorted(pictures)), tuple(sorted(folders)), others)


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(SUFFIXES)
