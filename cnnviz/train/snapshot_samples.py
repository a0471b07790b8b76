"""Which validation images a run watches while it learns."""

from __future__ import annotations

import numpy as np

from cnnviz.data import Dataset
from cnnviz.data.split_images import SplitImages
from cnnviz.recipe import Recipe
from cnnviz.runs.snapshots import IMAGES, Probe

__all__ = ["choose_samples", "probe_of"]

_CANDIDATES = 2000


def choose_samples(labels: dict[str, np.ndarray], seed: int, count: int = IMAGES) -> np.ndarray:
    """Returns which samples are watched, int64 ascending by their labels: drawn by the seed, spread over the classes.

    Args:
        labels: each head's classes, int64 (n,).
        seed: the recipe's.
        count: how many; fewer where there are fewer samples.
    """
    total = len(next(iter(labels.values())))
    order = np.random.default_rng((seed, 6)).permutation(total)[:_CANDIDATES]
    rows = np.stack([values[order] for values in labels.values()])
    seen = [np.zeros(int(row.max(initial=0)) + 1, np.int64) for row in rows]
    left, picked = np.ones(len(order), bool), []
    for _ in range(min(count, len(order))):
        often = sum(counts[row] for counts, row in zip(seen, rows, strict=True))
        best = int(np.argmin(np.where(left, often, np.iinfo(np.int64).max)))
        left[best] = False
        picked.append(best)
        for counts, row in zip(seen, rows, strict=True):
            counts[row[best]] += 1
    picked.sort(key=lambda at: (*rows[:, at], order[at]))
    return order[picked].astype(np.int64)


def probe_of(dataset: Dataset, held_out: SplitImages, labels: dict[str, np.ndarray], recipe: Recipe) -> Probe:
    """Returns the validation images that a run watches; `labels` are those of the images that could be read."""
    names = {head.name: labels[head.name] for head in recipe.network.heads}
    at = choose_samples(names, recipe.seed)
    split = dataset.splits["validation"]
    classes = {head.name: head.classes for head in dataset.heads}
    return Probe(
        np.stack([held_out[i] for i in at]),
        tuple(split.name_of(int(held_out.kept[i])) for i in at),
        {name: values[at] for name, values in names.items()},
        {name: classes[name] for name in names},
    )
