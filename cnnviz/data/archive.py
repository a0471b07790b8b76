"""Archives that anybody may have made: a .zip of class folders, or an .npz. Its directory is judged before a byte of it
is unpacked, and what is unpacked is there whole or not at all.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from cnnviz.data.dataset import printable
from cnnviz.data.kept import check_room, new_folder, put, record_of, whole
from cnnviz.data.layouts.npz import load_npz
from cnnviz.data.listing import Endings, left_out
from cnnviz.data.zip_check import MAX_MEMBERS, arrays, images, unread
from cnnviz.errors import DataError
from cnnviz.progress import Progress

__all__ = ["keep", "notes_on_unpacked", "unpack"]

_BLOCK = 2**20
_ENTRY = b"PK\x01\x02"  # how each line of a zip file's directory begins
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, LookupError, OverflowError)


def unpack(path: Path, progress: Progress | None = None) -> Path:
    """Returns the folder of images, or the .npz file, that the archive at `path` holds; see `keep`."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{printable(path.name)} is not a regular file.")
        with open(path, "rb") as file:
            key = _seen(str(path), status.st_mtime_ns, status.st_size, status.st_ino)
            return _keep(file, path.name, key, progress)
    except OSError as error:
        raise _unreadable(path.name, error) from None


def notes_on_unpacked(folder: Path) -> list[str]:
    """Returns sentences on what was not unpacked of the archive that a folder of images comes from, if it does."""
    found = record_of(folder)
    return left_out(tuple(map(tuple, found["others"])), found["hidden"]) if found else []


def keep(file: BinaryIO, name: str, progress: Progress | None = None) -> Path:
    """Returns the folder of images, or the .npz file, that an archive holds, unpacked under the cache folder.

    The same content is unpacked once: it is known by its SHA-256. Links, pickles, encrypted members, names that lead
    elsewhere and archives that grow beyond all measure are refused, see `cnnviz.data.zip_check`.

    Args:
        file: the archive's bytes; it must be seekable.
        name: what it is called; only shown, and cut down to letters and digits for a folder's name.
        progress: gets the unpacked and all members.

    Raises:
        DataError: one message on why it is refused; nothing is left of it then.
    """
    file.seek(0)
    return _keep(file, name, _read(file), progress)


def _keep(file: BinaryIO, name: str, key: tuple[str, int], progress: Progress | None) -> Path:
    digest, members = key
    shown = printable(name)[-80:]
    if members > MAX_MEMBERS:
        raise DataError(
            f"{shown} has {members:,} members; at most {MAX_MEMBERS:,} are unpacked: unpack it yourself "
            f"and give the folder."
        )
    if found := whole(digest):
        return found
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive, new_folder(shown) as new:
            others, hidden = _fill(archive, file, new, shown, name, progress)
            return put(new, digest, shown, others=others, hidden=hidden)
    except DataError:
        raise
    except OSError as error:
        raise _unreadable(shown, error) from None
    except _BROKEN as error:
        reason = printable(str(error).splitlines()[0])[:100].rstrip(".") if str(error) else type(error).__name__
        raise DataError(f"{shown} can't be read as a .zip or .npz file: {reason}.") from None


def _fill(
    archive: zipfile.ZipFile, file: BinaryIO, new: Path, shown: str, name: str, progress: Progress | None
) -> tuple[Endings, int]:
    """Writes what the archive holds into the new folder: one folder of images or one .npz file; returns what is left
    out, see `zip_check.unread`."""
    size = file.seek(0, os.SEEK_END)
    stem = re.sub(r"[^A-Za-z0-9]+", "-", Path(name).stem).strip("-")[:40] or "images"
    if any(info.filename.endswith(".npy") for info in archive.infolist()):
        arrays(archive, size, shown)
        check_room(new, size, shown)
        path = new / f"{stem}.npz"
        file.seek(0)
        with open(path, "xb") as copy:
            shutil.copyfileobj(file, copy, _BLOCK)
        load_npz(path, shown)  # headers and labels; refuses pickles and arrays of other sizes than they say
        return (), 0
    chosen = images(archive, size, shown)
    check_room(new, sum(info.file_size for info, _ in chosen), shown)
    for done, (info, parts) in enumerate(chosen):
        target = new.joinpath(stem, *parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(info) as member, open(target, "xb") as copy:
            shutil.copyfileobj(member, copy, _BLOCK)  # zipfile reads no more than the size it says, and checks its sum
        if target.stat().st_size != info.file_size:
            raise zipfile.BadZipFile(f"{info.filename!r} is cut off")
        if progress is not None:
            progress(f"Unpacking {shown}", done + 1, len(chosen))
    return unread(archive)


@functools.lru_cache(maxsize=64)
def _seen(path: str, changed: int, size: int, inode: int) -> tuple[str, int]:
    with open(path, "rb") as file:
        return _read(file)


def _read(file: BinaryIO) -> tuple[str, int]:
    """The file's SHA-256, in part, and how many members its directory names at most; in one pass."""
    digest, members, end = hashlib.sha256(), 0, b""
    while block := file.read(_BLOCK):
        digest.update(block)
        members += (end + block).count(_ENTRY)
        end = block[-len(_ENTRY) + 1 :]
    return digest.hexdigest()[:32], members


def _unreadable(name: str, error: OSError) -> DataError:
    return DataError(f"{printable(name)} can't be unpacked: {error.strerror or error}.")
