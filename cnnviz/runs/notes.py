"""`notes.json`: what a person calls a run, its tags, and a note on it; nobody but pages writes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from cnnviz.errors import RunError
from cnnviz.files import read_json, write_json
from cnnviz.runs.store import own_place

__all__ = ["LONGEST_NAME", "LONGEST_NOTE", "LONGEST_TAG", "MOST_TAGS", "Notes", "read", "sound_tags", "write"]

LONGEST_NAME, LONGEST_NOTE = 80, 2000
MOST_TAGS, LONGEST_TAG = 12, 30


@dataclass(frozen=True)
class Notes:
    """What a person wrote of a run: a name of its own, tags and a note, each of which may be empty."""

    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""


def read(folder: Path) -> Notes:
    """Returns what was written of the run in `folder`; what can't be read counts as nothing."""
    path = folder / "notes.json"
    try:
        stat = path.stat()
    except OSError:
        return Notes()
    return _read(path, stat.st_mtime_ns, stat.st_size, stat.st_ino)


@lru_cache(maxsize=4096)
def _read(path: Path, mtime_ns: int, size: int, inode: int) -> Notes:
    try:
        found: Any = read_json(path)
    except OSError:
        return Notes()
    if not isinstance(found, dict):
        return Notes()
    tags = found.get("tags")
    return Notes(
        _line(found.get("name"), LONGEST_NAME),
        sound_tags(tags if isinstance(tags, list) else ()),
        found["note"][:LONGEST_NOTE] if isinstance(found.get("note"), str) else "",
    )


def sound_tags(tags: Iterable[object]) -> tuple[str, ...]:
    """Returns tags as they are kept: single words or lines without a comma, each once, at most `MOST_TAGS`."""
    said = (_line(tag.replace(",", " ") if isinstance(tag, str) else "", LONGEST_TAG) for tag in tags)
    return tuple(dict.fromkeys(filter(None, said)))[:MOST_TAGS]


def _line(text: object, longest: int) -> str:
    words = " ".join(text.split()) if isinstance(text, str) else ""
    return "".join(letter for letter in words if letter.isprintable())[:longest].strip()


def write(folder: Path, notes: Notes) -> None:
    """Replaces what was written of the run, whole or not at all; what is too long is cut.

    Raises:
        RunError: it can't be written.
    """
    kept = Notes(_line(notes.name, LONGEST_NAME), sound_tags(notes.tags), notes.note.strip()[:LONGEST_NOTE])
    try:
        write_json(own_place(folder) / "notes.json", asdict(kept))
    except OSError as error:
        raise RunError(f"The notes of run {folder.name} can't be written: {error.strerror or error}.") from None
