"""From a name or a path to a dataset, and the list of what can be opened."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from cnnviz import recipe
from cnnviz.data import archive, bundled, kept, keras_sets, roots, splits, tfds_sets
from cnnviz.data.dataset import Dataset, printable
from cnnviz.data.layouts import celeba, image_folder, label_table, parquet
from cnnviz.data.layouts.layout import Layout
from cnnviz.data.layouts.registry import layout_of
from cnnviz.data.listing import listing
from cnnviz.errors import DataError, one_of
from cnnviz.model_spec import MAX_CLASSES
from cnnviz.progress import Progress

__all__ = ["Entry", "at_hand", "catalogue", "open_dataset", "place_of"]


@dataclasses.dataclass(frozen=True)
class Entry:
    """A dataset that can be chosen; if it is not `ready`, on this computer, `message` says what is needed."""

    name: str
    title: str
    message: str
    ready: bool


_KNOWN = {
    "digits": ("Digits (8×8)", "1,797 handwritten digits, 8×8 grey, ten classes."),
    "shapes": ("Shapes (64×64, two heads)", "4,000 drawn shapes with their masks: four shapes in six colours."),
    "mnist": ("MNIST", "70,000 handwritten digits, 28×28 grey, ten classes."),
    "fashion_mnist": ("Fashion-MNIST", "70,000 images of clothes, 28×28 grey, ten classes."),
    "cifar10": ("CIFAR-10", "60,000 images of animals and vehicles, 32×32 RGB, ten classes."),
    "celeba": ("CelebA faces", "Faces with attributes such as Male and Smiling, 178×218 RGB."),
}
_DOWNLOADS: dict[str, tuple[Callable[[Progress | None], Dataset], int]] = {
    "mnist": (keras_sets.load_mnist, 11),
    "fashion_mnist": (keras_sets.load_fashion_mnist, 31),
    "cifar10": (keras_sets.load_cifar10, 170),
}
_BUNDLED = {"digits": bundled.load_digits, "shapes": bundled.load_shapes}


def open_dataset(
    data: recipe.Data, heads: Sequence[str] | None = None, *, progress: Progress | None = None, anywhere: bool = True
) -> Dataset:
    """Returns the dataset that a recipe names, with the splits, limits and balance it asks for.

    Args:
        data: `data.dataset` is a known name (digits, shapes, mnist, fashion_mnist, cifar10, celeba), the name of a
            folder or .npz file under `CNNVIZ_DATA`, a path, or what tensorflow_datasets has prepared (`tfds:celeb_a`).
            What lies there tells the layout: CelebA's, a folder of images a class (inside train, validation and test
            folders or not), images with a table of their labels or with their class in their names, such folders in a
            .zip file, Hugging Face's parquet files, or an .npz file of arrays.
        heads: what to learn. Default: all heads; of CelebA's layout Male and Smiling, or the first two attributes.
        progress: called while something is downloaded, unpacked or read, with what, how much is done and how much
            there is.
        anywhere: whether a path may lead to any place. Pages say no: then it must lie, links resolved, in a folder that
            `CNNVIZ_DATA` or `CNNVIZ_ROOTS` names, or be an upload of their own. A name after `tfds:` is never a path.

    Raises:
        DataError: one message on what is wrong and what would be right.
    """
    dataset = _open(data, heads, progress, anywhere)
    if not dataset.available:
        dataset = dataclasses.replace(dataset, available=tuple(head.name for head in dataset.heads))
    dataset = _with_heads(dataset, heads)
    for head in dataset.heads:
        if len(head.classes) > MAX_CLASSES:
            raise DataError(
                f"{dataset.title} has {len(head.classes):,} classes of {head.name}; at most "
                f"{MAX_CLASSES:,} can be learned."
            )
    return splits.arrange(dataset, data)


def catalogue() -> tuple[Entry, ...]:
    """Returns the known datasets and those found under `CNNVIZ_DATA`; a look at names only."""
    entries = []
    faces = _celeba_folder()
    for name, (title, message) in _KNOWN.items():
        ready = name in _BUNDLED or (faces if name == "celeba" else keras_sets.locate(name)) is not None
        if not ready and name in _DOWNLOADS:
            message = f"{message} Will be downloaded once ({_DOWNLOADS[name][1]} MB)."
        elif not ready:
            message = f"{message} {_CELEBA_MISSING}"
        elif name == "celeba" and faces is not None and faces.name != name:
            message = f"{message} Here those in the folder {printable(faces.name)}."
        entries.append(Entry(name, title, message, ready))
    for name, layout in _found().items():
        words = f"{layout.title}, in {printable(str(keras_sets.data_root()))}."
        entries.append(Entry(name.removesuffix(".npz"), printable(name), words, True))
    return tuple(entries)


def _open(data: recipe.Data, heads: Sequence[str] | None, progress: Progress | None, anywhere: bool) -> Dataset:
    name = data.dataset
    if data.label_columns and name in (*_BUNDLED, *_DOWNLOADS):
        raise _no_columns(name)
    if name in _BUNDLED:
        return _BUNDLED[name]()
    if name in _DOWNLOADS:
        return _DOWNLOADS[name][0](progress)
    if name == "celeba":
        found = _celeba_folder()
        if found is None:
            raise DataError(f"CelebA is not on this computer: {_CELEBA_MISSING[0].lower()}{_CELEBA_MISSING[1:]}")
        return celeba.LAYOUT.load(found, name, heads, data.label_columns)
    if name.startswith(tfds_sets.PREFIX):
        return tfds_sets.load_prepared(name, heads, data.label_columns, progress)
    path = _path(name, anywhere)
    uploaded = kept.is_upload(Path(os.path.realpath(path)))
    shown = printable(path.name if uploaded else name if len(name) <= 80 else f"…{name[-79:]}")
    if path.suffix.lower() == ".zip" and path.is_file():
        path = archive.unpack(path, progress)
    layout = layout_of(path) or _nearest(path)
    if layout is None:
        raise DataError(
            f"{shown} is not a dataset: expected a folder of images, a .zip of such, a table of labels "
            "(.csv, .tsv) beside its images, a .parquet file, or an .npz file."
        )
    if data.label_columns and not layout.columns:
        raise _no_columns(shown)
    path = layout.unpack(path, progress) if layout.unpack is not None else path
    dataset = layout.load(path, shown, heads, data.label_columns)
    return dataclasses.replace(dataset, source=f"Uploaded: {shown}.") if uploaded else dataset


def _no_columns(shown: str) -> DataError:
    return DataError(
        f"{shown} has no columns of labels to choose from: leave data.label_columns (--columns of a command) empty."
    )


def _nearest(path: Path) -> Layout | None:
    """The layout that says what a folder or file lacks."""
    if label_table.is_table(path) or (path.is_dir() and label_table.tables_in(path)):
        return label_table.LAYOUT
    if parquet.has_arrow(path):
        return parquet.LAYOUT
    return image_folder.LAYOUT if path.is_dir() else None


def at_hand(name: str) -> bool:
    """Returns whether a dataset can be opened without being downloaded or unpacked first; a look at names only."""
    if name in _BUNDLED:
        return True
    if name in _DOWNLOADS:
        return keras_sets.locate(name) is not None
    place = place_of(name)
    if place is None or place.suffix.lower() == ".zip":
        return False
    layout = layout_of(place)
    return layout is None or layout.unpack is None


def place_of(name: str) -> Path | None:
    """Returns the folder or file that a dataset's name means, `None` where it means none."""
    if name in _BUNDLED or name in _DOWNLOADS or name.startswith(tfds_sets.PREFIX):
        return None
    if name == "celeba":
        return _celeba_folder()
    try:
        return _path(name, anywhere=True)
    except DataError:
        return None


def _path(name: str, anywhere: bool) -> Path:
    """The folder or file a name means: under `CNNVIZ_DATA`, else as a path."""
    root = keras_sets.data_root()
    if kept.is_lost(name):
        raise DataError("The images that were uploaded here are no longer in the cache: upload them again.")
    if anywhere:
        with suppress(OSError, ValueError, RuntimeError):  # a name too long, with a null byte, of an unknown user
            for path in ([root / name, root / f"{name}.npz"] if root else []) + [Path(name).expanduser().absolute()]:
                if path.exists():
                    return path
    elif allowed := roots.resolve_allowed(name):
        return allowed
    where = f"CNNVIZ_DATA is {root}" if root else "CNNVIZ_DATA is not set"
    if not anywhere:
        where = f"{roots.allowed_text()}; CNNVIZ_ROOTS names further folders"
    known = [*_KNOWN, *(found.removesuffix(".npz") for found in _found())]
    shown = printable(name if len(name) <= 80 else f"…{name[-79:]}")
    raise DataError(
        f"There is no dataset {shown!r}: {one_of(name, map(printable, known))}, or give the path of a "
        f"folder, .zip, .parquet or .npz file ({where})."
    )


def _with_heads(dataset: Dataset, heads: Sequence[str] | None) -> Dataset:
    """The dataset with these heads only, in this order."""
    if heads is None:
        return dataset
    chosen = tuple(dataset.head(name) for name in dict.fromkeys(heads))
    if not chosen:
        raise DataError(f"Nothing to learn was chosen of {dataset.name}: {one_of('', dataset.available)}.")
    parts = {
        name: dataclasses.replace(split, labels={head.name: split.labels[head.name] for head in chosen})
        for name, split in dataset.splits.items()
    }
    return dataclasses.replace(dataset, heads=chosen, splits=parts)


_CELEBA_MISSING = (
    f"Put {celeba.IMAGES}/, {celeba.ATTRIBUTES} and {celeba.PARTITION} "
    "(from mmlab.ie.cuhk.edu.hk/projects/CelebA.html) into the folder celeba under CNNVIZ_DATA."
)


def _celeba_folder() -> Path | None:
    """CNNVIZ_DATA/celeba, else the first folder under it in CelebA's layout."""
    root = keras_sets.data_root()
    if root is None or not os.path.isdir(root):
        return None
    with suppress(DataError):  # it may not be looked into, or has just gone away
        return next((root / n for n in ("celeba", *listing(root).folders) if celeba.is_celeba(root / n)), None)
    return None


def _found() -> dict[str, Layout]:
    """Names of folders and files under `CNNVIZ_DATA` that look like datasets and aren't known ones, and their "
    "layouts."""
    root = keras_sets.data_root()
    if root is None or not os.path.isdir(root):
        return {}
    try:
        with os.scandir(root) as entries:
            files = [e.name for e in entries if os.path.isfile(e.path) and not e.name.startswith(".")]
        folders = listing(root).folders
    except (OSError, DataError):
        return {}
    files = [name for name in files if not label_table.is_table(root / name)]  # whose images may be all that is there
    names = sorted(name for name in (*folders, *files) if name.removesuffix(".npz") not in _KNOWN)
    return {name: layout for name in names if (layout := layout_of(root / name)) is not None}
