"""From a name or a path to a dataset."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from cnnviz import recipe
from cnnviz.data import bundled, splits
from cnnviz.data.dataset import Dataset, Progress
from cnnviz.errors import DataError, one_of

__all__ = ["open_dataset"]

KNOWN: dict[str, Callable[[], Dataset]] = {"digits": bundled.load_digits, "shapes": bundled.load_shapes}


def open_dataset(data: recipe.Data, heads: Sequence[str] | None = None, *, progress: Progress | None = None) -> Dataset:
    """Returns the dataset that a recipe names, with its splits."""
    if data.dataset not in KNOWN:
        raise DataError(f"There is no dataset {data.dataset!r}: {one_of(data.dataset, KNOWN)}.")
    return splits.arrange(with_heads(KNOWN[data.dataset](), heads), data)


def with_heads(dataset: Dataset, heads: Sequence[str] | None) -> Dataset:
    """Returns the dataset with these heads only, in this order."""
    if heads is None:
        return dataset
    chosen = tuple(dataset.head(name) for name in heads)
    parts = {
        name: dataclasses.replace(split, labels={head: split.labels[head] for head in heads})
        for name, split in dataset.splits.items()
    }
    return dataclasses.replace(dataset, heads=chosen, splits=parts)
