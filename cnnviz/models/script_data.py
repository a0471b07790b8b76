"""The part of a standalone script that reads the data: arrays `train`, `validation` and `test` of pictures, labels."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from cnnviz.data.folder import is_image_folder, split_folders
from cnnviz.data.listing import SUFFIXES, listing
from cnnviz.data.npz import headers, pairs
from cnnviz.errors import RecipeError
from cnnviz.recipe import Data

__all__ = ["reading"]

_SETS = ("mnist", "fashion_mnist", "cifar10")
_FIT = """
def fit(pictures):
    pictures = pictures if pictures.ndim == 4 else pictures[..., None]
    if CHANNELS == 3 and pictures.shape[-1] == 1:
        pictures = np.repeat(pictures, 3, axis=-1)
    if CHANNELS == 1 and pictures.shape[-1] == 3:
        pictures = tf.image.rgb_to_grayscale(pictures).numpy()
    if pictures.shape[1:3] != SIZE:
        pictures = tf.image.resize(pictures, SIZE, antialias=True).numpy().round().astype("uint8")
    return pictures
"""
_BYTES = """
def as_bytes(pictures, top):
    whole, share = pictures.dtype.kind in "iu" and top > 255, pictures.dtype.kind in "bf" and top <= 1
    limit = 65_535 if whole else 1 if share else 255
    return np.rint(pictures.astype("float32") * np.float32(255 / limit)).astype("uint8")
"""
_OPAQUE = """
def opaque(pictures):
    alpha = pictures[..., 3:].astype("uint16")
    return ((pictures[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype("uint8")
"""
_NUMBERED = """
def numbered(labels):
    if labels.dtype.kind in "US":
        return np.searchsorted(NAMES, labels.reshape(-1))
    return labels.argmax(axis=1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(-1).astype(int)
"""
_READ = """
def read(folder):
    paths, labels = [], []
    for number, name in enumerate(CLASSES):
        for path in sorted((folder / name).iterdir()) if (folder / name).is_dir() else ():
            if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
                paths.append(path)
                labels.append(number)
    told = {"color_mode": "rgb" if CHANNELS == 3 else "grayscale", "target_size": SIZE, "interpolation": "bilinear"}
    pictures = [keras.utils.load_img(path, **told) for path in paths]
    return np.stack([keras.utils.img_to_array(one, dtype="uint8") for one in pictures]), np.array(labels)
"""
_HOLD_OUT = """
def hold_out(samples, share, seed):  # the same share of every class, the very pictures that cnnviz takes
    labels = samples[1]
    counts = np.bincount(labels)
    taken = np.floor(counts * share).astype(int)
    missing = max(0, max(1, round(share * len(labels))) - taken.sum())
    taken[np.argsort(taken - counts * share, kind="stable")[:missing]] += 1
    taken = np.clip(taken, np.minimum(counts // 2, 1), np.maximum(counts - 1, 0))
    held, rng = np.zeros(len(labels), bool), np.random.default_rng(seed)
    for number, count in enumerate(taken):
        held[rng.permutation(np.flatnonzero(labels == number))[:count]] = True
    return tuple(one[~held] for one in samples), tuple(one[held] for one in samples)
"""
_FIRST = """
def first(samples, limit):  # where samples lie class by class, the first of each
    labels = samples[1]
    if np.count_nonzero(np.diff(labels)) != len(np.unique(labels)) - 1:
        return tuple(one[:limit] for one in samples)
    block = np.concatenate([[0], np.cumsum(np.diff(labels) != 0)])
    rank = np.arange(len(labels)) - np.searchsorted(block, block)
    order = np.argsort((rank + 0.5) / np.bincount(block)[block], kind="stable")
    kept = np.sort(order[:limit])
    return tuple(one[kept] for one in samples)
"""


def reading(data: Data, folder: Path | None) -> str:
    """Returns the script's part for the recipe's data.

    Args:
        data: the recipe's.
        folder: the folder or .npz file it lies in, if it does.

    Raises:
        RecipeError: only cnnviz can read it.
    """
    if data.dataset in _SETS:
        read, given = _of_keras(data)
    elif folder is not None and folder.suffix.lower() == ".npz":
        read, given = _of_npz(folder)
    elif folder is not None and is_image_folder(folder):
        read, given = _of_folder(folder)
    else:
        raise RecipeError(f"A standalone script can't read {data.dataset!r}, which only cnnviz makes or knows: it is "
                          "for folders of pictures, .npz files, MNIST, Fashion-MNIST and CIFAR-10.")  # fmt: skip
    parts = [f"SIZE, CHANNELS = {data.image_size!r}, {data.channels}"]
    if data.without or data.balanced or data.crop != "whole":
        parts.append("# cnnviz crops, balances or leaves out pictures here; this takes all of them, whole.")
    shares = _shares(data, given)
    limits = [f"{split} = first({split}, {limit})" for split, limit in data.limits.model_dump().items() if limit]
    if any("hold_out(" in line for line in shares):
        parts.append(_HOLD_OUT.strip())
    if limits:
        parts.append(_FIRST.strip())
    return "\n\n".join([*parts, read]) + "".join(f"\n{line}" for line in [*shares, *limits])


def _shares(data: Data, given: Collection[str]) -> list[str]:
    """Lines that make the splits that the data don't have, as `data.splits.arrange` does."""
    lines, seed = [], data.split_seed
    held = "test" not in given and "validation" not in given
    if held:
        lines.append(f"train, test = hold_out(train, {data.test_share}, {seed})")
    if "validation" not in given and data.validation_share:
        lines.append(f"train, validation = hold_out(train, {data.validation_share}, {seed + 1})")
    elif "validation" not in given:
        lines.append("validation = test")
    if "test" not in given and not held:
        lines.append("test = validation")
    return lines


def _of_keras(data: Data) -> tuple[str, Collection[str]]:
    lines = (f"(x, y), (x_test, y_test) = keras.datasets.{data.dataset}.load_data()\n"
             "train, test = (fit(x), y.ravel().astype(int)), (fit(x_test), y_test.ravel().astype(int))")  # fmt: skip
    return f"{_FIT.strip()}\n\n{lines}", ("train", "test")


def _of_npz(path: Path) -> tuple[str, Collection[str]]:
    found = headers(path)
    keys = pairs(path, found)
    if "train" not in keys:
        raise RecipeError(f"{path.name} has no training pictures and labels under names that are known, so there is no "
                          "script: see what the Train page says of it.")  # fmt: skip
    picture, label = (found[name] for name in keys["train"])
    parts, call = [_FIT.strip()], "fit({})"
    if len(picture.shape) == 4 and picture.shape[3] == 4:
        parts, call = [*parts, _OPAQUE.strip()], "fit(opaque({}))"
    if any(found[name].dtype != "uint8" for name, _ in keys.values()):
        parts, call = [*parts, _BYTES.strip()], call.replace("{}", "as_bytes({}, top)")
    parts.append(_NUMBERED.strip())
    lines = [f"with np.load({str(path)!r}) as file:", "    arrays = {name: file[name] for name in file.files}"]
    if "top" in call:
        lines.append(f"top = arrays[{picture.key!r}].max()")
    if label.dtype.kind in "US":
        lines.append(f"NAMES = np.unique(arrays[{label.key!r}])")
    for split, names in keys.items():
        pictures, labels = (f"arrays[{found[name].key!r}]" for name in names)
        lines.append(f"{split} = {call.format(pictures)}, numbered({labels})")
    return "\n\n".join([*parts, "\n".join(lines)]), tuple(keys)


def _of_folder(folder: Path) -> tuple[str, Collection[str]]:
    splits = split_folders(folder, listing(folder))
    inside = folder / splits["train"] if splits else folder
    lines = ["from pathlib import Path", "", f"FOLDER = Path({str(folder)!r})",
             f"CLASSES = {tuple(listing(inside).folders)!r}", f"SUFFIXES = {SUFFIXES!r}", "", "",
             _READ.strip(), "", ""]  # fmt: skip
    if not splits:
        return "\n".join([*lines, "train = read(FOLDER)"]), ("train",)
    return "\n".join([*lines, *(f"{name} = read(FOLDER / {sub!r})" for name, sub in splits.items())]), tuple(splits)
