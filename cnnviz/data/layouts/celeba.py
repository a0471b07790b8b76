"""CelebA's layout: one folder of images, a table of attributes (1 or -1), a list of which split is whose."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cnnviz.data.dataset import Dataset, Files, Head, Split, printable
from cnnviz.data.layouts.layout import Layout
from cnnviz.data.listing import listing
from cnnviz.errors import DataError, one_of

__all__ = [
    "ATTRIBUTES",
    "IMAGES",
    "LAYOUT",
    "PARTITION",
    "attributes_of",
    "classes_of",
    "first_attributes",
    "is_celeba",
    "load_celeba",
]

ATTRIBUTES, PARTITION, IMAGES = "list_attr_celeba.txt", "list_eval_partition.txt", "img_align_celeba"
_SPLITS = ("train", "validation", "test")


def is_celeba(folder: Path) -> bool:
    """Returns whether a folder has CelebA's table of attributes."""
    return os.path.isfile(folder / ATTRIBUTES)  # says no where it may not look


def load_celeba(folder: Path, name: str, heads: Sequence[str] | None = None) -> Dataset:
    """Returns the dataset with these attributes as heads; classes are ("not Male", "Male") for `Male`.

    Without `heads` they are Male and Smiling where both are there, else the first two attributes.

    Raises:
        DataError: a part is missing or doesn't read as CelebA's, or an attribute is not there.
    """
    for part in (ATTRIBUTES, PARTITION, IMAGES):
        if not (folder / part).exists():
            raise DataError(
                f"{name} lacks {part!r} in {str(folder)!r}: CelebA's layout is {IMAGES}/, {ATTRIBUTES} and {PARTITION}."
            )
    attributes = attributes_of(folder)
    if heads is None:
        heads = first_attributes(attributes)
    unknown = [head for head in heads if head not in attributes]
    if unknown:
        raise DataError(f"{name} has no attribute {unknown[0]!r}: {one_of(unknown[0], attributes)}.")
    names, values = _table(folder / ATTRIBUTES, tuple(attributes.index(head) for head in heads))
    partition = _partition(folder / PARTITION)
    there = set(listing(folder / IMAGES).images)
    usable = np.array([n in partition and n in there for n in names], bool)
    if not usable.any():
        raise DataError(
            f"{name}: none of the {len(names):,} images named in {ATTRIBUTES} is both in {IMAGES}/ and in {PARTITION}."
        )
    notes = []
    if not usable.all():
        notes.append(
            f"{np.count_nonzero(~usable):,} of the {len(names):,} faces in {ATTRIBUTES} are left out: "
            f"they are not in {IMAGES}/ or not in {PARTITION}."
        )
    source = Files(folder / IMAGES, names)
    where = np.array([partition.get(n, -1) for n in names])
    splits = {}
    for number, split in enumerate(_SPLITS):
        rows = np.flatnonzero(usable & (where == number))
        labels = {head: (values[rows, column] > 0).astype(np.int64) for column, head in enumerate(heads)}
        if len(rows):
            splits[split] = Split(split, labels, source, rows)
        elif split == "train":
            raise DataError(f"{name} has no face of the training split (0) in {PARTITION}.")
        else:
            notes.append(f"{PARTITION} has no face of the {split} split ({number}).")
    where_from = printable(str(folder))
    return Dataset(
        name=name,
        title="CelebA faces" if folder.name == "celeba" else folder.name,
        source=(
            f"CelebA's aligned faces (Liu et al. 2015; for research only), in {where_from}."
            if folder.name == "celeba"
            else f"Faces in CelebA's layout, in {where_from}."
        ),
        heads=tuple(Head(head, classes_of(head)) for head in heads),
        splits=splits,
        notes=tuple(notes),
        unsafe_steps=_unsafe(heads),
        available=attributes,
    )


def classes_of(head: str) -> tuple[str, str]:
    """Returns what an attribute's classes are called."""
    return f"not {head}", head


def first_attributes(attributes: Sequence[str]) -> tuple[str, ...]:
    """Returns which attributes are learned where none is asked for: Male and Smiling, else the first two."""
    return ("Male", "Smiling") if {"Male", "Smiling"} <= set(attributes) else tuple(attributes[:2])


def _unsafe(heads: Sequence[str]) -> dict[str, str]:
    sided = [head for head in heads if {"left", "right"} & set(head.lower().split("_"))]
    if not sided:
        return {}
    return {"horizontal_flip": f"A mirrored face looks the other way, so {sided[0]} would be wrong."}


def attributes_of(folder: Path) -> tuple[str, ...]:
    """Returns the names of all attributes, as the table's second line has them.

    Raises:
        DataError: it can't be read, or isn't CelebA's.
    """
    path = folder / ATTRIBUTES
    try:
        with open(path, encoding="utf-8") as file:
            count, names = file.readline(200), file.readline(10_000).split()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} can't be read: {error}.") from None
    if not count.strip().isdigit() or not names:
        raise DataError(
            f"{path.name} is not CelebA's: expected the number of faces in line 1 and the attributes' "
            f"names in line 2, got {count.strip()[:40]!r}."
        )
    return tuple(map(printable, names))


def _table(path: Path, columns: tuple[int, ...]) -> tuple[tuple[str, ...], np.ndarray]:
    try:
        status = path.stat()
        return _read_table(str(path), columns, (status.st_mtime_ns, status.st_size))
    except OSError as error:
        raise _unreadable(path, error) from None


@functools.lru_cache(maxsize=4)
def _read_table(path: str, columns: tuple[int, ...], changed: tuple[int, int]) -> tuple[tuple[str, ...], np.ndarray]:
    """The faces' file names and the wanted columns, int8 (n, columns) of 1 and -1; about a second for all of CelebA."""
    names, values, file = [], [], Path(path).name
    with open(path, encoding="utf-8", errors="surrogateescape") as lines:
        width = 0
        for number, line in enumerate(lines, 1):
            words = line.split()
            if number == 2:
                width = len(words) + 1
            if number < 3 or not words:
                continue
            if len(words) != width:
                raise DataError(f"{file}, line {number}: {len(words) - 1} values for {width - 1} attributes.")
            names.append(words[0])
            values.append([words[column + 1] for column in columns])
    table = np.array(values, dtype="U8").reshape(len(names), len(columns))
    positive, negative = table == "1", table == "-1"
    wrong = np.argwhere(~(positive | negative))
    if len(wrong):
        row, column = wrong[0]
        raise DataError(
            f"{file}: {printable(names[row])} has the value {printable(str(table[row, column]))!r}; expected 1 or -1."
        )
    return tuple(names), np.where(positive, 1, -1).astype(np.int8)


def _partition(path: Path) -> dict[str, int]:
    try:
        status = path.stat()
        return _read_partition(str(path), (status.st_mtime_ns, status.st_size))
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(f"{path.name} can't be read: {error.strerror or error}.")


@functools.lru_cache(maxsize=2)
def _read_partition(path: str, changed: tuple[int, int]) -> dict[str, int]:
    """Which split each file belongs to: 0 train, 1 validation, 2 test."""
    found = {}
    with open(path, encoding="utf-8", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, 1):
            words = line.split()
            if not words:
                continue
            if len(words) != 2 or words[1] not in ("0", "1", "2"):
                raise DataError(
                    f"{Path(path).name}, line {number}: expected a file name and 0, 1 or 2, "
                    f"got {printable(line.strip()[:60])!r}."
                )
            found[words[0]] = int(words[1])
    return found


def _load(path: Path, name: str, heads: Sequence[str] | None, columns: Sequence[str]) -> Dataset:
    return load_celeba(path, name, heads or columns or None)


LAYOUT = Layout(title="Faces in CelebA's layout", rank=1, fits=is_celeba, load=_load, columns=True)
