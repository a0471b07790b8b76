"""What the last audit of a data set means for a training on it, whatever its splits: leaks and contradictions."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz.audit.duplicates import contradictions, leaks
from cnnviz.audit.pool import pool_of
from cnnviz.data.dataset import Dataset
from cnnviz.data.disk_cache import cache_folder
from cnnviz.files import read_json, write_json

__all__ = ["keep_groups", "notes_on"]


def keep_groups(dataset: Dataset, groups: tuple[tuple[str, ...], ...]) -> None:
    """Keeps the groups of exact duplicates, by their images' names, for `notes_on`.

    Raises:
        OSError: the cache folder can't be written.
    """
    path = _place(dataset)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"exact": groups})


def notes_on(dataset: Dataset) -> list[str]:
    """Returns sentences on leaks and contradictions among a data set's images as they are split, labelled and left out
    now; none where it was never audited or has none.

    Example:
        `["28 test images are in the training data."]`
    """
    kept: Any = read_json(_place(dataset))
    if not isinstance(kept, dict) or not kept.get("exact"):
        return []
    pool = pool_of(dataset)
    at = {name: i for i, name in enumerate(pool.names)}
    groups = tuple(np.array([at[name] for name in group if name in at], np.int64) for group in kept["exact"])
    said = [
        f"{count:,} {split} image{'s are' if count > 1 else ' is'} in the training data."
        for split, count in leaks(groups, pool.split).items()
        if count
    ]
    return said + [
        f"{len(numbers):,} group{'s' * (len(numbers) > 1)} of the same image ha{'ve' if len(numbers) > 1 else 's'} "
        f"different labels of {head}."
        for head, numbers in contradictions(groups, pool.labels).items()
        if numbers
    ]


def _place(dataset: Dataset) -> Path:
    known = json.dumps([dataset.name, dataset.source]).encode()
    return cache_folder() / "audits" / f"groups-{hashlib.sha256(known).hexdigest()[:32]}.json"
