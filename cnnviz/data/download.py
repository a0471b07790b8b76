"""Fetching a file whose size and digest are known, or saying within seconds that there is no way to it.

Not by pooch: it would check the digest and move the file, which `files.replacing` and three lines do. It has no limit
on bytes and none on looking up a name, leaves files that only their owner may read, and logs each to stderr.
"""

from __future__ import annotations

import hashlib
import http.client
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cnnviz import files
from cnnviz.data.disk_cache import cache_folder
from cnnviz.errors import DataError
from cnnviz.progress import Progress

__all__ = ["Remote", "fetch", "keras_folders"]

CONNECT_SECONDS = 6.0
READ_SECONDS = 20.0


@dataclass(frozen=True)
class Remote:
    """A file as it must be: where it is had, its bytes and their SHA-256 or MD5; `None` is unknown.

    `instead` says what a person without a model can do.
    """

    url: str
    bytes: int | None
    digest: str | None
    instead: str = "put the file into the folder that CNNVIZ_DATA names"


def keras_folders() -> tuple[Path, ...]:
    """Returns where downloaded data may lie, best first: Keras's own cache, then cnnviz's."""
    keras = files.folder_in("KERAS_HOME") or Path.home() / ".keras"
    return keras / "datasets", cache_folder() / "datasets"


def fetch(remote: Remote, name: str, folders: Sequence[Path], what: str, progress: Progress | None = None) -> Path:
    """Downloads a file to `name` in the first of these folders that can be written; returns its path.

    It is there whole and checked, or not at all. `progress` gets bytes done and in all (0: unknown).

    Raises:
        DataError: no way to the server, or what came isn't the file.
    """
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with files.replacing(folder / name) as temporary:
                _download(remote, temporary, what, progress)
            return folder / name
        except OSError as error:
            reason = error.strerror or str(error)
    raise DataError(
        f"{what} can't be saved in {folders[-1]}: {reason}; set CNNVIZ_CACHE to a folder that can be written."
    )


def _download(remote: Remote, path: Path, what: str, progress: Progress | None) -> None:
    algorithm = files.algorithm_of(remote.digest or "")
    hashed, done = hashlib.new(algorithm, usedforsecurity=False), 0
    try:
        with _opened(remote.url) as response, open(path, "wb") as file:
            expected = remote.bytes if remote.bytes is not None else response.length
            while expected is None or done <= expected:
                if not (block := _block(response)):
                    break
                file.write(block)
                hashed.update(block)
                done += len(block)
                if progress is not None:
                    progress(f"Downloading {what}", min(done, expected or done), expected or 0)
    except _NoWay as error:
        raise DataError(
            f"{what} can't be found on this computer, and {remote.url} can't be reached ({error}): "
            f"connect to the Internet, or {remote.instead}."
        ) from None
    if done != (done if expected is None else expected) or hashed.hexdigest() != (remote.digest or hashed.hexdigest()):
        raise DataError(
            f"What {remote.url} sent is not the file that was expected ({done:,} of {expected or done:,} "
            f"bytes, {algorithm} {hashed.hexdigest()[:12]}…): try again later."
        )


class _NoWay(Exception):
    """The server can't be reached, or stopped sending."""


def _block(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(2**18)
    except (OSError, http.client.HTTPException) as error:
        raise _NoWay(str(error) or type(error).__name__) from None


def _opened(url: str) -> http.client.HTTPResponse:
    """Connects within seconds. A thread does it, because looking up a name has no time limit of its own."""
    result: queue.Queue[http.client.HTTPResponse | Exception] = queue.Queue()

    def connect() -> None:
        try:
            result.put(urllib.request.urlopen(url, timeout=READ_SECONDS))
        except (OSError, ValueError, http.client.HTTPException) as error:
            result.put(error)

    threading.Thread(target=connect, daemon=True).start()
    try:
        response = result.get(timeout=CONNECT_SECONDS)
    except queue.Empty:
        raise _NoWay(f"no answer in {CONNECT_SECONDS:g} seconds") from None
    if isinstance(response, Exception):
        reason = response if isinstance(response, urllib.error.HTTPError) else getattr(response, "reason", response)
        raise _NoWay(str(reason))
    return response
