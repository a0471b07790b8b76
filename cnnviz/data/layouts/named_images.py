"""Images whose names begin with their class, such as `cat.0.jpg`, in one folder or in those of splits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

import numpy as np

from cnnviz.data.dataset import Dataset, Files, Head, Split, printable
from cnnviz.data.layouts.layout import Layout, split_of
from cnnviz.data.listing import left_out, listing, sum_endings
from cnnviz.errors import DataError

__all__ = ["LAYOUT", "class_in", "is_named", "load_named", "named_classes"]

MOST_CLASSES = 100
"""More are rather names of images than classes."""
_NUMBERED = re.compile(r"(.*?[^\W_])[\W_]*\d+\W*", re.DOTALL)


def class_in(name: str) -> str:
    """Returns the class that the name of an image begins with, "" where it has none.

    >>> class_in("cat.0.jpg"), class_in("great_pyrenees_12.png"), class_in("12.jpg")
    ('cat', 'great_pyrenees', '')
    """
    found = _NUMBERED.fullmatch(PurePath(name).stem)
    return found[1] if found and any(map(str.isalpha, found[1])) else ""


def named_classes(found: Iterable[str]) -> tuple[str, ...]:
    """Returns the classes in order where they are 2 to 100 of two images or more each, else none.

    Args:
        found: of each image, what `class_in` found.
    """
    counts = Counter(found)
    fits = "" not in counts and 2 <= len(counts) <= MOST_CLASSES and min(counts.values()) >= 2
    return tuple(sorted(counts)) if fits else ()


def is_named(folder: Path) -> bool:
    """Returns whether the names of a folder's images give 2 to 100 classes of two images or more each."""
    try:
        return bool(_found(folder)[0])
    except DataError:
        return False


def _found(folder: Path) -> tuple[dict[str, str], int]:
    """The class of each image by its path, and how many images lie in folders where none has one; no class where some
    of a folder have one and some have not, or where a folder is of no split."""
    inside = listing(folder)
    if any(split_of(name) is None for name in inside.folders):
        return {}, 0
    paths = {"": inside.images, **{f"{name}/": listing(folder / name).images for name in inside.folders}}
    if any(listing(folder / name).folders for name in inside.folders):
        return {}, 0
    classes: dict[str, str] = {}
    without = 0
    for above, names in paths.items():
        of = {above + name: class_in(name) for name in names}
        if not any(of.values()):
            without += len(of)
        elif all(of.values()):
            classes |= of
        else:
            return {}, 0
    return (classes, without) if named_classes(classes.values()) else ({}, 0)


def load_named(folder: Path, name: str) -> Dataset:
    """Returns the dataset of a folder; its head is `label`. Folders that begin with a split's name are that split.

    Args:
        folder: where it lies.
        name: what it is called.

    Raises:
        DataError: its images have no classes in their names, or the training split has no image of a class.
    """
    found, without = _found(folder)
    if not found:
        raise DataError(f"The names of the images in {str(folder)!r} don't begin with classes, such as cat.0.jpg.")
    classes = named_classes(found.values())
    paths: dict[str, list[str]] = {}
    for path in found:
        paths.setdefault(split_of(path.rpartition("/")[0]) or "train", []).append(path)
    if missing := set(classes) - {found[path] for path in paths.get("train", ())}:
        raise DataError(f"{name}: no training image has a name that begins with {printable(min(missing))!r}.")
    numbers = {one: number for number, one in enumerate(classes)}
    splits = {
        split: Split(split, {"label": np.array([numbers[found[path]] for path in ones], np.int64)}, source, rows)
        for split, ones in paths.items()
        for source, rows in [(Files(folder, tuple(ones)), np.arange(len(ones)))]
    }
    notes = [f"Classes are read from the images' names, such as {printable(PurePath(next(iter(found))).name)!r}."]
    if without:
        notes.append(f"{without:,} image{'s' * (without > 1)} with no class in the name left out.")
    inside = listing(folder)
    every = [inside, *(listing(folder / one) for one in inside.folders)]
    notes += left_out(sum_endings(one.others for one in every), sum(one.hidden for one in every))
    return Dataset(
        name=name,
        title=name,
        source=f"Images in {printable(str(folder))}, with their class in the name.",
        heads=(Head("label", tuple(map(printable, classes))),),
        splits=splits,
        notes=tuple(notes),
    )


def _load(path: Path, name: str, heads: Sequence[str] | None, columns: Sequence[str]) -> Dataset:
    return load_named(path, name)


LAYOUT = Layout(title="Images with their class in the name", rank=4, fits=is_named, load=_load)
