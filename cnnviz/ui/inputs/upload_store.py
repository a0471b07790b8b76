"""Uploaded images that a reload shows again: kept in the server's memory for an hour, under names nobody can guess."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

import streamlit as st
from cachetools import TTLCache

__all__ = ["KEPT_SECONDS", "MOST_BYTES", "UploadStore", "upload_store"]

KEPT_SECONDS = 3600
MOST_BYTES = 128 << 20
"""All uploads of all visitors together; the oldest go first."""


class UploadStore:
    """Files by the name that each is given: 128 bits at random, which is what an address holds in place of the file.

    Args:
        seconds: after so long without being asked for a file is forgotten.
        most_bytes: of all files together.
        clock: tells the time in seconds.
    """

    def __init__(
        self,
        seconds: float = KEPT_SECONDS,
        most_bytes: int = MOST_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = threading.Lock()
        self._files: TTLCache[str, tuple[str, bytes]] = TTLCache(
            most_bytes, seconds, timer=clock, getsizeof=lambda file: len(file[1])
        )

    def put(self, title: str, data: bytes) -> str:
        """Keeps a file that a person calls `title`, and returns its name; one larger than all may be isn't kept."""
        name = secrets.token_urlsafe(16)
        self._keep(name, (title, data))
        return name

    def get(self, name: str) -> tuple[str, bytes] | None:
        """Returns the title and the bytes of a file, which then stays for its time anew, or `None`."""
        with self._lock:
            file = self._files.get(name)
        if file is not None:
            self._keep(name, file)
        return file

    def _keep(self, name: str, file: tuple[str, bytes]) -> None:
        with self._lock:
            self._files.expire()
            if len(file[1]) <= self._files.maxsize:
                self._files[name] = file


@st.cache_resource(show_spinner=False)
def upload_store() -> UploadStore:
    """Returns the one of this server."""
    return UploadStore()
