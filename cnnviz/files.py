"""Writing files so that a reader never sees half of one, and reading none without measure."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz.errors import CnnvizError
from cnnviz.temporary import own_name

__all__ = [
    "MOST_ARRAYS",
    "MOST_JSON",
    "MOST_MODEL",
    "algorithm_of",
    "digest",
    "folder_in",
    "npy_bytes",
    "npz_bytes",
    "open_regular",
    "parse_json",
    "read_arrays",
    "read_bytes",
    "read_json",
    "replacing",
    "whole_number",
    "write_bytes",
    "write_json",
]

MOST_JSON = 32 * 2**20
"""Bytes of a file of JSON: ten times what a report of thousands of classes has."""
MOST_ARRAYS = 2**30
"""Bytes of all arrays in an .npz file that was kept, when it is unpacked."""
MOST_MODEL = 2**30
"""Bytes of a model's file."""


def folder_in(variable: str) -> Path | None:
    """Returns the folder that an environment variable names, as a whole path; `None` where it isn't set.

    Raises:
        CnnvizError: it begins with the home folder of somebody who has none here.
    """
    if not (named := os.environ.get(variable)):
        return None
    try:
        return Path(named).expanduser().absolute()
    except RuntimeError:
        raise CnnvizError(
            f"{variable} is {named}, whose home folder isn't known on this computer: give the whole path of a folder."
        ) from None


_NO_FILE = (errno.EINVAL, errno.EFBIG, errno.EISDIR, errno.ELOOP, errno.ENXIO, errno.ENODEV)
"""What is said where something else has a file's name: a device, a folder, a link to itself, too much."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; what is written there takes its place, whole, when the block ends.

    The new content is on disk before the old one goes (fsync, then `os.replace`); after an error `path` is as it was.
    """
    handle, name = tempfile.mkstemp(**own_name(path.parent), suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, *parts: bytes | memoryview) -> None:
    """Replaces the file by these bytes, one part after another, whole or not at all."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        for part in parts:
            file.write(part)


def write_json(path: Path, value: Any) -> None:
    """Replaces the file by `value` as indented JSON, whole or not at all."""
    write_bytes(path, (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode())


def open_regular(path: Path) -> BufferedReader:
    """Opens a file to read its bytes.

    Raises:
        OSError: it can't be read, or is a device, a pipe or the like, which may never end.
    """
    # By this flag, which Windows has not, a pipe that nobody writes to is opened at once, and then refused.
    at_once = getattr(os, "O_NONBLOCK", 0)
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | at_once))  # noqa: SIM115
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError(errno.EINVAL, "not a regular file", str(path))


def read_bytes(path: Path, most: int = MOST_JSON) -> bytes:
    """Returns a file's bytes.

    Raises:
        OSError: it can't be read, is a device or the like, which may never end, or has more than `most` bytes.
    """
    with open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"larger than {most:,} bytes", str(path))
    return data


def algorithm_of(digest: str) -> str:
    """Returns which algorithm made a digest in hexadecimal: "md5" or, for all others, "sha256"."""
    return "md5" if len(digest) == 32 else "sha256"


def digest(path: Path, algorithm: str = "sha256") -> str:
    """Returns the digest of a file's bytes in hexadecimal.

    Raises:
        OSError: it can't be read, or is a device or the like, which may never end.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def whole_number(text: str) -> float:
    """Returns an integer of JSON, and one that no computer's number holds as a float; for `json.loads(parse_int=)`."""
    return int(text) if len(text) < 20 else float(text)


def parse_json(text: bytes) -> Any:
    """Returns what JSON in UTF-8 says; halves of characters (`"\\ud800"`), which no page and no file can hold, become
    "?".

    Raises:
        ValueError, RecursionError: it isn't JSON, or nested too deep.
    """
    tree = json.loads(text, parse_int=whole_number)
    return _whole_characters(tree) if b"\\u" in text or b"\xed" in text else tree  # as an escape, or as its bytes


def _whole_characters(tree: Any) -> Any:
    if isinstance(tree, str):
        return tree.encode("utf-8", "replace").decode()
    if isinstance(tree, list):
        return [_whole_characters(one) for one in tree]
    if isinstance(tree, dict):
        return {_whole_characters(key): _whole_characters(value) for key, value in tree.items()}
    return tree


def read_json(path: Path) -> Any:
    """Returns the file's JSON, or `None` where there is no file or no whole JSON of at most `MOST_JSON` in it."""
    try:
        return parse_json(read_bytes(path))
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    except OSError as error:
        if error.errno in _NO_FILE:
            return None
        raise


def npy_bytes(values: np.ndarray) -> bytes:
    """Returns an .npy file's bytes; `np.load` gives the array back."""
    file = io.BytesIO()
    np.save(file, values, allow_pickle=False)
    return file.getvalue()


def npz_bytes(arrays: Mapping[str, np.ndarray], *, compressed: bool = False) -> bytes:
    """Returns an .npz file's bytes; `read_arrays` gives the arrays back from a file of them."""
    file, save = io.BytesIO(), np.savez_compressed if compressed else np.savez
    save(file, **arrays)  # type: ignore[arg-type]  # NumPy's stubs see its option allow_pickle in them
    return file.getvalue()


def read_arrays(path: Path, most: int = MOST_ARRAYS) -> dict[str, np.ndarray]:
    """Returns the arrays of an .npz file by name; pickles are refused.

    Raises:
        OSError: it can't be read, or its arrays have more than `most` bytes.
        ValueError, KeyError, EOFError, zipfile.BadZipFile: it is damaged.
    """
    with open_regular(path) as file:
        with zipfile.ZipFile(file) as archive:
            if sum(member.file_size for member in archive.infolist()) > most:
                raise OSError(errno.EFBIG, f"its arrays have more than {most:,} bytes", str(path))
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as found:
                return {name: found[name] for name in found.files}
        except MemoryError:  # a header that says more than there is
            raise OSError(errno.EFBIG, "its arrays need more memory than there is", str(path)) from None
