"""Data sets whose images are bytes in rows, with their labels: written out as files in the cache folder, once, and read
from there. What their rows hold may come from anybody.
"""

from __future__ import annotations

import hashlib
import zipfile
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz import files, images
from cnnviz.data.dataset import Dataset, Files, Head, Split, printable
from cnnviz.data.depths import bits_of, note
from cnnviz.data.kept import check_room, new_folder, put, record_of
from cnnviz.data.label_columns import choose, class_names, could_be_labels, in_order
from cnnviz.data.zip_check import MAX_BYTES
from cnnviz.errors import DataError, ImageError, one_of
from cnnviz.model_spec import MAX_CLASSES
from cnnviz.progress import Progress

__all__ = ["LONGEST", "MAX_COLUMNS", "MAX_ROWS", "Column", "Row", "Rows", "key_of", "load_rows", "written"]

LONGEST = 200
"""Characters of a label; longer ones are texts about an image."""
MAX_ROWS = 500_000
MAX_COLUMNS = 100
"""Columns of labels that are kept."""
_FOLDER, _LABELS = "images", "labels.npz"
_VERSION = 1  # raise it when rows are written otherwise
_BROKEN = "whose image can't be read"

Row = tuple[str, bytes | str, Sequence[int | str | None]]
"""The split, the image's bytes or why it has none ("without an image"), and a label a column; `None` is missing.

A label is a class's number where the column names its classes, else a text."""


@dataclass(frozen=True)
class Column:
    """A column of labels: the names of its classes, `None` where its values are texts of their own. `offered` says that
    it is labels and nothing else, such as a yes or no."""

    name: str
    classes: tuple[str, ...] | None = None
    offered: bool = False


@dataclass(frozen=True)
class Rows:
    """A data set as it is read.

    Attributes:
        columns: of labels, at most `MAX_COLUMNS`.
        rows: all of them, in order.
        count: how many there are.
        size: the bytes of all images.
        source: one sentence on where they come from.
        notes: sentences on what has been left out already.
        first: the columns that are learned where none is asked for, see `label_columns.choose`.
    """

    columns: tuple[Column, ...]
    rows: Iterable[Row]
    count: int
    size: int
    source: str
    notes: tuple[str, ...] = ()
    first: tuple[str, ...] = ()


def key_of(paths: Iterable[tuple[str, Path]]) -> str:
    """Returns what the images of these files are kept under: it tells their paths, times, sizes and inodes, as to read
    gigabytes would take as long as to write them.

    Args:
        paths: each with the split that it is read as.

    Raises:
        DataError: one is gone.
    """
    digest = hashlib.sha256(str(_VERSION).encode())
    for split, path in paths:
        try:
            status = path.stat()
        except OSError as error:
            raise DataError(f"{printable(path.name)} can't be read: {error.strerror}.") from None
        digest.update(repr((split, str(path), status.st_mtime_ns, status.st_size, status.st_ino)).encode())
    return digest.hexdigest()[:32]


def written(key: str, name: str, found: Rows, progress: Progress | None = None) -> Path:
    """Returns the folder of a data set's images and labels, for `load_rows`: all of it or nothing is there.

    Args:
        key: from `key_of`.
        name: what it is called; only shown.
        found: what is written.
        progress: called with the rows done and in all; what it raises ends the work.

    Raises:
        DataError: not one image can be read, a label is of no class, they are too many or too large, or the disk has no
            room.
    """
    shown = printable(name)[-80:]
    _check(shown, found.count, found.size)
    with new_folder(shown) as new:
        check_room(new, found.size, shown)
        try:
            record = _write(new / _FOLDER, shown, found, progress)
            return put(new, key, shown, others=[], hidden=0, **record)
        except OSError as error:
            raise DataError(f"{shown} can't be unpacked: {error.strerror or error}.") from None


def _check(shown: str, count: int, size: int) -> None:
    if count > MAX_ROWS:
        raise DataError(f"{shown} has {count:,} rows; at most {MAX_ROWS:,} are unpacked: give a part of it.")
    if size > MAX_BYTES:
        raise DataError(
            f"{shown} would have {size / 2**30:,.1f} GB when unpacked; at most {MAX_BYTES / 2**30:.0f} GB are: make "
            "the images smaller, or give a part of it."
        )


def _write(folder: Path, shown: str, found: Rows, progress: Progress | None) -> dict[str, Any]:
    """Writes images and labels into a new folder; returns what is kept of it, see `load_rows`."""
    names: list[str] = []
    labels = [_Labels(column) for column in found.columns]
    without: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    size = 0
    for done, (split, image, values) in enumerate(found.rows, 1):
        counts[split] += 1
        if progress is not None:
            progress(f"Unpacking {shown}", done, found.count)
        size += len(image) if isinstance(image, bytes) else 0
        _check(shown, done, size)
        try:
            ending = images.file_ending(image) if isinstance(image, bytes) else ""
        except ImageError:
            image = _BROKEN
        if isinstance(image, str):
            without[image] += 1
            continue
        name = f"{split}/{counts[split] - 1:06}{ending}"  # the row's number: nothing that the data says is a path
        if not (folder / split).is_dir():
            (folder / split).mkdir(parents=True)
        (folder / name).write_bytes(image)
        names.append(name)
        for one, value in zip(labels, values, strict=True):
            one.add(value, shown)
    if not names:
        reason, count = next(iter(without.most_common(1)), ("at all", 0))
        raise DataError(f"{shown} has no image that can be read: {_rows(count)} {reason}.")
    kept = {one.column.name: (one.column, *one.in_order()) for one in labels if one.usable}
    table = np.array([numbers for _, _, numbers in kept.values()], np.int32).reshape(len(kept), len(names))
    files.write_bytes(folder / _LABELS, files.npz_bytes({"names": np.array(names), "labels": table}))
    return {
        "columns": {name: classes for name, (_, classes, _) in kept.items()},
        "told": [name for name, (column, _, _) in kept.items() if column.classes],
        "offered": _offered([(column, numbers) for column, _, numbers in kept.values()]),
        "first": found.first,
        "source": found.source,
        "left_out": [*found.notes, *(f"{_rows(count)} {reason} left out." for reason, count in without.items())],
    }


@dataclass
class _Labels:
    """A column's labels while they come in, -1 where one is missing. `texts` are numbered as they come; when they are
    too many or too long to be classes, the column is not `usable`."""

    column: Column
    numbers: array[int] = field(default_factory=lambda: array("i"))
    texts: dict[str, int] = field(default_factory=dict)
    usable: bool = True

    def add(self, label: int | str | None, shown: str) -> None:
        """Takes the next label; `shown` is what the data set is called."""
        number = -1
        if label is not None and self.column.classes is None:
            text = str(label).strip()
            number = self.texts.setdefault(text, len(self.texts)) if self.usable else -1
            if len(text) > LONGEST or len(self.texts) > MAX_CLASSES:
                self.usable = False
                self.texts.clear()
        elif label is not None and self.column.classes is not None:
            number, count = int(label), len(self.column.classes)
            if not -1 <= number < count:
                raise DataError(
                    f"{shown} has the label {number} in {printable(self.column.name)!r}, which names {count:,} "
                    f"classes: expected 0 to {count - 1}."
                )
        self.numbers.append(number)

    def in_order(self) -> tuple[list[str], np.ndarray]:
        """Returns the names of the classes and the labels. Texts are ordered; of them "" and -1 are missing, but -1 is
        a class beside 1."""
        numbers = np.array(self.numbers, np.int32)
        if self.column.classes is not None:
            return list(self.column.classes), numbers
        classes = in_order(self.texts.keys() - ({""} if self.texts.keys() == {"-1", "1"} else {"", "-1"}))
        place = np.full(len(self.texts) + 1, -1, np.int32)  # the last is for -1, which is missing
        for number, text in enumerate(classes):
            place[self.texts[text]] = number
        return classes, place[numbers]


def _offered(kept: Sequence[tuple[Column, np.ndarray]]) -> list[str]:
    """The columns that are labels: where some name their classes these and those that say so, else all that could."""
    counts = {column: len(np.unique(numbers[numbers >= 0])) for column, numbers in kept}
    several = [column for column, count in counts.items() if count > 1]
    told = any(column.classes for column in several)
    could = {column for column, numbers in kept if could_be_labels(counts[column], int(np.count_nonzero(numbers >= 0)))}
    return [one.name for one in several if one.classes or one.offered or (not told and one in could)]


def load_rows(folder: Path, name: str, heads: Sequence[str] | None = None, columns: Sequence[str] = ()) -> Dataset:
    """Returns the dataset of what was written.

    A column that could be labels is a head; where only one is chosen, it is the head `label`. Rows without a label of
    one that is learned are left out.

    Args:
        folder: from `written`.
        name: what it is called.
        heads: those that are wanted; `None` for the columns that are chosen.
        columns: those with the labels; empty for the data's own choice.

    Raises:
        DataError: it has no such column, or no column of labels, or no training image with one; or it is gone.
    """
    record = record_of(folder)
    try:
        kept = files.read_arrays(folder / _LABELS)
        classes: dict[str, list[str]] = record["columns"]
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile):  # a cache may be emptied at any moment
        raise DataError(f"{name} was unpacked, but is no longer in the cache: open it again.") from None
    if unknown := [column for column in columns if column not in classes]:
        raise DataError(
            f"{name} has no column {unknown[0]!r} of labels: {one_of(unknown[0], map(printable, classes))}."
        )
    if not record["offered"] and not columns:
        raise DataError(
            f"{name} has {len(kept['names']):,} images, but no column of labels: expected one whose values come again, "
            f"such as cat, dog, cat{f'; it has {_some(classes)}' if classes else ''}."
        )
    named, learned = choose(name, tuple(record["offered"]), columns, heads, record["first"])
    places = [list(classes).index(column) for column in learned.values()]
    table = kept["labels"][places].T.astype(np.int64)
    labelled = (table >= 0).all(axis=1)
    names, table = kept["names"][labelled], table[labelled]
    shown = ", ".join(repr(printable(column)) for column in learned.values())
    notes = [f"Classes are read from {shown}.", *record["left_out"]]
    if count := int((~labelled).sum()):
        notes.append(f"{count:,} image{'s' * (count > 1)} without a label in {shown} left out.")
    made, numbers = [], {}
    for place, (head, column) in enumerate(learned.items()):
        used, numbers[head] = np.unique(table[:, place], return_inverse=True)
        if unused := sorted(set(range(len(classes[column]))) - set(used.tolist())):
            which = _some([classes[column][number] for number in unused])
            notes.append(f"Classes of {printable(column)!r} without an image left out: {which}.")
        theirs = [classes[column][number] for number in used]
        made.append(Head(head, tuple(theirs) if column in record["told"] else class_names(theirs, head)))
    bits = bits_of(folder, names.tolist())
    source = Files(folder, tuple(names.tolist()), bits)
    splits = {}
    where = np.array([one.partition("/")[0] for one in names.tolist()])
    for split in ("train", "validation", "test"):
        rows = np.flatnonzero(where == split)
        if len(rows):
            splits[split] = Split(split, {head.name: numbers[head.name][rows] for head in made}, source, rows)
        elif split == "train":
            raise DataError(f"{name} has no training image with a label in {shown}.")
    return Dataset(
        name=name,
        title=name,
        source=record["source"],
        heads=tuple(made),
        splits=splits,
        notes=tuple([*notes, note(bits)] if bits is not None else notes),
        available=tuple(named),
    )


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def _some(names: Iterable[str]) -> str:
    found = [printable(name) for name in names]
    return ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
