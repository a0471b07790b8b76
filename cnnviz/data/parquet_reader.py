"""The process that reads parquet files, `python -m cnnviz.data.parquet_reader`: see `layouts.parquet`.

It is one of its own, with a limit on its memory and time, as a damaged file can end the process that reads it. JSON on
stdin names the files of each split. The reply is a line of JSON on what they are, and one for each row with its labels
and the number of bytes that follow, its image, or why it has none.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnviz import files, images
from cnnviz.data.dataset import printable
from cnnviz.data.image_rows import LONGEST, MAX_COLUMNS, Column
from cnnviz.data.zip_check import MAX_RATIO
from cnnviz.errors import DataError, ImageError, short
from cnnviz.model_spec import MAX_CLASSES

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["MEMORY_BYTES", "SECONDS", "main"]

MEMORY_BYTES = 3 << 30
"""A page of a file, which programs write of a thousand rows, is in memory whole, and then its rows."""
SECONDS = 600
"""Of a processor, for all files: four gigabytes take some twenty."""
_BATCH = 8  # rows in memory at once: a few bytes in a file may be an image of many megabytes in every row
_SMALL = 64 * 2**20  # bytes that may be packed to any share
_IMAGES = ("image", "img", "picture", "photo")
"""Which column is taken where several hold images, best first."""
_WITHOUT = "without an image"
_ELSEWHERE = "with only the path of an image, which is not in the file,"
_TOO_LARGE = f"with an image of more than {images.MAX_BYTES >> 20} MB"


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


def main() -> int:
    """Answers one request."""
    _limit()
    try:
        _reply({split: [Path(path) for path in paths] for split, paths in json.loads(sys.stdin.buffer.read()).items()})
    except DataError as error:
        _send({"error": str(error)})
    sys.stdout.buffer.flush()
    return 0


def _limit() -> None:
    with suppress(ImportError):  # Windows has no such limits
        import resource

        for what, most in ((resource.RLIMIT_DATA, MEMORY_BYTES), (resource.RLIMIT_CPU, SECONDS)):
            hard = resource.getrlimit(what)[1]
            if hard == resource.RLIM_INFINITY or hard > most:
                resource.setrlimit(what, (most, most))


def _send(message: dict[str, Any], data: bytes = b"") -> None:
    sys.stdout.buffer.write(json.dumps(message).encode() + b"\n" + data)


def _reply(parts: dict[str, list[Path]]) -> None:
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
    _send(
        {
            "columns": [(column.name, column.classes, column.offered) for column in columns],
            "count": max(0, sum(one.rows for one in every)),
            "size": sum(one.size for one in every),
            "image": first.image,
        }
    )
    for split, ones in looked.items():
        for one in ones:
            for image, labels in _read(one, columns):
                if isinstance(image, bytes):
                    _send({"split": split, "labels": labels, "image": len(image)}, image)
                else:
                    _send({"split": split, "labels": labels, "image": image})
    _send({"end": True})


def _look(path: Path) -> _File:
    """What a file says of itself, and what one of its first images is where it doesn't say that they are images."""
    with _opened(path) as file:
        schema, metadata = file.schema_arrow, file.metadata
        types = {field.name: field.type for field in schema}
        if len(types) < len(schema.names):
            raise DataError(f"{printable(path.name)} has two columns of one name: rename one.")
        packed, sizes = 0, Counter[str]()
        for group in map(metadata.row_group, range(metadata.num_row_groups)):
            for chunk in map(group.column, range(group.num_columns)):
                packed += chunk.total_compressed_size
                sizes[chunk.path_in_schema] += max(0, chunk.total_uncompressed_size)
        if sizes.total() > max(_SMALL, MAX_RATIO * min(packed, path.stat().st_size)):
            raise DataError(
                f"{printable(path.name)} is refused: it would grow to more than {MAX_RATIO} times its size, which is "
                "not what images do."
            )
        features = _features(schema.metadata)
        image = _image_column(path, file, types, features)
        labels = {
            name: column
            for name, kind in types.items()
            if name != image and (column := _column(name, kind, features.get(name, {}))) is not None
        }
        inner = _inner_names(types[image])
        size = sizes[f"{image}.{inner[0]}".removesuffix(".")]
        return _File(path, metadata.num_rows, size, image, inner, labels)


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
                else [v if v is None else str(v)[: LONGEST + 1] for v in found[column.name]]
                for column in there
            }
            for row, value in enumerate(found[one.image]):
                labels = [texts[column.name][row] if column.name in texts else None for column in columns]
                yield _image(value), labels


def _image(value: bytes | dict[str, Any] | None) -> bytes | str:
    """The bytes of an image, or why a row has none."""
    data = value.get("bytes") if isinstance(value, dict) else value
    if data:
        return data if len(data) <= images.MAX_BYTES else _TOO_LARGE
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
        raise DataError(
            f"{printable(path.name)} can't be read as a parquet file: {short(error, 100).rstrip('.')}."
        ) from None


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
            return Column(name, tuple(printable(str(one)[:LONGEST]) for one in names))
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


if __name__ == "__main__":
    sys.exit(main())
