"""A folder of images with a table of their labels, CSV or TSV: a row an image, as Kaggle's data sets come."""

from __future__ import annotations

import csv
import functools
import os
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from cnnviz.data.dataset import Dataset, Files, Head, Split, printable
from cnnviz.data.label_columns import choose, class_names, could_be_labels, in_order
from cnnviz.data.layouts.image_folder import is_image_folder
from cnnviz.data.layouts.layout import Layout, split_of
from cnnviz.data.listing import SUFFIXES, TABLE_SUFFIXES, left_out, listing, tree
from cnnviz.data.spellings import compose
from cnnviz.errors import DataError, one_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LAYOUT", "has_label_table", "is_table", "load_table", "tables_in"]

LARGEST = 200_000_000
"""Tables of more bytes are none of labels."""
_SPLIT_COLUMNS = frozenset({"split", "set", "subset", "partition", "fold", "phase"})
_PATH = "\0path"  # no column of a table can be called so
_GLANCE = 1000  # rows of which one names an image, where a column names any
_PATIENCE = 20
"""How many tables of a folder are looked into."""


@dataclass(frozen=True, eq=False)
class _Table:
    """A table that names images: `rows` are those of `frame` that do, and `paths` which image each names; several rows
    may name one.

    `file` and `split` are columns, the latter "" where none tells the split; `labels` are those that may be learned.
    `lost` counts the rows that name no image, `doubtful` those that may mean several.
    """

    path: Path
    frame: pd.DataFrame
    file: str
    split: str
    labels: tuple[str, ...]
    rows: np.ndarray
    paths: tuple[str, ...]
    lost: int
    doubtful: int


def has_label_table(path: Path) -> bool:
    """Returns whether a path is a table that names images beside or below it, or a folder with one that has labels for
    them, and without folders of classes."""
    try:
        if not path.is_dir():
            return _table_of(path) is not None
        if not tables_in(path) or _has_classes(path):  # names only: a table takes longer to read
            return False
        table = _table_of(path)
        return table is not None and bool(table.labels)
    except (DataError, OSError):
        return False


def _has_classes(folder: Path) -> bool:
    return is_image_folder(folder) and any(split_of(name) is None for name in listing(folder).folders)


def load_table(path: Path, name: str, heads: Sequence[str] | None = None, columns: Sequence[str] = ()) -> Dataset:
    """Returns the dataset of a table and the images that it names.

    A column that could be labels is a head; where only one is chosen, it is the head `label`. Values 0 and 1, or no and
    yes, of other heads become the classes "not X" and "X". Which split an image is in says a column of the table,
    else the folder that it lies in, else nothing.

    Args:
        path: the folder, or the table in it.
        name: what it is called.
        heads: those that are wanted; `None` for the columns that are chosen.
        columns: those with the labels; empty for one that is called like a label, else all that could be.

    Raises:
        DataError: no table names images, or it has no such column, or a column has labels for none of them.
    """
    table = _table_of(path)
    if table is None:
        raise DataError(_nothing(path))
    if unknown := [column for column in columns if column not in table.frame.columns]:
        raise DataError(
            f"{table.path.name} has no column {unknown[0]!r}: {one_of(unknown[0], map(str, table.frame.columns))}."
        )
    if not table.labels and not columns:
        raise DataError(
            f"{table.path.name} names {len(table.paths):,} images, but has no column of labels: expected one whose "
            "values come again, such as cat, dog, cat."
        )
    named, learned = choose(name, table.labels, columns, heads)
    values = table.frame.iloc[table.rows].assign(**{_PATH: table.paths})
    learned_columns = list(learned.values())
    labelled = values[(values[learned_columns] != "").all(axis=1)]
    different = labelled.groupby(_PATH)[learned_columns].nunique().max(axis=1) > 1
    agreed = labelled[~labelled[_PATH].isin(different.index[different])].drop_duplicates(_PATH)
    if agreed.empty:
        raise DataError(f"{table.path.name} has no image with a label in {', '.join(learned_columns)}.")
    paths = list(agreed[_PATH])
    made = [_labels(agreed[column], head) for head, column in learned.items()]
    source = Files(_folder(path), tuple(paths))
    without = len(set(table.paths)) - labelled[_PATH].nunique()
    notes = _notes(path, table, learned_columns, without, int(different.sum()))
    splits = {}
    where = _splits_of(table, agreed, paths)
    for split in ("train", "validation", "test"):
        rows = np.flatnonzero(where == split)
        if len(rows):
            labels = {head.name: numbers[rows] for head, numbers in made}
            splits[split] = Split(split, labels, source, rows)
        elif split == "train":
            raise DataError(f"{table.path.name} has no image of the training split in {table.split!r}.")
    return Dataset(
        name=name,
        title=name,
        source=f"Images in {printable(str(_folder(path)))}, with their labels in {printable(table.path.name)}.",
        heads=tuple(head for head, _ in made),
        splits=splits,
        notes=tuple(notes),
        available=tuple(named),
    )


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _table_of(path: Path) -> _Table | None:
    """The table at a path, or that of a folder which names the most images and has labels; `None` where none does."""
    folder = _folder(path)
    tables = [path] if not path.is_dir() else tables_in(folder)
    found = [table for one in tables if is_table(one) and (table := _matched(one, folder)) is not None]
    return max(found, key=lambda table: (bool(table.labels), len(table.paths)), default=None)


def tables_in(folder: Path) -> list[Path]:
    """Returns the tables in a folder, by their names."""
    if not any(ending in TABLE_SUFFIXES for ending, _ in listing(folder).others):
        return []
    with os.scandir(folder) as entries:
        names = sorted(one.name for one in entries if one.name.lower().endswith(TABLE_SUFFIXES) and one.name[0] != ".")
    return [folder / name for name in names[:_PATIENCE]]


def is_table(path: Path) -> bool:
    """Returns whether a file may be a table, by its name and size."""
    return path.suffix.lower() in TABLE_SUFFIXES and path.is_file() and path.stat().st_size <= LARGEST


def _matched(path: Path, folder: Path) -> _Table | None:
    status, images = path.stat(), tree(folder).images
    return _read(path, folder, (status.st_mtime_ns, status.st_size), images) if images else None


@functools.lru_cache(maxsize=8)
def _read(path: Path, folder: Path, changed: tuple[int, int], images: tuple[str, ...]) -> _Table | None:
    frame = _frame(path)
    if frame is None or frame.empty:
        return None
    find, best = _finder(images, path.stem), None
    for column in frame.columns:
        if all(find(value) is None for value in frame[column][:_GLANCE]):
            continue
        found = [find(value) for value in frame[column]]
        count = len({one for one in found if one is not None and one >= 0})
        if count >= 2 and (best is None or count > best[1]):
            best = column, count, found
    if best is None:
        return None
    file, _, found = best
    rows = [row for row, place in enumerate(found) if place is not None and place >= 0]
    matched = frame.iloc[rows]
    split = next((column for column in frame.columns if column != file and _tells_split(column, matched[column])), "")
    labels = tuple(c for c in frame.columns if c not in (file, split) and _could_be_labels(matched[c]))
    return _Table(
        path,
        frame,
        file,
        split,
        labels,
        np.array(rows, np.int64),
        tuple(images[found[row]] for row in rows),  # type: ignore[index]
        lost=sum(place is None for place in found),
        doubtful=sum(place == -1 for place in found),
    )


def _frame(path: Path) -> pd.DataFrame | None:
    """The table as text, its columns by their names; `None` where it is none."""
    import pandas as pd

    with open(path, "rb") as file:
        head = file.read(65_536)
    encodings = ("utf-16",) if head[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252", "latin-1")
    for encoding in encodings:
        try:
            first = head.decode(encoding, "ignore").splitlines()[:20]
            separator = _separator(first, path.suffix.lower())
            frame = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding=encoding)
        except UnicodeDecodeError:
            continue
        except (ValueError, csv.Error, OSError, MemoryError):  # pandas's errors of reading are of these
            return None
        if isinstance(frame.index, pd.RangeIndex):
            frame = frame.rename(columns=lambda name: str(name).strip())
            return frame.fillna("").map(str.strip) if frame.columns.is_unique else None
        return None
    return None


def _separator(lines: Sequence[str], suffix: str) -> str:
    try:
        return csv.Sniffer().sniff("\n".join(lines), delimiters=",;\t|").delimiter
    except csv.Error:
        return "\t" if suffix == ".tsv" else ","


def _finder(images: Sequence[str], stem: str) -> Callable[[str], int | None]:
    """Returns what finds the image that a value names, with or without folders and ending: its number; -1 where it may
    be several, `None` where it is none. Of those of one name the one below a folder that is called like the table."""
    places: dict[str, list[int]] = defaultdict(list)
    for number, path in enumerate(images):
        path = compose(path)
        name = PurePosixPath(path)
        for key in {path, name.name, str(name.with_suffix("")), name.stem}:
            places[key].append(number)
    like = re.match(r"[a-z]*", stem.lower())
    alike = [number for number, path in enumerate(images) if like and like[0] and path.lower().startswith(like[0])]
    preferred = frozenset(alike)

    def find(value: str) -> int | None:
        value = compose(value.replace("\\", "/").removeprefix("./"))
        name = value.rpartition("/")[2]
        for key in (value, name, name.rpartition(".")[0] if name.lower().endswith(SUFFIXES) else ""):
            found = places.get(key) if key else None
            if not found:
                continue
            if len(found) > 1:
                found = [one for one in found if images[one].endswith(f"/{value}")] or found
            if len(found) > 1:
                found = [one for one in found if one in preferred] or found
            return found[0] if len(found) == 1 else -1
        return None

    return find


def _tells_split(name: str, values: pd.Series) -> bool:
    return name.lower() in _SPLIT_COLUMNS and all(split_of(value) is not None for value in values.unique())


def _could_be_labels(values: pd.Series) -> bool:
    return could_be_labels(len(set(values) - {""}), len(values))


def _labels(values: pd.Series, head: str) -> tuple[Head, np.ndarray]:
    """A head, its classes in order, numbers by their value, and the labels."""
    texts = in_order(set(values))
    numbers = {text: number for number, text in enumerate(texts)}
    return Head(head, class_names(texts, head)), np.array([numbers[value] for value in values], np.int64)


def _splits_of(table: _Table, values: pd.DataFrame, paths: Sequence[str]) -> np.ndarray:
    """The split of each image: the table's, else that of the folder it lies in, where all folders are of splits."""
    if table.split:
        return np.array([split_of(value) for value in values[table.split]])
    of = {folder: split_of(folder) for folder in {path.partition("/")[0] for path in paths if "/" in path}}
    known = None not in of.values()
    return np.array([of[path.partition("/")[0]] if known and "/" in path else "train" for path in paths])


def _notes(path: Path, table: _Table, columns: Sequence[str], unlabelled: int, different: int) -> list[str]:
    """Sentences on which table was read, and on all that is in it or beside it and has no part."""
    name, images = printable(table.path.name), tree(_folder(path))
    messages = [f"Labels are read from {name}: images by {table.file!r}, classes by {', '.join(map(repr, columns))}."]
    without = len(images.images) - len(set(table.paths))
    for count, one, many in (
        (table.lost, "row of {} names no image that is here", "rows of {} name no image that is here"),
        (table.doubtful, "row of {} may mean several images", "rows of {} may mean several images"),
        (without, "image without a row in {} left out", "images without a row in {} left out"),
        (unlabelled, "image without a label in {} left out", "images without a label in {} left out"),
        (different, "image with different labels in {} left out", "images with different labels in {} left out"),
    ):
        if count:
            messages.append(f"{count:,} {(one if count == 1 else many).format(name)}.")
    others = tuple((ending, count - (ending == table.path.suffix.lower())) for ending, count in images.others)
    return messages + left_out(tuple(one for one in others if one[1]), images.hidden, images.links)


def _nothing(path: Path) -> str:
    folder = _folder(path)
    tables = [path] if not path.is_dir() else tables_in(folder)
    images = tree(folder).images
    some = f"such as {printable(images[0])!r}" if images else "and there are none"
    named = ", ".join(printable(one.name) for one in tables[:3]) or "No table"
    return (
        f"{named} in {str(folder)!r} names none of the {len(images):,} images there, {some}: expected a column with "
        "their file names, with or without folder and ending, and one with their labels."
    )


LAYOUT = Layout(title="Images with a table of labels", rank=3, fits=has_label_table, load=load_table, columns=True)
