"""`metrics.jsonl`: one JSON object a line, appended while a run goes on, read by whoever looks.

Every record has `kind`: `epoch` (a whole epoch's figures), `batch` (live figures, about two a second) or `note` (what
is being done before and after the epochs: `message`, `done`, `total`).
"""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from cnnviz.files import open_regular, parse_json, read_bytes, write_bytes

__all__ = ["Writer", "epochs", "has_figures", "history", "last", "read", "rewind", "round_metric", "to_csv"]


_MOST_READ = 2**28
"""Bytes at a time: the lines of a run of 10,000 epochs are a hundredth of it."""


def round_metric(name: str, value: float) -> float:
    """Returns a figure as it is written: with six significant digits, and a loss with nine, so that those of heads
    still add up to the total to 1e-6."""
    return float(f"{float(value):.{9 if name.endswith('loss') else 6}g}")


class Writer:
    """Appends records; a line that an earlier writer left torn is closed first."""

    def __init__(self, path: Path):
        self._file = open(path, "ab+", buffering=0)  # noqa: SIM115 - held open for the run's life
        if self._file.tell():
            self._file.seek(-1, 2)
            if self._file.read(1) != b"\n":
                self._file.write(b"\n")

    def append(self, kind: str, **values: Any) -> None:
        """Writes one record as one line, in one write.

        Raises:
            OSError: it can't be written whole; the file ends as it did before.
        """
        line = json.dumps({"kind": kind, **values}, ensure_ascii=False).encode() + b"\n"
        before = self._file.seek(0, 2)
        try:
            written = self._file.write(line)
            while written < len(line):  # a disk that is nearly full takes a part and says so at the next
                written += self._file.write(line[written:])
        except OSError:
            self._file.truncate(before)
            raise

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def rewind(path: Path, epoch: int) -> None:
    """Takes the file back to the end of an epoch; at 0, to its beginning. No writer may have it open."""
    kept, held = b"", b""
    try:
        data = read_bytes(path, _MOST_READ)
    except OSError:
        return
    for line in data[: data.rfind(b"\n") + 1].splitlines(keepends=True):
        held += line
        record = next(iter(_records([line])), None)
        if record and record["kind"] == "epoch" and isinstance(record.get("epoch"), int) and record["epoch"] <= epoch:
            kept, held = kept + held, b""
    write_bytes(path, kept)


def read(path: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Returns the whole records from byte `offset` on, and the offset to read on from.

    A torn last line is left for the next read; lines that are no JSON object are skipped.
    """
    try:
        with open_regular(path) as file:
            file.seek(offset)
            data = file.read(_MOST_READ)
    except OSError:
        return [], 0
    whole = data[: data.rfind(b"\n") + 1]
    return list(_records(whole.split(b"\n"))), offset + len(whole)


def _records(lines: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    for line in lines:
        try:
            record = parse_json(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and isinstance(record.get("kind"), str):
            yield record


class _Tail:
    """A file's records so far; only what was appended since the last look is read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inode = self._offset = 0
        self._records: list[dict[str, Any]] = []

    def look(self, path: Path) -> list[dict[str, Any]]:
        with self._lock:
            try:
                stat = path.stat()
            except OSError:
                stat = None
            if stat is None or stat.st_ino != self._inode or stat.st_size < self._offset:
                self._inode, self._offset, self._records = (stat.st_ino if stat else 0), 0, []
            if stat is not None and stat.st_size > self._offset:
                added, self._offset = read(path, self._offset)
                self._records = self._records + added
            return self._records


@lru_cache(maxsize=64)
def _tail(path: Path) -> _Tail:
    return _Tail()


def history(path: Path) -> list[dict[str, Any]]:
    """Returns all records, which must not be changed; of a file seen before, only what was appended is read."""
    return _tail(path).look(path)


def epochs(path: Path) -> list[dict[str, Any]]:
    """Returns the epochs' records in order; of an epoch that was repeated, the last."""
    found = {
        record["epoch"]: record
        for record in history(path)
        if record["kind"] == "epoch" and type(number := record.get("epoch")) is int and 0 <= number < 2**31
    }
    return [found[number] for number in sorted(found)]


def has_figures(path: Path) -> bool:
    """Returns whether there are figures of a batch or an epoch by now."""
    return any(record["kind"] != "note" for record in history(path))


def last(path: Path, tail: int = 65_536) -> dict[str, Any] | None:
    """Returns the newest record, read from the file's end, or `None`."""
    try:
        with open_regular(path) as file:
            end = file.seek(0, 2)
            file.seek(max(0, end - tail))
            data = file.read(_MOST_READ)
    except OSError:
        return None
    lines = data[: data.rfind(b"\n") + 1].split(b"\n")
    return next(iter(_records(reversed(lines))), None)


def to_csv(records: Sequence[dict[str, Any]]) -> str:
    """Returns records as CSV with a line of names, for a spreadsheet: no text in it can be taken for a formula."""
    names = list(dict.fromkeys(name for record in records for name in record if name not in ("kind", "first_epoch")))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_cell, names))
    writer.writerows([_cell(record.get(name)) for name in names] for record in records)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    text = str(value)
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text
