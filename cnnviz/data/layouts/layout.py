"""What a layout is: how it is recognised, and who reads it; and which folders are of which split."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cnnviz.data.dataset import Dataset
from cnnviz.progress import Progress

__all__ = ["Layout", "split_of"]

_SPLITS = {"train": "train", "val": "validation", "valid": "validation", "test": "test", "image": "train"}


@dataclass(frozen=True)
class Layout:
    """A way in which a data set lies in a folder or a file.

    Attributes:
        title: what the list of data sets calls it.
        rank: which is asked first whether a folder or file is one of its kind.
        fits: whether a folder or file is one, at a glance: no image is read. It raises nothing.
        load: from the path, what it is called, the heads that are wanted (`None`: the layout's own choice) and the
            columns with labels (empty: its own choice) to the data set; it raises DataError.
        unpack: where images must be written out first, from the path to the folder that is loaded; it raises DataError.
        columns: whether it has columns of labels, from which a recipe can choose.
    """

    title: str
    rank: int
    fits: Callable[[Path], bool]
    load: Callable[[Path, str, Sequence[str] | None, Sequence[str]], Dataset]
    unpack: Callable[[Path, Progress | None], Path] | None = None
    columns: bool = False


def split_of(name: str) -> str | None:
    """Returns the split that a folder without classes is, by its name; `None` where it is of none.

    >>> split_of("train_images"), split_of("Test1"), split_of("val"), split_of("cats")
    ('train', 'test', 'validation', None)
    """
    found = re.fullmatch(r"(train|val|valid|test|image)(ing|idation|s)?([\W\d_].*)?", name.lower(), re.DOTALL)
    return _SPLITS[found[1]] if found else None
