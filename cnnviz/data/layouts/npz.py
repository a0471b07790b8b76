"""NumPy archives: images and labels under their usual names. Headers are read first, pickles never."""

from __future__ import annotations

import functools
import os
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnnviz.data.dataset import Arrays, Dataset, Head, Split, printable
from cnnviz.data.layouts.layout import Layout
from cnnviz.data.spellings import spellings
from cnnviz.depth import holding
from cnnviz.errors import DataError
from cnnviz.model_spec import MAX_CLASSES

__all__ = ["LAYOUT", "MAX_ARRAY_BYTES", "headers", "load_npz", "pairs", "to_uint8"]

MAX_ARRAY_BYTES = 8 * 2**30
_MAX_NAMES_BYTES = 8 * 2**20
"""Of the classes' names as they are stored."""
_MAX_LABELS, _MAX_LABEL_BYTES = 20_000_000, 2**30
"""Of a split: how many images, and the bytes of all their labels, which are read at once."""
_PAIRS = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"), ("x", "y")),
    "validation": (
        ("x_val", "y_val"),
        ("x_valid", "y_valid"),
        ("x_validation", "y_validation"),
        ("val_images", "val_labels"),
    ),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}
_CLASS_NAMES = ("class_names", "classes", "label_names", "names")
_BROKEN = (
    OSError,
    ValueError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    KeyError,
    TypeError,
    SyntaxError,
    tokenize.TokenError,
    MemoryError,
)
"""What zipfile and NumPy raise for archives and headers that aren't as they must be (the last four: of nested ones)."""


@dataclass(frozen=True)
class Header:
    """What an array in the archive is, before it is read."""

    key: str
    shape: tuple[int, ...]
    dtype: np.dtype


def load_npz(path: Path, name: str) -> Dataset:
    """Returns the dataset of an archive with `X_train, y_train, X_test, y_test`, or `images, labels`, in any case.

    Images: (n, h, w) or (n, h, w, 1, 3 or 4), uint8, or other numbers within 0..1 or 0..255 (see `to_uint8`).
    Labels: integers from 0 without gaps, one-hot rows, or text. `class_names` names the classes, if it is there.
    Only labels are read here; images are read when the first one is asked for.

    Raises:
        DataError: it is no archive of such arrays, or labels are missing or out of range.
    """
    found = headers(path)
    keys = pairs(path, found)
    if "train" not in keys:
        raise DataError(
            f"{name} has no images and labels under a name known here but {_named(found)}: expected "
            f"X_train and y_train, with X_test and y_test, or images and labels."
        )
    for split, (pixels, numbers) in keys.items():
        _check_shape(name, found[pixels])
        _check_labels(name, split, found[numbers], found[pixels])
    raw = {split: _read(path, found[numbers].key).copy() for split, (_, numbers) in keys.items()}
    named = next((found[key] for key in _CLASS_NAMES if key in found), None)
    labels, classes = _classes(name, raw, None if named is None else _names(path, name, named))
    splits = {}
    for split, (pixels, _) in keys.items():
        source = Arrays(functools.partial(_images, path, found[pixels].key, found[keys["train"][0]].key))
        splits[split] = Split(split, {"label": labels[split]}, source, np.arange(len(labels[split])))
    return Dataset(
        name=name,
        title=name,
        source=f"Arrays in {printable(str(path))}.",
        heads=(Head("label", classes),),
        splits=splits,
        notes=tuple(_scaled(found[keys["train"][0]])),
    )


def _scaled(header: Header) -> list[str]:
    if header.dtype.kind not in "iu" or header.dtype.itemsize == 1:
        return []
    message = "where a training image is above 255, the bits that they use are scaled to 0..255, in all alike."
    return [f"The images in {printable(header.key)} are {header.dtype}: {message}"]


def headers(path: Path) -> dict[str, Header]:
    """Returns the archive's arrays by their names in lower case, with no array read.

    Raises:
        DataError: it is no .npz file, needs pickles, or holds arrays that are larger than allowed or than they say.
    """
    found: dict[str, Header] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".npy") and len(found) < 100:
                    header = _header(archive, member)
                    found.setdefault(header.key.lower(), header)
    except DataError:
        raise
    except _BROKEN as error:
        raise DataError(f"{printable(path.name)} can't be read as an .npz file: {_short(error)}.") from None
    return found


def _header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Header:
    key = member.filename.removesuffix(".npy")
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        start = file.tell()
    if dtype.hasobject:
        raise DataError(
            f"The array {printable(key)!r} holds Python objects (a pickle), which are never loaded: save "
            f"it as numbers, with one shape for all images."
        )
    if dtype.itemsize == 0 or any(isinstance(n, bool) or n < 0 for n in shape):
        raise DataError(f"The array {printable(key)!r} is damaged: its header says {dtype} of the shape {shape}.")
    size = int(np.prod([int(n) for n in shape], dtype=object)) * dtype.itemsize
    if size > MAX_ARRAY_BYTES:
        raise DataError(
            f"The array {printable(key)!r} has {size / 2**30:.1f} GB; at most {MAX_ARRAY_BYTES // 2**30} "
            f"GB are read: save the images as uint8, smaller, or as a folder."
        )
    if size != member.file_size - start:
        raise DataError(
            f"The array {printable(key)!r} is damaged: its header says {size:,} bytes, the archive has "
            f"{member.file_size - start:,}."
        )
    return Header(key, tuple(shape), dtype)


def _read(path: Path, key: str) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as archive:
            array: np.ndarray = archive[key]
            return array
    except _BROKEN as error:
        raise DataError(
            f"The array {printable(key)!r} of {printable(path.name)} can't be read: {_short(error)}."
        ) from None


def pairs(path: Path, found: dict[str, Header]) -> dict[str, tuple[str, str]]:
    """Returns for each split that the archive has the names of its images and labels, in lower case.

    Args:
        path: for the sentence of what is wrong.
        found: what `headers` returned.

    Raises:
        DataError: it has images without labels.
    """
    return {split: pair for split, names in _PAIRS.items() if (pair := _pair(path, found, split, names))}


def _pair(path: Path, found: dict[str, Header], split: str, pairs: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    for images, labels in pairs:
        if images in found:
            if labels not in found:
                key = found[images].key
                raise DataError(
                    f"{printable(path.name)} has images ({key}) but no labels {labels!r} for them: "
                    f"it has {_named(found)}."
                )
            return images, labels
    return None


def _named(found: dict[str, Header]) -> str:
    names = [printable(header.key)[:40] for header in found.values()]
    return ", ".join(names[:8]) + (" …" if len(names) > 8 else "") if names else "no arrays at all"


def _check_shape(name: str, header: Header) -> None:
    shape = header.shape
    if len(shape) == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3, 4):
        raise DataError(
            f"{name}: {header.key} has the shape {shape}, channels first; expected (n, height, width, "
            f"channels): save np.moveaxis({header.key}, 1, -1)."
        )
    if not (len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3, 4))) or min(shape) < 1:
        raise DataError(
            f"{name}: {header.key} has the shape {shape}; expected (n, height, width) or (n, height, width, 1, 3 or 4)."
        )
    if header.dtype.kind not in "buif":
        raise DataError(f"{name}: {header.key} has the type {header.dtype}; expected numbers, best uint8 of 0..255.")


def _check_labels(name: str, split: str, header: Header, images: Header) -> None:
    """Refuses labels that aren't one for each image, before they are read."""
    shape, kind = header.shape, header.dtype
    if len(shape) not in (1, 2) or min(shape) < 1 or kind.kind not in "USbuif":
        raise _no_labels(name, split, shape, kind)
    if shape[0] != images.shape[0]:
        raise DataError(
            f"{name}: {images.key} has {images.shape[0]:,} images but there are {shape[0]:,} labels for them."
        )
    size = int(np.prod(shape, dtype=object)) * kind.itemsize
    if shape[0] > _MAX_LABELS or size > _MAX_LABEL_BYTES:
        raise DataError(
            f"{name}: the {split} labels are {shape[0]:,} of {size // shape[0]:,} bytes; at most "
            f"{_MAX_LABELS:,} in {_MAX_LABEL_BYTES // 2**30} GB are read: save them as numbers of classes, "
            f"or fewer images."
        )


def _no_labels(name: str, split: str, shape: tuple[int, ...], kind: np.dtype) -> DataError:
    return DataError(
        f"{name}: the {split} labels have the shape {shape} and type {kind}; expected n integers or n one-hot rows."
    )


def _names(path: Path, name: str, header: Header) -> tuple[str, ...]:
    """The classes' names, where there aren't too many."""
    count = int(np.prod(header.shape, dtype=object))
    if count > MAX_CLASSES or count * header.dtype.itemsize > _MAX_NAMES_BYTES:
        raise DataError(
            f"{name}: {printable(header.key)} names {count:,} classes; at most {MAX_CLASSES:,} can be "
            f"learned, with names of {_MAX_NAMES_BYTES // 2**20} MB in all."
        )
    return tuple(printable(str(one)) for one in _read(path, header.key).reshape(-1))


def _classes(
    name: str, raw: dict[str, np.ndarray], classes: tuple[str, ...] | None
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Labels as class indices for every split, and the classes' names."""
    if all(labels.dtype.kind in "US" for labels in raw.values()):
        texts = {split: np.char.decode(y, "utf-8", "replace") if y.dtype.kind == "S" else y for split, y in raw.items()}
        texts = _spelled_alike(texts)
        known = np.unique(texts["train"])
        for split, y in texts.items():
            extra = np.setdiff1d(y, known)
            if len(extra):
                raise DataError(
                    f"{name}: the {split} labels have {printable(str(extra[0]))!r}, which the training labels have not."
                )
        labels = {split: np.searchsorted(known, y.reshape(-1)) for split, y in texts.items()}
        return labels, tuple(printable(str(text)) for text in known)
    labels = {split: _indices(name, split, y) for split, y in raw.items()}
    count = len(classes) if classes else int(labels["train"].max(initial=0)) + 1
    for split, y in labels.items():
        wrong = y[(y < 0) | (y >= count)]
        if len(wrong):
            raise DataError(
                f"{name}: the {split} labels have {wrong[0]}, out of range: expected 0 to {count - 1}, for "
                f"{'its class names' if classes else 'the classes of the training labels'}."
            )
    missing = np.setdiff1d(np.arange(min(count, len(labels["train"]) + 1)), labels["train"])
    if len(missing):
        raise DataError(
            f"{name}: no training label is {missing[0]}, of the classes 0 to {count - 1}: number the "
            f"classes 0, 1, 2, … without gaps."
        )
    return labels, classes or tuple(map(str, range(count)))


def _spelled_alike(texts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The labels with those made one that differ only in how accents are written, as folders of classes are."""
    everything = np.unique(np.concatenate([y.reshape(-1) for y in texts.values()]))
    called = {text: name for name, same in spellings(map(str, everything)).items() for text in same}
    if len(set(called.values())) == len(called):
        return texts
    return {split: np.array([called[str(text)] for text in y.reshape(-1)]) for split, y in texts.items()}


def _indices(name: str, split: str, labels: np.ndarray) -> np.ndarray:
    """Class indices, int64 (n,), of integers (n,) or (n, 1), or of one-hot rows."""
    if labels.dtype.kind not in "buif":
        raise _no_labels(name, split, labels.shape, labels.dtype)
    if labels.ndim == 2 and labels.shape[1] > 1:
        if not (((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all()):
            raise DataError(
                f"{name}: the {split} labels have the shape {labels.shape} but aren't one-hot: every row "
                f"needs one 1 and else 0."
            )
        places: np.ndarray = labels.argmax(axis=1)
        return places
    labels = labels.reshape(-1)
    if labels.dtype.kind == "f" and not (np.isfinite(labels) & (labels == np.rint(labels))).all():
        raise DataError(f"{name}: the {split} labels aren't whole numbers; expected class numbers 0, 1, 2, …")
    return labels.astype(np.int64)


def _images(path: Path, key: str, reference: str) -> np.ndarray:
    """Reads images; other types than uint8 get the scale that the training images ask for, in all splits alike."""
    array = _read(path, key)
    if array.dtype != np.uint8:
        array = to_uint8(array, key, array if key == reference else _read(path, reference))
    if array.ndim == 3:
        return array[..., None]
    if array.shape[3] == 4:
        alpha = array[..., 3:].astype(np.uint16)
        return ((array[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return array


def to_uint8(array: np.ndarray, key: str, reference: np.ndarray) -> np.ndarray:
    """Returns images as uint8, 0..255. Floats up to 1 are multiplied by 255; integers above 255 are scaled from the
    bits that they use, see `cnnviz.depth`.

    `reference` are the images whose greatest value decides; greater ones, which may come in other splits, become 255.

    Raises:
        DataError: values are negative, not finite or too large.
    """
    low, high, top = float(array.min()), float(array.max()), float(reference.max())
    limit = 1 if array.dtype.kind in "bf" and top <= 1 else 255
    if array.dtype.kind in "iu" and top > 255:
        limit = (1 << holding(int(top))) - 1
    if not (low >= 0 and high <= (65_535 if limit > 255 else limit)):
        raise DataError(f"The images in {key} have values from {low:g} to {high:g}; expected 0..1 (float) or 0..255.")
    made = np.empty(array.shape, np.uint8)
    for start in range(0, len(array), 256):  # a block at a time needs little memory beside the result
        block = array[start : start + 256].astype(np.float32)
        made[start : start + 256] = np.rint(np.minimum(block * np.float32(255 / limit), 255))
    return made


def _short(error: BaseException) -> str:
    text = printable(str(error).splitlines()[0]) if str(error) else type(error).__name__
    return (text if len(text) <= 120 else text[:117] + "…").rstrip(".")


def _fits(path: Path) -> bool:
    return path.suffix.lower() == ".npz" and os.path.isfile(path)


def _load(path: Path, name: str, heads: Sequence[str] | None, columns: Sequence[str]) -> Dataset:
    return load_npz(path, name)


LAYOUT = Layout(title="Arrays", rank=2, fits=_fits, load=_load)
