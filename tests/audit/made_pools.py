"""Data sets of a few images, made in memory or of files, to be audited."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cnnviz.audit.measurements import Features, Measurements
from cnnviz.audit.pool import Pool, pool_of
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


def by_colour(pool: Pool, measured: Measurements, groups: np.ndarray, **more) -> Features:
    """In place of a model: features are mean colours, and what is more blue than red is of the first class."""
    kept = np.flatnonzero(measured.readable)
    matrix = np.stack([pool.image(i).mean(axis=(0, 1)) for i in kept]).astype(np.float32)
    red = np.where(matrix[:, 0] > matrix[:, 2], 0.95, 0.05)
    told = np.stack([1 - red, red], axis=1).astype(np.float32)
    return Features("mean colours", kept, matrix, {head.name: told for head in pool.dataset.heads})
