"""Data sets of a few images, made in memory or of files, to be audited."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cnnviz.audit.measurements import Pool, pool_of
from cnnviz.data.dataset import Arrays, Dataset, Files, Head, Source, Split


def made_dataset(source: Source, labels: dict[str, Sequence[int]], splits: Sequence[str] = (), **more) -> Dataset:
    """A data set of one source; `splits` names each image's, else all are of training."""
    values = {head: np.array(one, np.int64) for head, one in labels.items()}
    count = len(next(iter(values.values())))
    of = np.array(splits or ["train"] * count)
    heads = tuple(
        Head(name, more.get("classes") or tuple(f"c{k}" for k in range(int(one.max()) + 1)))
        for name, one in values.items()
    )
    parts = {}
    for name in dict.fromkeys(of.tolist()):
        rows = np.flatnonzero(of == name)
        parts[name] = Split(name, {head: one[rows] for head, one in values.items()}, source, rows)
    return Dataset("made", "Made", "Made here.", heads, parts)


def of_arrays(images: np.ndarray, labels: Sequence[int] | None = None, splits: Sequence[str] = ()) -> Pool:
    """A pool of images in memory, uint8 (n, height, width, channels)."""
    labels = [0] * len(images) if labels is None else labels
    return pool_of(made_dataset(Arrays(lambda: images), {"label": labels}, splits))


def of_files(folder: Path, names: Sequence[str], labels: Sequence[int] | None = None) -> Pool:
    """A pool of files in a folder."""
    labels = [0] * len(names) if labels is None else labels
    return pool_of(made_dataset(Files(folder, tuple(names)), {"label": labels}))
