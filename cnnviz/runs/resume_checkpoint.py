"""`resume/`: what a run needs to go on exactly where it was, in two generations, each whole and with a checksum.

A file is one line that says what it is, one line of JSON, the arrays' bytes in order, and a SHA-256 of all that.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz.files import write_bytes
from cnnviz.recipe import Recipe
from cnnviz.temporary import clear

__all__ = ["GENERATIONS", "Saved", "fingerprint", "kept_epoch", "newest", "remove_checkpoints", "save"]

GENERATIONS = 2
_KIND = b"cnnviz resume 1\n"
_NAME = re.compile(r"epoch-([0-9]{5,})\.bin")


@dataclass(frozen=True)
class Saved:
    """The moment after an epoch: `epoch` counts from 1, `arrays` and `facts` are what the worker put there."""

    epoch: int
    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]


def fingerprint(recipe: Recipe) -> str:
    """Returns what tells this recipe from all others, its name apart.

    Nothing and empty lists don't count: a field that later code adds leaves the recipes as they were.
    """
    tree = recipe.model_dump(mode="json", exclude={"name"})
    return hashlib.sha256(json.dumps(_filled(tree), sort_keys=True).encode()).hexdigest()


def _filled(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: _filled(value) for name, value in tree.items() if value not in (None, [], {})}
    return [_filled(value) for value in tree] if isinstance(tree, list) else tree


def save(folder: Path, recipe: Recipe, saved: Saved) -> None:
    """Adds a generation to the run in `folder`, whole or not at all, and lets go of all but the newest two.

    Raises:
        OSError: it can't be written; what was there is still there.
    """
    place = folder / "resume"
    place.mkdir(exist_ok=True)
    arrays = {name: np.ascontiguousarray(array) for name, array in saved.arrays.items()}
    head = {
        "fingerprint": fingerprint(recipe),
        "epoch": saved.epoch,
        "facts": saved.facts,
        "arrays": [[name, array.dtype.str, list(np.shape(saved.arrays[name]))] for name, array in arrays.items()],
    }
    parts: list[bytes | memoryview] = [
        _KIND,
        json.dumps(head).encode() + b"\n",
        *(array.reshape(-1).view(np.uint8).data for array in arrays.values()),
    ]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    path = place / f"epoch-{saved.epoch:05d}.bin"
    write_bytes(path, *parts, digest.digest())
    names = _generations(folder)
    # The one just written and the newest before it; later ones are of a time that is being repeated.
    kept = [path, *[other for other in names if _epoch(other) < saved.epoch][: GENERATIONS - 1]]
    for other in names:
        if other not in kept:
            other.unlink(missing_ok=True)


def newest(folder: Path, recipe: Recipe) -> Saved | None:
    """Returns the newest generation that is whole and of this recipe, or `None`."""
    wanted = fingerprint(recipe)
    return next((found for path in _generations(folder) if (found := _read(path, wanted)) is not None), None)


def kept_epoch(folder: Path) -> int:
    """Returns the epoch after which the run in `folder` would go on, 0 where it would begin anew; reads no content."""
    return max(map(_epoch, _generations(folder)), default=0)


def remove_checkpoints(folder: Path) -> None:
    """Removes all generations, of a run that needs them no longer."""
    place = folder / "resume"
    if place.is_dir():
        clear(place)
        for path in _generations(folder):
            path.unlink(missing_ok=True)
        if not any(place.iterdir()):
            place.rmdir()


def _generations(folder: Path) -> list[Path]:
    try:
        found = [path for path in (folder / "resume").iterdir() if _NAME.fullmatch(path.name)]
    except OSError:
        return []
    return sorted(found, key=_epoch, reverse=True)


def _epoch(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    assert match is not None  # it is one of `_generations`, or just written
    return int(match[1])


def _read(path: Path, wanted: str) -> Saved | None:
    try:
        data = memoryview(path.read_bytes())
    except OSError:
        return None
    whole, digest = data[:-32], data[-32:]
    if bytes(whole[: len(_KIND)]) != _KIND or hashlib.sha256(whole).digest() != bytes(digest):
        return None
    end = bytes(whole[len(_KIND) : len(_KIND) + 2**24]).index(b"\n") + len(_KIND)
    head: Mapping[str, Any] = json.loads(bytes(whole[len(_KIND) : end]))
    if head["fingerprint"] != wanted:
        return None
    arrays, at = {}, end + 1
    for name, kind, shape in head["arrays"]:
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(whole, np.dtype(kind), count, at).reshape(shape)
        at += arrays[name].nbytes
    return Saved(head["epoch"], head["facts"], arrays)
