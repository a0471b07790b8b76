"""Hugging Face's parquet files: a row an image, with its bytes and its labels. Images are written out once, see
`image_rows`; a file may come from anybody.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import IO, Any, cast

from cnnviz import files
from cnnviz.data.dataset import printable
from cnnviz.data.image_rows import Column, Row, Rows, key_of, load_rows, written
from cnnviz.data.kept import whole
from cnnviz.data.layouts.layout import Layout, split_of
from cnnviz.data.listing import Endings, instead, listing, sum_endings
from cnnviz.errors import DataError
from cnnviz.processes import import_path
from cnnviz.progress import Progress

__all__ = ["LAYOUT", "has_arrow", "has_parquet", "unpack_parquet"]

_ENDING = ".parquet"
_FOLDERS = 20  # that are looked into, in a folder and in each of these

Parts = dict[str, list[Path]]
"""The files of each split, in order."""


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
        return [path.name] if path.suffix.lower() == _ENDING and path.is_file() else []
    found = []
    for inner in _inner(path):
        folder = path / inner
        if any(ending == _ENDING for ending, _ in listing(folder).others):
            with os.scandir(folder) as entries:
                names = [one.name for one in entries if one.name.lower().endswith(_ENDING) and one.is_file()]
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
    if found := whole(key):
        return found
    with _reading(path, parts, notes) as rows:
        return written(key, path.name, rows, progress)


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
        some = ", ".join(repr(printable(home)) for home in told[:5]) + " …" * (len(told) > 5)
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


@contextmanager
def _reading(path: Path, parts: Parts, notes: Sequence[str]) -> Iterator[Rows]:
    """What the files hold, as another process reads it, which ends with the block: see `parquet_reader`."""
    request = {split: [str(one.absolute()) for one in ones] for split, ones in parts.items()}
    with _started() as process:
        try:
            stdin, stdout = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
            with suppress(BrokenPipeError), stdin:  # it could not begin, which its missing reply tells
                stdin.write(json.dumps(request).encode())
            told = _message(path, stdout)
            yield Rows(
                tuple(Column(name, classes and tuple(classes), offered) for name, classes, offered in told["columns"]),
                _received(path, stdout),
                told["count"],
                told["size"],
                f"Images in {printable(str(path))}, in the column {printable(told['image'])!r}.",
                tuple(notes),
            )
        finally:
            process.kill()


def _started() -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "cnnviz.data.parquet_reader"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={**os.environ, "PYTHONPATH": import_path()},
            start_new_session=True,  # Ctrl+C is the server's
        )
    except OSError as error:
        raise DataError(f"The process that reads parquet files can't be started: {error.strerror}.") from None


def _received(path: Path, stdout: IO[bytes]) -> Iterator[Row]:
    while "end" not in (row := _message(path, stdout)):
        size = row["image"]  # where it is cut off, there is no message after it
        yield row["split"], size if isinstance(size, str) else stdout.read(size), row["labels"]


def _message(path: Path, stdout: IO[bytes]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(stdout.readline(files.MOST_JSON))
    except ValueError:
        raise _crashed(path) from None
    if "error" in found:
        raise DataError(found["error"])
    return found


def _crashed(path: Path) -> DataError:
    return DataError(
        f"{printable(path.name)} can't be read as a parquet file: it makes the process crash that reads it, so it is "
        "damaged, or may be an attack."
    )


LAYOUT = Layout(title="Parquet files", rank=6, fits=has_parquet, load=load_rows, unpack=unpack_parquet, columns=True)
