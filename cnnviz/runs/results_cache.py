"""Arrays that took long to compute, kept in their run's folder under the name of all that they depend on."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz.files import read_arrays, write_bytes, write_json
from cnnviz.runs import Run
from cnnviz.runs.store import own_place

__all__ = ["cache_file", "read", "write", "write_record"]


def cache_file(run: Run, kind: str, **depends: Any) -> Path:
    """Returns the file for results of this kind; other settings, or another model in the run, give another file."""
    try:
        status = run.best_path.stat()
        model = [status.st_mtime_ns, status.st_size]
    except OSError:
        model = []
    key = json.dumps([model, depends], sort_keys=True)
    return run.folder / kind / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"


def read(path: Path) -> dict[str, np.ndarray] | None:
    """Returns the arrays that `write` kept, or `None` where there are none or the file is damaged."""
    try:
        return read_arrays(path)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, AttributeError):
        return None


def write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Keeps arrays; does nothing where the folder is read-only or gone, as the results are there all the same."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # NumPy's stubs see its option allow_pickle in them
    _keep(path, lambda place: write_bytes(place, file.getvalue()))


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Keeps a record as JSON, for `files.read_json`; as `write` does."""
    _keep(path, lambda place: write_json(place, record))


def _keep(path: Path, write: Callable[[Path], None]) -> None:
    with contextlib.suppress(OSError):
        path = own_place(path)
        path.parent.mkdir(exist_ok=True)
        write(path)
