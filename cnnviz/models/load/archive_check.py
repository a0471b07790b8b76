"""A `.keras` file of unknown origin: what it is, what it holds, and a private copy of just that.

Importing this loads no TensorFlow; nothing here gives the file to Keras or to HDF5.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import BinaryIO

from cnnviz.errors import ModelError
from cnnviz.files import MOST_MODEL, digest
from cnnviz.models.load.config_check import Refused, checked_config
from cnnviz.temporary import own_name

__all__ = ["CONFIG", "OLDEST_KERAS", "WEIGHTS", "Copy", "private_copy", "require_keras"]

MAX_CONFIG_BYTES = 4 << 20
OLDEST_KERAS = (3, 15, 1)
"""Older ones can be made to run a file's code, write files or fill the memory."""
METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_SAVE = "save it anew with model.save('name.keras')"
_END = struct.Struct("<4s4H2LH")
_HDF5 = b"\x89HDF\r\n\x1a\n"
_DIRECTORY_BYTES = 2048


@dataclass(frozen=True)
class Copy:
    """A file that only this process writes, in a folder that only this user can enter, with its SHA-256."""

    path: Path
    sha256: str


@cache
def require_keras() -> None:
    """Looks, until it was found once, for a Keras that is known to keep what files must not do.

    Raises:
        ModelError: there is none, or an older one.
    """
    wanted = ".".join(map(str, OLDEST_KERAS))
    try:
        found = version("keras")
    except PackageNotFoundError:
        raise ModelError(f"Keras is not installed: `pip install 'keras>={wanted}'`.") from None
    parts = tuple(int("".join(filter(str.isdigit, part)) or 0) for part in found.split(".")[:3])
    if parts < OLDEST_KERAS:
        raise ModelError(
            f"Keras {found} is installed, which opens files less safely than {wanted}: `pip install 'keras>={wanted}'`."
        )


@contextmanager
def private_copy(path: Path) -> Iterator[Copy]:
    """Yields a copy that holds the file's checked config and its weights, byte by byte; it is gone afterwards.

    Raises:
        Refused: another kind of file, or one that holds anything that isn't allowed.
        OSError: it can't be read, or the copy can't be written.
    """
    with _opened(path) as file:
        _check_archive(file)
        with zipfile.ZipFile(file) as archive, tempfile.TemporaryDirectory(**own_name()) as folder:
            copy = Path(folder) / "model.keras"
            try:
                _write(archive, copy)
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
                raise Refused("it is not a .keras file, or is damaged") from None
            copy.chmod(0o400)
            yield Copy(copy, digest(copy))


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file itself: no link is followed, and no pipe waited for."""
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
    try:
        handle = os.open(path, flags)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK) or path.is_symlink():
            raise Refused("it is a link", "give the file itself") from None
        raise
    with open(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise Refused("it is not a regular file", "give a .keras file")
        if status.st_size > MOST_MODEL:
            raise Refused(f"it has {status.st_size / 2**20:,.0f} MB", f"at most {MOST_MODEL >> 20:,} MB are allowed")
        yield file


def _check_archive(file: BinaryIO) -> None:
    """Looks at both ends by hand, so that a directory of millions of names is never read."""
    start = file.read(8)
    if start == _HDF5:
        raise Refused("it is an HDF5 file", _SAVE)
    size = file.seek(0, os.SEEK_END)
    if size < _END.size or start[:2] != b"PK":
        raise Refused("it is not a .keras file, or is damaged")
    file.seek(size - _END.size)
    sign, disk, first_disk, here, count, length, begin, comment = _END.unpack(file.read(_END.size))
    if sign != b"PK\x05\x06":
        raise Refused("it is not a .keras file, or is damaged")
    if count != 3 or here != 3:
        raise Refused(f"its archive has {count:,} files where a model has {METADATA}, {CONFIG} and {WEIGHTS}", _SAVE)
    if disk or first_disk or comment or length > _DIRECTORY_BYTES or begin + length + _END.size != size:
        raise Refused("its archive isn't built as Keras does it", _SAVE)
    if start[:4] != b"PK\x03\x04":
        raise Refused("it is not a .keras file, or is damaged")
    file.seek(0)


def _check_members(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    if sorted(one.filename for one in members) != sorted((METADATA, CONFIG, WEIGHTS)):
        raise Refused(f"its archive holds other files than {METADATA}, {CONFIG} and {WEIGHTS}", _SAVE)
    for one in members:
        if stat.S_ISLNK(one.external_attr >> 16) or one.flag_bits & 0x1:
            raise Refused(f"{one.filename} in it is a link, or encrypted", _SAVE)
        if one.compress_type != zipfile.ZIP_STORED or one.file_size != one.compress_size:
            raise Refused(f"{one.filename} in it is compressed", f"{_SAVE}, which compresses nothing")
        if one.filename != WEIGHTS and one.file_size > MAX_CONFIG_BYTES:
            raise Refused(
                f"{one.filename} in it has {one.file_size / 2**20:,.0f} MB",
                f"at most {MAX_CONFIG_BYTES >> 20} MB are allowed",
            )


def _write(archive: zipfile.ZipFile, path: Path) -> None:
    """Writes what has been checked; reading a member to its end compares its checksum, too."""
    _check_members(archive)
    config = checked_config(archive.read(CONFIG))
    with open(path, "xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as copy:
        copy.writestr(zipfile.ZipInfo(METADATA), json.dumps({"keras_version": version("keras")}))
        copy.writestr(zipfile.ZipInfo(CONFIG), json.dumps(config))
        with archive.open(WEIGHTS) as source, copy.open(zipfile.ZipInfo(WEIGHTS), "w") as target:
            if source.read(len(_HDF5)) != _HDF5:
                raise Refused(f"{WEIGHTS} in it is no HDF5 file")
            target.write(_HDF5)
            shutil.copyfileobj(source, target, 1 << 20)
