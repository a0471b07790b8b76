"""All images of a data set in one row, whichever split they are of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnnviz.data.dataset import Dataset
from cnnviz.data.edits import names_of

__all__ = ["Pool", "drawn", "pool_of"]


@dataclass(frozen=True, eq=False)
class Pool:
    """All images of a data set, one split after another.

    Attributes:
        dataset: what they are of.
        names: as `data.without` calls them.
        split: of each its split's name, (n,).
        position: of each its position within its split, int64 (n,).
        labels: for each head int64 (n,).
    """

    dataset: Dataset
    names: tuple[str, ...]
    split: np.ndarray
    position: np.ndarray
    labels: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.names)

    def image(self, i: int) -> np.ndarray:
        """Returns image `i`, uint8 (height, width, 1 or 3); see `Split.image`."""
        return self.dataset.splits[self.split[i]].image(int(self.position[i]))

    def of_split(self, name: str) -> np.ndarray:
        """Returns the positions of a split's images, int64."""
        return np.flatnonzero(self.split == name)


def pool_of(dataset: Dataset) -> Pool:
    """Returns all images of a data set; of a validation split that is the test split they are taken once."""
    chosen = [name for name in dataset.splits if name != "validation" or not dataset.validates_on_test]
    sizes = [len(dataset.splits[name]) for name in chosen]
    names = tuple(one for name, size in zip(chosen, sizes, strict=True) for one in names_of(dataset, name, range(size)))
    labels = {h.name: np.concatenate([dataset.splits[name].labels[h.name] for name in chosen]) for h in dataset.heads}
    return Pool(dataset, names, np.repeat(chosen, sizes), np.concatenate([np.arange(size) for size in sizes]), labels)


def drawn(count: int, most: int) -> np.ndarray:
    """Returns the positions of at most so many of `count`, drawn by a seed where they are more, int64, ascending.

    >>> drawn(3, 5)
    array([0, 1, 2])
    """
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))
