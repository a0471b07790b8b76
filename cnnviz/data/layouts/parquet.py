"""Hugging Face's parquet files: a row an image, with its bytes and its labels. Images are written out once, see
`image_rows`; a file may come from anybody.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from cnnviz import files, images
from cnnviz.data.dataset import printable
from cnnviz.data.image_rows import MAX_COLUMNS, Column, Rows, key_of, load_rows, written
from cnnviz.data.kept import whole
from cnnviz.data.layouts.layout import Layout, split_of
from cnnviz.data.listing import Endings, instead, listing, sum_endings
from cnnviz.data.zip_check import MAX_RATIO
from cnnviz.errors import DataError, ImageError, short
from cnnviz.model_spec import MAX_CLASSES
from cnnviz.progress import Progress

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["ENDING", "LAYOUT", "has_arrow", "has_parquet", "unpack_parquet"]

ENDING = ".parquet"
_BATCH = 8  # rows in memory at once: a few bytes in a file may be an image of many megabytes in every row
_SMALL = 64 * 2**20  # bytes that may be packed to any share
_FOLDERS = 20  # that are looked into, in a folder and in each of these
_IMAGES = ("image", "img", "picture", "photo")
"""Which column is taken where several hold images, best first."""
_WITHOUT = "without an image"
_ELSEWHERE = "with only the path of an image, which is not in the file,"

Parts = dict[str, list[Path]]
"""The files of each split, in order."""


@dataclass(frozen=True, eq=False)
class _File:
    """What a file says of itself: how many rows, the bytes of its images, the column that they are in, which columns
    below it hold bytes and path ("" where it is the bytes itself), and its columns of labels."""

    path: Path
    rows: int
    size: int
    image: str
    inner: tuple[str, ...]
    labels: dict[str, Column]


def has_parquet(path: Path) -> bool:
    """Returns whether a path is a parquet file, or a folder with some in it or in two levels below; by names only."""
    try:
        return bool(_found(path))
    except (DataError, OSError):
        return False


def has_arrow(path: Path) -> bool:
    """Returns whether a folder has .arrow files in it or in two levels below, as `save_to_disk` writes them."""
    return path.is_dir() and any(ending == ".arrow" for ending, _ in _others(path))


def _others(folder: Path) -> Endings:
    return sum_endings(listing(folder / inner).others for inner in _inner(folder))


def _found(path: Path) -> list[str]:
    """The parquet files of a folder as paths with "/", in order; of a file its name."""
    if not path.is_dir():
        return [path.name] if path.suffix.lower() == ENDING and path.is_file() else []
    found = []
    for inner in _inner(path):
        folder = path / inner
        if any(ending == ENDING for ending, _ in listing(folder).others):
            with os.scandir(folder) as entries:
                names = [one.name for one in entries if one.name.lower().endswith(ENDING) and one.is_file()]
            found += [f"{inner}/{name}".removeprefix("/") for name in sorted(names) if name[0] != "."]
    return found


def _inner(folder: Path) -> Iterator[str]:
    """A folder, those in it, and those in these."""
    yield ""
    for name in listing(folder).folders[:_FOLDERS]:
        yield name
        yield from (f"{name}/{below}" for below in listing(folder / name).folders[:_FOLDERS])


def unpack_parquet(path: Path, progress: Progress | None = None) -> Path:
    """Returns the folder of what parquet files hold, for `image_rows.load_rows`; the same files are unpacked once.

    Args:
        path: a file, or a folder as the hub has it: `data/train-00000-of-00001.parquet`, `default/train/0000.parquet`.
            The names of files, or of the folders they lie in, tell the splits.
        progress: called with the rows done and in all; what it raises ends the work.

    Raises:
        DataError: there are none, or no column of images, or they can't be read or trusted.
    """
    parts, notes = _parts(path)
    key = key_of((split, one) for split, ones in parts.items() for one in ones)
    return whole(key) or written(key, path.name, _rows(path, parts, notes), progress)


def _parts(path: Path) -> tuple[Parts, list[str]]:
    """The files of each split, and sentences on those that are left out."""
    found = _found(path)
    if not found:
        raise DataError(_nothing(path))
    root = path if path.is_dir() else path.parent
    homes: dict[str, dict[str, str | None]] = {}
    for name in found:
        home, split = _place(PurePath(name))
        homes.setdefault(home, {})[name] = split
    told = [home for home, ones in homes.items() if any(ones.values())] or list(homes)
    if len(told) > 1:
        some = ", ".join(repr(printable(home or ".")) for home in told[:5]) + " …" * (len(told) > 5)
        raise DataError(f"{str(root)!r} has parquet files of several data sets, in {some}: give one of these folders.")
    ones = homes[told[0]]
    parts: Parts = {}
    for name, split in ones.items():
        if split is not None:
            parts.setdefault(split, []).append(root / name)
    if len(parts) < 2 and "train" not in parts:  # of one split parts are held out, whatever it is called
        parts = {"train": [root / name for name, split in ones.items() if split or not parts]}
    left = len(found) - sum(map(len, parts.values()))
    if "train" not in parts:
        raise DataError(f"{str(root)!r} has parquet files of {' and '.join(parts)}, but none of train.")
    return parts, [f"{left:,} parquet file{'s' * (left > 1)} of no split left out."] if left else []


def _place(name: PurePath) -> tuple[str, str | None]:
    """The folder of a data set that a file is a part of, and the split that it is, by its name or its folder's."""
    split = _split_in(name.stem)
    if split is None and (split := split_of(name.parent.name)) is not None:
        return str(name.parent.parent), split
    return str(name.parent), split


def _split_in(stem: str) -> str | None:
    """The split that a file's name tells anywhere in it.

    >>> _split_in("train-00000-of-00002"), _split_in("pets_validation"), _split_in("0000")
    ('train', 'validation', None)
    """
    words = [word for word in re.split(r"[\W\d_]+", stem) if not word.lower().startswith("image")]
    return next((split for word in words if (split := split_of(word)) is not None), None)


def _nothing(path: Path) -> str:
    if has_arrow(path):
        return (
            f"{str(path)!r} holds .arrow files, as save_to_disk writes them, which are not read: write the data set "
            "with to_parquet, a file a split, such as train.parquet."
        )
    return f"{str(path)!r} has no .parquet file{instead(_others(path)) if path.is_dir() else ''}."


def _rows(path: Path, parts: Parts, notes: Sequence[str]) -> Rows:
    """What the files hold, of which only what their ends say of them is read at once."""
    looked = {split: [_look(one) for one in ones] for split, ones in parts.items()}
    every = [one for ones in looked.values() for one in ones]
    first = looked["train"][0]
    for one in every:
        same = first.labels.keys() & one.labels.keys()
        others = [name for name in sorted(same) if one.labels[name] != first.labels[name]]
        if others or (one.image, one.inner) != (first.image, first.inner):
            raise DataError(
                f"{printable(one.path.name)} has other images or labels than {printable(first.path.name)}, in "
                f"{printable(others[0] if others else one.image)!r}: give files of one data set."
            )
    columns = tuple(first.labels.values())[:MAX_COLUMNS]
    return Rows(
        columns,
        ((split, *row) for split, ones in looked.items() for one in ones for row in _read(one, columns)),
        sum(one.rows for one in every),
        sum(one.size for one in every),
        f"Images in {printable(str(path))}, in the column {printable(first.image)!r}.",
        tuple(notes),
    )


def _look(path: Path) -> _File:
    """What a file says of itself, and what one of its first images is where it doesn't say that they are images."""
    with _opened(path) as file:
        schema, metadata = file.schema_arrow, file.metadata
        types = {field.name: field.type for field in schema}
        if len(types) < len(schema.names):
            raise DataError(f"{printable(path.name)} has two columns of one name: rename one.")
        features = _features(schema.metadata)
        image = _image_column(path, file, types, features)
        packed = size = 0
        for group in map(metadata.row_group, range(metadata.num_row_groups)):
            for chunk in map(group.column, range(group.num_columns)):
                if chunk.path_in_schema in (image, f"{image}.bytes"):
                    packed += max(0, chunk.total_compressed_size)
                    size += max(0, chunk.total_uncompressed_size)
        if size > max(_SMALL, MAX_RATIO * min(packed, path.stat().st_size)):
            raise DataError(
                f"{printable(path.name)} is refused: its images would grow to more than {MAX_RATIO} times their size."
            )
        labels = {
            name: column
            for name, kind in types.items()
            if name != image and (column := _column(name, kind, features.get(name, {}))) is not None
        }
        return _File(path, metadata.num_rows, size, image, _inner_names(types[image]), labels)


def _read(one: _File, columns: Sequence[Column]) -> Iterator[tuple[bytes | str, list[int | str | None]]]:
    """The image and the labels of each row, a few in memory at once."""
    there = [column for column in columns if column.name in one.labels]
    names = [*(f"{one.image}.{name}".removesuffix(".") for name in one.inner), *(column.name for column in there)]
    with _opened(one.path) as file:
        for batch in file.iter_batches(_BATCH, columns=names, use_threads=False):
            found = batch.to_pydict()
            texts = {
                column.name: found[column.name]
                if column.classes
                else [v if v is None else str(v) for v in found[column.name]]
                for column in there
            }
            for row, value in enumerate(found[one.image]):
                labels = [texts[column.name][row] if column.name in texts else None for column in columns]
                yield _image(value), labels


def _image(value: bytes | dict[str, Any] | None) -> bytes | str:
    """The bytes of an image, or why a row has none."""
    data = value.get("bytes") if isinstance(value, dict) else value
    if data:
        return data
    return _ELSEWHERE if isinstance(value, dict) and value.get("path") else _WITHOUT


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    """Opens a file; what pyarrow raises inside the block, on files that aren't as they must be, becomes a sentence.

    Its pages are read one after another: a file whose rows are all in one group does not come into memory whole.
    """
    import pyarrow as pa  # takes a while
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, buffer_size=2**20, pre_buffer=False) as file:
            yield file
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError, OverflowError, MemoryError) as error:
        raise DataError(f"{printable(path.name)} can't be read as a parquet file: {short(error, 100)}.") from None


def _features(metadata: dict[bytes, bytes] | None) -> dict[str, dict[str, Any]]:
    """What Hugging Face's `datasets` wrote about the columns; empty where it is nothing that it could have written."""
    try:
        found = files.parse_json((metadata or {})[b"huggingface"])["info"]["features"]
        return {name: feature for name, feature in found.items() if isinstance(feature, dict)}
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return {}


def _image_column(
    path: Path, file: pq.ParquetFile, types: dict[str, pa.DataType], features: dict[str, dict[str, Any]]
) -> str:
    """The column that the features call one of images, else one of bytes and path, else one with an image's bytes."""
    could = [name for name, kind in types.items() if _inner_names(kind)]
    could.sort(key=lambda name: _IMAGES.index(name.lower()) if name.lower() in _IMAGES else len(_IMAGES))
    told = [name for name in could if features.get(name, {}).get("_type") == "Image"]
    told = told or [name for name in could if "path" in _inner_names(types[name])]
    told = told or [name for name in could if _shows_image(file, f"{name}.{_inner_names(types[name])[0]}")]
    if told:
        return told[0]
    columns = ", ".join(f"{printable(name)} ({short(kind, 30)})" for name, kind in list(types.items())[:8])
    raise DataError(
        f"{printable(path.name)} has no column of images{f', but {columns}' if columns else ''}: expected one of the "
        "bytes of JPEG, PNG or other files, or a struct of bytes and path, as Hugging Face's data sets have it."
    )


def _shows_image(file: pq.ParquetFile, column: str) -> bool:
    """Whether one of the first bytes in a column are an image."""
    first = next(file.iter_batches(_BATCH, columns=[column.removesuffix(".")], use_threads=False), None)
    found = [_image(value) for values in (first.to_pydict().values() if first is not None else ()) for value in values]
    return any(_is_image(data) for data in found if isinstance(data, bytes))


def _is_image(data: bytes) -> bool:
    try:
        return bool(images.file_ending(data))
    except ImageError:
        return False


def _inner_names(kind: pa.DataType) -> tuple[str, ...]:
    """Of a column's type, which columns below it are an image's bytes and path; ("",) where it is the bytes itself, ()
    where it can't be images."""
    import pyarrow as pa

    if _is_bytes(kind):
        return ("",)
    if not pa.types.is_struct(kind):
        return ()
    inner = {field.name: field.type for field in kind}
    if "bytes" not in inner or not _is_bytes(inner["bytes"]):
        return ()
    return ("bytes", "path") if "path" in inner and _is_text(inner["path"]) else ("bytes",)


def _column(name: str, kind: pa.DataType, feature: dict[str, Any]) -> Column | None:
    """A column of labels; `None` where its values can't be."""
    import pyarrow as pa

    if pa.types.is_integer(kind):
        names = feature.get("names") if feature.get("_type") == "ClassLabel" else None
        if isinstance(names, list) and 0 < len(set(map(str, names))) == len(names) <= MAX_CLASSES:
            return Column(name, tuple(printable(str(one)) for one in names))
        return Column(name)
    if pa.types.is_boolean(kind):
        return Column(name, offered=True)
    return Column(name) if _is_text(kind) else None


def _is_bytes(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


LAYOUT = Layout(title="Parquet files", rank=6, fits=has_parquet, load=load_rows, unpack=unpack_parquet)
