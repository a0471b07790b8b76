"""What a layout is: how it is recognised, and who reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cnnviz.data.dataset import Dataset

__all__ = ["Layout"]


@dataclass(frozen=True)
class Layout:
    """A way in which a data set lies in a folder or a file.

    Attributes:
        title: what the list of data sets calls it.
        rank: which is asked first whether a folder or file is one of its kind.
        fits: whether a folder or file is one, at a glance: names only, nothing is read. It raises nothing.
        load: from the path, what it is called and the heads that are wanted (`None`: the layout's own choice) to the
            data set; it raises DataError.
    """

    title: str
    rank: int
    fits: Callable[[Path], bool]
    load: Callable[[Path, str, Sequence[str] | None], Dataset]
