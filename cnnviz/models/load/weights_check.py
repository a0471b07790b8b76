"""The weights of a `.keras` file: an HDF5 file whose headers are checked before any value is read.

HDF5 is a large library in C that reads what a stranger wrote, so this runs in a process of its own, see
`cnnviz.models.load.sandbox`. Importing this loads no TensorFlow.
"""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnviz.errors import short
from cnnviz.models.load.archive_check import WEIGHTS
from cnnviz.models.load.config_check import Refused

__all__ = ["WeightsSize", "check_weights"]

MOST_OBJECTS = 50_000
MOST_DEPTH = 40
_OPTIMIZER = "optimizer"
_SAVE = "save it anew with model.save('name.keras')"


@dataclass(frozen=True)
class WeightsSize:
    """How many values the file holds for the model, and in how many bytes."""

    values: int
    bytes: int


class _Part(io.RawIOBase):
    """A stretch of a file as a file, so that a member of gigabytes is never read whole."""

    def __init__(self, file: io.BufferedReader, start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._start + self._at)
        data = self._file.read(max(0, min(len(buffer), self._size - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def check_weights(path: Path) -> WeightsSize:
    """Checks the weights of a `.keras` file whose archive is known to be sound.

    Raises:
        Refused: links of any kind, values outside the file or not stored as they are, or other than plain numbers.
    """
    import h5py

    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        member = archive.getinfo(WEIGHTS)
        file.seek(member.header_offset + 26)
        names = int.from_bytes(file.read(2), "little") + int.from_bytes(file.read(2), "little")
        part = _Part(file, member.header_offset + 30 + names, member.file_size)
        try:
            with h5py.File(part, "r") as root:
                return _walk(root)
        except Refused:
            raise
        except Exception:  # h5py raises nearly anything on broken files
            raise Refused(f"{WEIGHTS} in it is damaged") from None


def _walk(root: Any) -> WeightsSize:
    import h5py

    waiting: list[tuple[Any, str, int]] = [(root, "", 0)]
    seen: set[int] = set()
    values = size = 0
    while waiting:
        group, path, depth = waiting.pop()
        if depth > MOST_DEPTH or len(seen) > MOST_OBJECTS:
            raise Refused(f"its weights are nested too deeply or are more than {MOST_OBJECTS:,} groups")
        for name in group:
            inner = f"{path}/{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise Refused(f"its weights {short(inner)!r} are a link to somewhere else", _SAVE)
            found = group[name]
            address = h5py.h5o.get_info(found.id).addr
            if address in seen:
                raise Refused(f"its weights {short(inner)!r} stand there under two names", _SAVE)
            seen.add(address)
            if isinstance(found, h5py.Group):
                waiting.append((found, inner, depth + 1))
            elif isinstance(found, h5py.Dataset):
                _check(found, inner)
                size += found.nbytes
                values += 0 if path.startswith(f"/{_OPTIMIZER}") else found.size
            else:
                raise Refused(f"{short(inner)!r} among its weights is no array", _SAVE)
    return WeightsSize(values, size)


def _check(found: Any, path: str) -> None:
    import h5py

    called, how = f"its weights {short(path)!r}", found.id.get_create_plist()
    if found.is_virtual or how.get_external_count():
        raise Refused(f"{called} are not in the file itself", _SAVE)
    if how.get_layout() not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT) or how.get_nfilters():
        raise Refused(f"{called} are compressed or in chunks", f"{_SAVE}, which does neither")
    if found.dtype.kind not in "fiubV" or found.dtype.itemsize > 8 or found.dtype.fields or found.dtype.subdtype:
        raise Refused(f"{called} are of the type {short(found.dtype)}, no plain numbers", _SAVE)
    if found.shape is None or len(found.shape) > 16 or found.id.get_storage_size() != found.nbytes:
        raise Refused(
            f"{called} have the shape {short(found.shape)}, but the file doesn't hold that many values", _SAVE
        )
    if h5py.h5a.get_num_attrs(found.id) > 4:
        raise Refused(f"{called} have {h5py.h5a.get_num_attrs(found.id)} remarks", _SAVE)
    if h5py.h5a.exists(found.id, b"dtype"):
        remark = h5py.h5a.open(found.id, b"dtype")
        if remark.shape != () or remark.get_storage_size() > 64:
            raise Refused(f"{called} have a remark on their type that is no word", _SAVE)
