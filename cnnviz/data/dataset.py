"""The records of a dataset: heads, splits, and where a split's images come from."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from cnnviz import images
from cnnviz.errors import DataError, one_of

__all__ = ["Arrays", "Dataset", "Files", "Head", "Joined", "Source", "Split", "printable"]


@dataclass(frozen=True)
class Head:
    """One output of a model: what is predicted of an image, and its classes; labels are indices into `classes`."""

    name: str
    classes: tuple[str, ...]


class Source(Protocol):
    """Where images come from; `row` counts the source's own samples."""

    def image(self, row: int) -> np.ndarray: ...
    def name(self, row: int) -> str: ...
    def mask(self, row: int) -> np.ndarray | None: ...
    def path(self, row: int) -> Path | None: ...


class Arrays:
    """Images in memory, loaded when the first one is asked for.

    Args:
        load: returns uint8 (n, height, width, 1 or 3).
        masks: returns bool (n, height, width), or `None` where images have no mask.
    """

    def __init__(self, load: Callable[[], np.ndarray], masks: Callable[[], np.ndarray] | None = None) -> None:
        self._load, self._masks = load, masks
        self._array: np.ndarray | None = None
        self._lock = threading.Lock()

    def array(self) -> np.ndarray:
        """All images, uint8 (n, height, width, channels)."""
        with self._lock:
            if self._array is None:
                self._array = self._load()
            return self._array

    def image(self, row: int) -> np.ndarray:
        image: np.ndarray = self.array()[row]
        return image

    def name(self, row: int) -> str:
        return f"#{row}"

    def mask(self, row: int) -> np.ndarray | None:
        return None if self._masks is None else self._masks()[row]

    def path(self, row: int) -> Path | None:
        return None


@dataclass(frozen=True, eq=False)
class Files:
    """Image files under `root`, decoded when they are asked for; `names` are their paths below it.

    `bits` is how many their values use where they have more than 8, see `images.decode`.
    """

    root: Path
    names: tuple[str, ...]
    bits: int | None = None

    def image(self, row: int) -> np.ndarray:
        return images.decode(self.path(row), self.bits)

    def name(self, row: int) -> str:
        return printable(self.names[row])

    def mask(self, row: int) -> np.ndarray | None:
        return None

    def path(self, row: int) -> Path:
        return self.root / self.names[row]


@dataclass(frozen=True, eq=False)
class Joined:
    """Images of several sources: those of a split that images of another were moved to.

    Attributes:
        sources: where they come from.
        marks: what stands before the names of each source's images.
        which: each image's source, int64 (n,).
        rows: its row there, int64 (n,).
    """

    sources: tuple[Source, ...]
    marks: tuple[str, ...]
    which: np.ndarray
    rows: np.ndarray

    def _at(self, row: int) -> tuple[Source, int]:
        return self.sources[self.which[row]], int(self.rows[row])

    def image(self, row: int) -> np.ndarray:
        source, own = self._at(row)
        return source.image(own)

    def name(self, row: int) -> str:
        source, own = self._at(row)
        return self.marks[int(self.which[row])] + source.name(own)

    def mask(self, row: int) -> np.ndarray | None:
        source, own = self._at(row)
        return source.mask(own)

    def path(self, row: int) -> Path | None:
        source, own = self._at(row)
        return source.path(own)

    @property
    def bits(self) -> int | None:
        return getattr(self.sources[0], "bits", None)  # a dataset has one number for all


@dataclass(frozen=True, eq=False)
class Split:
    """Samples: a label per head (int64, shape (n,)) and an image each, decoded on demand."""

    name: str
    labels: dict[str, np.ndarray]
    source: Source = field(repr=False)
    rows: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def image(self, i: int) -> np.ndarray:
        """Returns sample `i`'s image as it is: uint8 (height, width, 1 or 3).

        Raises:
            ImageError: its file is no image.
        """
        return self.source.image(int(self.rows[i]))

    def name_of(self, i: int) -> str:
        """Returns sample `i`'s name, such as "cats/12.jpg" or "#12"; printable text."""
        return self.source.name(int(self.rows[i]))

    def path_of(self, i: int) -> Path | None:
        """Returns the file of sample `i`, if it has one."""
        return self.source.path(int(self.rows[i]))

    def mask(self, i: int) -> np.ndarray | None:
        """Returns which pixels of sample `i` belong to its object, bool (height, width), where that is known."""
        return self.source.mask(int(self.rows[i]))

    def pixels(self, shape: tuple[int, ...] | None = None) -> np.ndarray | None:
        """Returns all images as they are, uint8 (n, height, width, 1 or 3), where they lie in memory and have one
        shape (`shape`, if one is asked for); no copy where they are a source's own, in order."""
        sources = self.source.sources if isinstance(self.source, Joined) else (self.source,)
        arrays = [source.array() for source in sources if isinstance(source, Arrays)]
        if len(arrays) < len(sources) or {array.shape[1:] for array in arrays} != {shape or arrays[0].shape[1:]}:
            return None
        if not isinstance(self.source, Joined):
            [array] = arrays
            return array if np.array_equal(self.rows, np.arange(len(array))) else array[self.rows]
        made = np.empty((len(self), *arrays[0].shape[1:]), np.uint8)
        for number, array in enumerate(arrays):
            here = self.source.which[self.rows] == number
            made[here] = array[self.source.rows[self.rows[here]]]
        return made

    def take(self, chosen: np.ndarray, name: str | None = None) -> Split:
        """Returns the samples at these positions, in this order."""
        labels = {head: values[chosen] for head, values in self.labels.items()}
        return Split(name or self.name, labels, self.source, self.rows[chosen])

    @property
    def bits(self) -> int | None:
        """How many bits the values of its images use where they have more than 8."""
        return getattr(self.source, "bits", None)

    def spread(self, head: str, count: int) -> np.ndarray:
        """Returns up to `count` positions that show a head's classes in turn: the first of each, the second, …"""
        labels = self.labels[head]
        rank = np.empty(len(labels), np.int64)
        for label in np.unique(labels):
            rank[labels == label] = np.arange(np.count_nonzero(labels == label))
        return np.lexsort((labels, rank))[:count]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Splits with their heads.

    `source` is one message on what it is and where it comes from. `notes` are sentences a person should know.
    `unsafe_steps` names augmentation steps that destroy its labels and says why. `available` names every head that
    could be chosen; `heads` are those that were.
    """

    name: str
    title: str
    source: str
    heads: tuple[Head, ...]
    splits: dict[str, Split]
    notes: tuple[str, ...] = ()
    unsafe_steps: dict[str, str] = field(default_factory=dict)
    available: tuple[str, ...] = ()

    def head(self, name: str) -> Head:
        """Returns the head of this name.

        Raises:
            DataError: there is none.
        """
        for head in self.heads:
            if head.name == name:
                return head
        raise DataError(f"{self.name} has no head {name!r}: {one_of(name, [head.name for head in self.heads])}.")

    @property
    def bits(self) -> int | None:
        """How many bits the values of its images use where they have more than 8; an image is scaled alike."""
        return next(iter(self.splits.values())).bits

    @property
    def validates_on_test(self) -> bool:
        """Whether its validation split has the test split's very images."""
        validation, test = self.splits.get("validation"), self.splits.get("test")
        if validation is None or test is None or validation.source is not test.source:
            return False
        return np.array_equal(validation.rows, test.rows)

    def counts(self, split: str, head: str) -> np.ndarray:
        """Returns how many samples of each class a split has, int64 (classes,)."""
        if split not in self.splits:
            raise DataError(f"{self.name} has no split {split!r}: {one_of(split, self.splits)}.")
        return np.bincount(self.splits[split].labels[self.head(head).name], minlength=len(self.head(head).classes))


def printable(name: str) -> str:
    """Returns a file's name as text that can be shown and saved: what can't be printed is written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)
