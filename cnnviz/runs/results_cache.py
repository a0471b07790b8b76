"""What took long to find out about a run's model, kept in the run's folder under the digest of all that it depends on.

With another model, other data or settings a result has another name, so that none is ever out of date, and all are
found again where a run was copied or checked out. What can't be read is found out anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from pydantic import TypeAdapter, ValidationError

from cnnviz.files import MOST_MODEL, digest, npz_bytes, read_arrays, read_json, write_bytes, write_json
from cnnviz.runs import Run
from cnnviz.runs.store import own_place

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["model_digest", "place", "read", "read_record", "write", "write_record"]

T = TypeVar("T")


def model_digest(model: Path) -> str:
    """Returns the SHA-256 of a run's model; "" where there is none, or a file larger than any that is opened."""
    try:
        status = model.stat()
        return _digest(model, status.st_mtime_ns, status.st_size, status.st_ino) if status.st_size <= MOST_MODEL else ""
    except OSError:
        return ""


@lru_cache(maxsize=256)
def _digest(path: Path, changed: int, size: int, inode: int) -> str:
    return digest(path)


def place(run: Run, kind: str, version: int, **settings: Any) -> Path:
    """Returns where a result is kept, without its ending.

    Args:
        run: whose model it is of; by the model's content and the recipe's data.
        kind: the folder's name.
        version: another one where the same is found out in another way.
        settings: all else that it depends on, as JSON has it.
    """
    data = run.recipe.data.model_dump(mode="json") if run.recipe is not None else {}
    for later in ("fold", "label_columns", "labels", "splits"):  # results of before there were these are found still
        if not data.get(later):
            data.pop(later, None)
    key = json.dumps([model_digest(run.best_path), data or None, version, settings], sort_keys=True)
    return run.folder / kind / hashlib.sha256(key.encode()).hexdigest()[:24]


def read(path: Path) -> dict[str, np.ndarray] | None:
    """Returns the arrays that `write` kept, or `None` where there are none or the file is damaged."""
    try:
        return read_arrays(path.with_suffix(".npz"))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, AttributeError):
        return None


def read_record(path: Path, of: type[T]) -> T | None:
    """Returns the dataclass that `write_record` kept, or `None` where there is none or its fields hold other types."""
    try:
        found: T = _adapter(cast(Any, of)).validate_python(read_json(path.with_suffix(".json")))
    except (OSError, ValidationError):
        return None
    return found


@cache
def _adapter(of: Any) -> TypeAdapter[Any]:
    return TypeAdapter(of)


def write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Keeps arrays; does nothing where the folder is read-only or gone, as the results are there all the same."""
    _keep(path.with_suffix(".npz"), lambda place: write_bytes(place, npz_bytes(arrays, compressed=True)))


def write_record(path: Path, record: DataclassInstance) -> None:
    """Keeps a dataclass of numbers and texts as JSON; as `write` does."""
    _keep(path.with_suffix(".json"), lambda place: write_json(place, asdict(record)))


def _keep(path: Path, write: Callable[[Path], None]) -> None:
    with contextlib.suppress(OSError):
        path = own_place(path)
        path.parent.mkdir(exist_ok=True)
        write(path)
