"""`metrics.jsonl`: one JSON object a line, appended while a run goes on, read by whoever looks.

Every record has `kind`: `epoch` (a whole epoch's figures), `batch` (live figures, about two a second) or `note` (what
is being done before and after the epochs: `message`, `done`, `total`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["Writer", "epochs", "history", "last", "read"]


class Writer:
    """Appends records; a line that an earlier writer left torn is closed first."""

    def __init__(self, path: Path):
        self._file = open(path, "ab+", buffering=0)  # noqa: SIM115 - held open for the run's life
        if self._file.tell():
            self._file.seek(-1, 2)
            if self._file.read(1) != b"\n":
                self._file.write(b"\n")

    def append(self, kind: str, **values: Any) -> None:
        """Writes one record as one line, in one write."""
        self._file.write(json.dumps({"kind": kind, **values}, ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def read(path: Path, offset: int = 0) -> tuple[list[dict], int]:
    """Returns the whole records from byte `offset` on, and the offset to read on from.

    A torn last line is left for the next read; lines that are no JSON object are skipped.
    """
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return [], 0
    whole = data[: data.rfind(b"\n") + 1]
    return list(_records(whole.splitlines())), offset + len(whole)


def _records(lines: Iterable[bytes]) -> Iterable[dict]:
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and isinstance(record.get("kind"), str):
            yield record


def history(path: Path) -> list[dict]:
    """Returns all records; read anew only when the file has changed."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return []
    return _history(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=256)
def _history(path: Path, mtime_ns: int, size: int) -> list[dict]:
    return read(path)[0]


def epochs(path: Path) -> list[dict]:
    """Returns the epochs' records in order; of an epoch that was repeated, the last."""
    found = {record["epoch"]: record for record in history(path) if record["kind"] == "epoch" and "epoch" in record}
    return [found[number] for number in sorted(found)]


def last(path: Path, tail: int = 65_536) -> dict | None:
    """Returns the newest record, read from the file's end, or `None`."""
    try:
        with open(path, "rb") as file:
            end = file.seek(0, 2)
            file.seek(max(0, end - tail))
            data = file.read()
    except FileNotFoundError:
        return None
    lines = data[: data.rfind(b"\n") + 1].splitlines()
    return next(iter(_records(reversed(lines))), None)
