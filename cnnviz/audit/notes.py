"""What the last audit of a data set means for a training on it, whatever its splits: leaks and contradictions."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz.audit.duplicates import contradictions, leaks
from cnnviz.data.dataset import Dataset
from cnnviz.data.disk_cache import cache_folder
from cnnviz.data.edits import names_of
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
    at: dict[str, tuple[str, int]] = {}
    for split in ("train", "validation", "test"):  # of a validation split that is the test split, the latter counts
        if split in dataset.splits:
            names = names_of(dataset, split, range(len(dataset.splits[split])))
            at |= {name: (split, i) for i, name in enumerate(names)}
    found = [[at[name] for name in group if name in at] for group in kept["exact"]]
    found = [group for group in found if len(group) > 1]
    if not found:
        return []
    flat = [one for group in found for one in group]
    ends = np.cumsum([len(group) for group in found])
    groups = tuple(np.split(np.arange(len(flat)), ends[:-1]))
    labels = {
        head.name: np.array([int(dataset.splits[split].labels[head.name][i]) for split, i in flat])
        for head in dataset.heads
    }
    said = [
        f"{count:,} {split} image{'s are' if count > 1 else ' is'} in the training data."
        for split, count in leaks(groups, np.array([split for split, _ in flat])).items()
        if count
    ]
    return said + [
        f"{len(numbers):,} group{'s' * (len(numbers) > 1)} of the same image ha{'ve' if len(numbers) > 1 else 's'} "
        f"different labels of {head}."
        for head, numbers in contradictions(groups, labels).items()
        if numbers
    ]


def _place(dataset: Dataset) -> Path:
    known = json.dumps([dataset.name, dataset.source]).encode()
    return cache_folder() / "audits" / f"groups-{hashlib.sha256(known).hexdigest()[:32]}.json"
