"""`resume/`: what a run needs to go on exactly where it was, in two generations, each whole and with a checksum.

Of small models some epochs' generations stay in `kept/`, spread over the run, from which others can branch.

A file is one line that says what it is, one line of JSON, the arrays' bytes in order, and a SHA-256 of all that.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz.files import write_bytes
from cnnviz.recipe import Recipe
from cnnviz.temporary import clear

__all__ = [
    "GENERATIONS",
    "Saved",
    "epochs_to_branch_from",
    "fingerprint",
    "kept_bytes",
    "kept_epoch",
    "newest",
    "of_epoch",
    "remove_checkpoints",
    "save",
]

GENERATIONS = 2
MOST_KEPT, MOST_KEPT_BYTES = 6, 24_000_000
"""How many epochs stay to branch from, and what they may take of the disk: large models keep none."""
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
    with suppress(OSError):  # a run does without
        _keep(folder, path)


def kept_bytes(generation: int) -> int:
    """Returns what the generations that stay take of the disk at most, each of which has so many bytes."""
    return _most_kept(generation) * generation


def _most_kept(generation: int) -> int:
    return min(MOST_KEPT, MOST_KEPT_BYTES // max(1, generation))


def _keep(folder: Path, path: Path) -> None:
    """Lets a generation stay to branch from; where there are too many, the one goes without which they are spread most
    evenly."""
    room = _most_kept(path.stat().st_size)
    if not room:
        return
    place = folder / "kept"
    place.mkdir(exist_ok=True)
    copy = place / path.name
    copy.unlink(missing_ok=True)
    try:
        os.link(path, copy)
    except OSError:  # a file system without
        shutil.copyfile(path, copy)
    there = sorted(_generations(folder, "kept"), key=_epoch)
    while len(there) > room:
        epochs = [0, *map(_epoch, there)]
        gaps = [after - before for before, after in zip(epochs, epochs[2:], strict=False)]
        there.pop(gaps.index(min(gaps)) if gaps else 0).unlink(missing_ok=True)


def epochs_to_branch_from(folder: Path) -> list[int]:
    """Returns the epochs of the run in `folder` that others can branch from, ascending; reads no content."""
    return sorted({_epoch(path) for where in ("kept", "resume") for path in _generations(folder, where)})


def of_epoch(folder: Path, recipe: Recipe, epoch: int) -> Saved | None:
    """Returns the generation of an epoch, if one is there, whole and of this recipe."""
    wanted = fingerprint(recipe)
    paths = [path for where in ("resume", "kept") for path in _generations(folder, where) if _epoch(path) == epoch]
    return next((found for path in paths if (found := _read(path, wanted)) is not None), None)


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


def _generations(folder: Path, where: str = "resume") -> list[Path]:
    try:
        found = [path for path in (folder / where).iterdir() if _NAME.fullmatch(path.name)]
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
