"""`evaluation/`: what a run's best model predicted about every image of a split, as it was measured last."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz.files import npz_bytes, parse_json, read_arrays, read_json, write_bytes, write_json
from cnnviz.runs.results_cache import model_digest

__all__ = ["Predictions", "add_to_report", "read_predictions", "save"]

FOLDER = "evaluation"
_ARRAYS = {"labels": "labels", "probabilities": "shares", "losses": "losses"}
"""Fields by head, and the names of their arrays in the file."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """A model's predictions about a split.

    Attributes:
        split: its name.
        stamp: of the model's file, see `results_cache.model_digest`.
        data: the fingerprint of the data.
        indices: which samples of the split, int64 (n,) ascending; those that could not be read are missing.
        labels: for each head the true classes, int64 (n,).
        probabilities: for each head the class probabilities, float32 (n, classes).
        losses: for each head every sample's cross-entropy, float32 (n,).
        classes: for each head the classes' names.
        same_as: the split with the very same images, or "".
        seconds: how long it took, reading included.
    """

    split: str
    stamp: str
    data: str
    indices: np.ndarray
    labels: dict[str, np.ndarray]
    probabilities: dict[str, np.ndarray]
    losses: dict[str, np.ndarray]
    classes: dict[str, tuple[str, ...]]
    same_as: str = ""
    seconds: float = 0.0

    def take(self, chosen: np.ndarray) -> Predictions:
        """Returns those about the images at these positions, ascending."""
        taken: dict[str, Any] = {
            field: {head: values[chosen] for head, values in getattr(self, field).items()} for field in _ARRAYS
        }
        return replace(self, indices=self.indices[chosen], **taken)


def save(folder: Path, found: Predictions) -> None:
    """Keeps it in the run's folder, in place of what was there of this split, whole or not at all.

    Raises:
        OSError: it can't be written.
    """
    facts = {name: getattr(found, name) for name in ("split", "stamp", "data", "same_as", "seconds")}
    arrays = {
        f"{name}_{at}": values
        for field, name in _ARRAYS.items()
        for at, values in enumerate(getattr(found, field).values())
    }
    facts["heads"] = {head: list(names) for head, names in found.classes.items()}
    arrays = {"facts": np.frombuffer(json.dumps(facts).encode(), np.uint8), "indices": found.indices, **arrays}
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    write_bytes(place / f"{found.split}.npz", npz_bytes(arrays))


def read_predictions(folder: Path, split: str) -> Predictions | None:
    """Returns what is kept of a split, or `None` where nothing is, it can't be read, or the model is another by now."""
    path = folder / FOLDER / f"{split}.npz"
    try:
        status = path.stat()
    except OSError:
        return None
    found = _read(path, status.st_mtime_ns, status.st_size)
    return found if found is not None and found.stamp in _stamps(folder / "best.keras") else None


def _stamps(model: Path) -> tuple[str, ...]:
    """What `Predictions.stamp` may be: the model's digest, or its time and size, as older versions kept it."""
    try:
        status = model.stat()
    except OSError:
        return ("",)
    return model_digest(model), f"{status.st_mtime_ns}-{status.st_size}"


@lru_cache(maxsize=8)
def _read(path: Path, changed: int, size: int) -> Predictions | None:
    try:
        arrays = read_arrays(path)
        facts: dict[str, Any] = parse_json(arrays["facts"].tobytes())
        heads = {str(head): tuple(map(str, names)) for head, names in facts.pop("heads").items()}
        parts: dict[str, Any] = {
            field: {head: arrays[f"{name}_{at}"] for at, head in enumerate(heads)} for field, name in _ARRAYS.items()
        }
        found = Predictions(**facts, indices=arrays["indices"], classes=heads, **parts)
    except Exception:  # NumPy raises nearly anything on broken files; what is kept can be measured anew
        return None
    return found if _sound(found) else None


def _sound(found: Predictions) -> bool:
    """Whether all arrays are of one length and hold what they should, whatever the file says."""
    count = len(found.indices)
    facts = found.split, found.stamp, found.data, found.same_as
    whole = all(isinstance(one, str) for one in facts) and isinstance(found.seconds, (int, float)) and found.classes
    rows = (
        found.indices.ndim == 1 and found.indices.dtype.kind == "i" and (np.diff(found.indices, prepend=-1) > 0).all()
    )
    return bool(whole and rows) and all(
        found.labels[head].shape == found.losses[head].shape == (count,)
        and found.probabilities[head].shape == (count, len(names))
        and found.labels[head].dtype.kind == "i"
        and np.isfinite(found.probabilities[head]).all()
        and not np.isnan(found.losses[head]).any()
        and (not count or 0 <= found.labels[head].min() <= found.labels[head].max() < len(names))
        for head, names in found.classes.items()
    )


def add_to_report(folder: Path, split: str, report: dict[str, Any], facts: dict[str, Any]) -> None:
    """Puts a split's part into `report.json`; `facts` are added where the report lacks them, the split's `samples` and
    the images that were `skipped` in any case.

    Raises:
        OSError: it can't be written.
    """
    whole = read_json(folder / "report.json")
    whole = whole if isinstance(whole, dict) else {}
    splits, samples, skipped = (whole.get(name) for name in ("splits", "samples", "skipped"))
    skipped = skipped if isinstance(skipped, list) else []
    whole = {
        **facts,
        **whole,
        "samples": {**(samples if isinstance(samples, dict) else {}), **facts["samples"]},
        "skipped": skipped + [one for one in facts["skipped"] if one not in skipped],
        "splits": {**(splits if isinstance(splits, dict) else {}), split: report},
    }
    write_json(folder / "report.json", whole)
