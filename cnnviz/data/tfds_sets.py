"""Data sets that `tensorflow_datasets` has prepared on this computer, by its own names: `tfds:cats_vs_dogs`. Nothing is
downloaded. Images are written out once as they are, see `image_rows`.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz import files
from cnnviz.data.dataset import Dataset, printable
from cnnviz.data.image_rows import MAX_COLUMNS, Column, Row, Rows, key_of, load_rows, written
from cnnviz.data.kept import whole
from cnnviz.data.layouts.celeba import first_attributes
from cnnviz.data.layouts.layout import split_of
from cnnviz.errors import DataError, one_of, short
from cnnviz.model_spec import MAX_CLASSES
from cnnviz.progress import Progress

__all__ = ["PREFIX", "load_prepared", "prepared_folder"]

PREFIX = "tfds:"
_NAME = re.compile(r"(\w+)(?:/(\w[\w.+-]*))?(?::(\d+\.\d+\.\d+))?", re.ASCII)
_INFO = "dataset_info.json"  # is written last


def load_prepared(
    name: str, heads: Sequence[str] | None = None, columns: Sequence[str] = (), progress: Progress | None = None
) -> Dataset:
    """Returns the dataset of a name such as `tfds:celeb_a`, `tfds:name/config` or `tfds:name/config:1.0.0`.

    Heads are its features of the type ClassLabel, and booleans, also those of a dict such as CelebA's `attributes`.
    Without `heads` and `columns` it is the label of `supervised_keys`, else one that is called label, else of
    attributes Male and Smiling or the first two, else all.

    Args:
        name: with `PREFIX`.
        heads: those that are wanted.
        columns: the features with the labels.
        progress: called with the images done and in all; what it raises ends the work.

    Raises:
        DataError: it is not prepared, or the package is not installed, or it has no images with labels.
    """
    folder = prepared_folder(name)
    try:
        key = key_of(("", path) for path in sorted(folder.iterdir()))
    except OSError as error:
        raise _unreadable(name, error) from None
    found = whole(key)
    if found is None:
        if not _installed():
            raise DataError(f"{name} is read by tensorflow_datasets: pip install tensorflow-datasets.")
        found = written(key, name, _rows(name, folder), progress)
    return load_rows(found, name, heads, columns)


def _installed() -> bool:
    return importlib.util.find_spec("tensorflow_datasets") is not None


def prepared_folder(name: str) -> Path:
    """Returns where a data set of this name is prepared, links resolved: in `TFDS_DATA_DIR` or ~/tensorflow_datasets.

    Raises:
        DataError: it isn't, or it has several configs of which the name chooses none.
    """
    shown = printable(name[:80])
    parts = _NAME.fullmatch(name.removeprefix(PREFIX))
    if parts is None:
        raise DataError(f"{shown!r} is no name of tensorflow_datasets: expected one such as tfds:celeb_a.")
    top = files.folder_in("TFDS_DATA_DIR") or Path.home() / "tensorflow_datasets"
    place, config, version = top / parts[1], parts[2], parts[3]
    configs = [one for one in _folders(place) if _versions(place / one)]
    if config is None and not _versions(place) and len(configs) > 1:
        raise DataError(f"{shown} has several configs: {one_of('', [f'{PREFIX}{parts[1]}/{one}' for one in configs])}.")
    if config is not None or (configs and not _versions(place)):
        place = place / (config or configs[0])
    there = [one for one in _versions(place) if version in (None, one)]
    real = Path(os.path.realpath(place / there[-1])) if there else None
    if real is not None and Path(os.path.realpath(top)) in real.parents:
        return real
    first = "" if _installed() else "pip install tensorflow-datasets, then "
    asked = shown.removeprefix(PREFIX)
    prepared = f"; prepared are {', '.join(_prepared(top))}" if _prepared(top) else ""
    raise DataError(
        f"{shown} is not prepared in {top}: {first}run tfds build {asked}, or tensorflow_datasets.load({asked!r}) in "
        f"Python, once, which downloads it{prepared}."
    )


def _prepared(top: Path) -> list[str]:
    """The names of all that is prepared."""
    return [
        f"{PREFIX}{name}"
        for name in _folders(top)
        if _versions(top / name) or any(_versions(top / name / one) for one in _folders(top / name))
    ]


def _folders(place: Path) -> list[str]:
    try:
        return sorted(one.name for one in place.iterdir() if one.is_dir())
    except OSError:
        return []


def _versions(place: Path) -> list[str]:
    """The versions that are whole, in order."""
    found = [one for one in _folders(place) if re.fullmatch(r"\d{1,9}(\.\d{1,9}){2}", one)]
    whole_ones = [one for one in found if (place / one / _INFO).is_file()]
    return sorted(whole_ones, key=lambda version: [int(number) for number in version.split(".")])


def _rows(name: str, folder: Path) -> Rows:
    try:
        import tensorflow_datasets as tfds  # takes a second, and brings TensorFlow when it reads

        builder = tfds.builder_from_directory(folder)
        features = dict(sorted(builder.info.features.items()))  # which come in any order
        sizes, keys = builder.info.splits, builder.info.supervised_keys
    except Exception as error:  # it imports and parses what the folder's files name
        raise _unreadable(name, error) from None
    images = [key for key, one in features.items() if type(one) is tfds.features.Image and _is_whole(one)]
    if not images:
        raise DataError(f"{name} has no feature that is an image, but {', '.join(map(printable, features))}.")
    given = keys if isinstance(keys, tuple) else ()
    image = next((key for key in (*given[:1], "image") if key in images), images[0])
    paths = _labels(features)
    names, attributes = [one.name for one in paths], [one.name for one in paths if one.offered]
    first = tuple(key for key in given[1:2] if key in names)
    if not first and len(attributes) == len(names):
        first = first_attributes(attributes)
    splits: dict[str, str] = {}
    for split in sizes:
        if (called := split_of(split)) is not None:
            splits.setdefault(called, split)
    if "train" not in splits:
        raise DataError(f"{name} has no training split, but {', '.join(map(printable, sizes)) or 'none at all'}.")
    left = [printable(split) for split in sizes if split not in splits.values()]
    decoders = {key: tfds.decode.SkipDecoding() for key in images}

    def rows() -> Iterator[Row]:
        for called, split in splits.items():
            for example in _examples(name, builder, split, decoders):
                labels = [_value(example, path) for path in paths.values()]
                yield called, bytes(example[image]) or "without an image", labels

    return Rows(
        tuple(paths),
        rows(),
        sum(sizes[split].num_examples for split in splits.values()),
        sum(sizes[split].num_bytes for split in splits.values()),
        f"Prepared by tensorflow_datasets in {printable(str(folder))}.",
        (f"Splits left out: {', '.join(left)}.",) if left else (),
        first,
    )


def _is_whole(feature: Any) -> bool:
    """Whether an image's pixels are whole numbers; floats are kept in PNG files that show something else."""
    return bool(np.dtype(feature.np_dtype).kind == "u")


def _labels(features: Any) -> dict[Column, tuple[str, ...]]:
    """The columns of labels, and under which keys an example has each."""
    import tensorflow_datasets as tfds

    flat: dict[tuple[str, ...], Any] = {}
    for key, feature in features.items():
        if isinstance(feature, tfds.features.FeaturesDict):
            flat |= {(key, below): one for below, one in sorted(feature.items())}
        else:
            flat[key,] = feature
    found: dict[Column, tuple[str, ...]] = {}
    for path, one in flat.items():
        name = "/".join(path) if path[-1] in [column.name for column in found] else path[-1]
        if isinstance(one, tfds.features.ClassLabel) and 0 < (one.num_classes or 0) <= MAX_CLASSES:
            found[Column(name, tuple(map(printable, one.names)))] = path
        elif isinstance(one, tfds.features.Tensor) and one.shape == () and one.np_dtype in (bool, np.bool_):
            found[Column(name, offered=True)] = path
    return dict(list(found.items())[:MAX_COLUMNS])


def _value(example: Any, path: tuple[str, ...]) -> int | str:
    for key in path:
        example = example[key]
    return str(bool(example)) if example.dtype == bool else int(example)


def _examples(name: str, builder: Any, split: str, decoders: dict[str, Any]) -> Iterator[Any]:
    """All examples of a split, always in the same order, images as the bytes that they are."""
    try:
        yield from builder.as_dataset(split=split, decoders=decoders).as_numpy_iterator()
    except Exception as error:  # TensorFlow's errors of reading are of no other kind
        raise _unreadable(name, error) from None


def _unreadable(name: str, error: Exception) -> DataError:
    return DataError(f"{name} can't be read by tensorflow_datasets: {short(error, 150).rstrip('.')}.")
