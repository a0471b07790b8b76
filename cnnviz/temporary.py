"""Files that a process needs for a while: they are named alike everywhere, and what a killed process left is cleared.

Each temporary file or folder of cnnviz is made by a function of `tempfile` with what `own_name` returns. Python removes
none of them where the process is killed or the computer stops; whoever makes the next one in that folder does.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from cnnviz.errors import ModelError, disk_full
from cnnviz.processes import Process, alive, boot_id, process_of

__all__ = ["FORGOTTEN_SECONDS", "clear", "drafts_in", "own_name", "room_for"]

FORGOTTEN_SECONDS = 24 * 3600
"""After so long what another computer left, or this one before it was started anew, is nobody's any more."""
_elsewhere: tuple[Path, Path] | None = None
"""A folder whose temporary files this process makes in another, and that other; see `drafts_in`."""
_NAMED = re.compile(r"\.cnnviz-([0-9a-f]{8})-(\d{1,9})-(\d+)-")
"""Where the pid counts, the pid, and when the process began."""


def own_name(folder: Path | None = None) -> dict[str, Any]:
    """Returns `prefix` and `dir` for a function of `tempfile`, after clearing what dead processes left in the folder.

    Args:
        folder: that exists; the system's for temporary files by default.

    Example:
        >>> with tempfile.TemporaryDirectory(**own_name()) as place:
        ...     ...
    """
    folder = Path(tempfile.gettempdir()) if folder is None else folder
    if _elsewhere is not None and folder.is_relative_to(_elsewhere[0]):
        return {"prefix": _prefix(os.getpid()), "dir": _elsewhere[1]}
    clear(folder)
    return {"prefix": _prefix(os.getpid()), "dir": folder}


@contextmanager
def drafts_in(place: Path, folder: Path) -> Iterator[None]:
    """Lets this process make the temporary files of `folder`, and of all folders in it, in `place` instead.

    Whoever takes `place` away ends what this process can put into `folder` by `cnnviz.files.replacing`: a rename that
    begins in a folder which is gone fails, wherever the process had got to.

    Args:
        place: a folder on the same file system.
        folder: whose files are meant.
    """
    global _elsewhere
    before, _elsewhere = _elsewhere, (folder, place)
    try:
        yield
    finally:
        _elsewhere = before


def clear(folder: Path) -> None:
    """Deletes the temporary files in a folder whose process is gone; of another boot's, those that are a day old."""
    for left in folder.glob(".cnnviz-*"):
        if (named := _NAMED.match(left.name)) and _forgotten(left, *named.groups()):
            shutil.rmtree(left, ignore_errors=True)  # which leaves files
            with suppress(OSError):
                left.unlink(missing_ok=True)


def _forgotten(left: Path, where: str, pid: str, began: str) -> bool:
    if where != _where():
        try:
            return abs(time.time() - left.stat().st_mtime) > FORGOTTEN_SECONDS
        except OSError:  # another has just cleared it
            return False
    try:
        process = process_of(int(pid))
    except psutil.NoSuchProcess:
        return True
    return began != _began(process) or not alive(process)


@contextmanager
def room_for(what: str) -> Iterator[None]:
    """Turns a full temporary folder into a sentence that names it.

    Args:
        what: a model or what is made of one, such as "a copy of the model".

    Raises:
        ModelError: it is full.
    """
    try:
        yield
    except Exception as error:
        if not disk_full(error):
            raise
        raise ModelError(
            f"There is no room for {what} in {tempfile.gettempdir()}, the folder for temporary files: "
            "make room there, or set TMPDIR to another folder."
        ) from None


@cache  # by the process, as one that forks has children of other names
def _prefix(pid: int) -> str:
    return f".cnnviz-{_where()}-{pid}-{_began(process_of(pid))}-"


def _began(process: Process) -> str:
    return str(process.ticks or int(process.started))


@cache
def _where() -> str:
    """What tells this boot of this computer, and this container, from all others: pids mean nothing elsewhere."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return hashlib.sha256(f"{boot_id()} {space}".encode()).hexdigest()[:8]
