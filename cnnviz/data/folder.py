"""Folders of pictures, one folder a class, inside split folders or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cnnviz.data.dataset import Dataset, Files, Head, Split, printable
from cnnviz.data.listing import Listing, has_pictures, listing
from cnnviz.errors import DataError

__all__ = ["is_image_folder", "load_folder", "split_folders"]

_SPLITS = {"train": ("train", "training"), "validation": ("validation", "valid", "val"), "test": ("test", "testing")}
_EXPECTED = "expected one folder of pictures a class, or train, validation and test folders of such"


def is_image_folder(folder: Path) -> bool:
    """Returns whether there are at least two folders with pictures, at a glance; for lists of what could be opened."""
    try:
        splits = split_folders(folder, listing(folder))
        classes = folder / splits["train"] if "train" in splits else folder
        names = listing(classes).folders
    except DataError:
        return False
    return sum(has_pictures(classes / name) for name in names[:50]) >= 2


def split_folders(folder: Path, inside: Listing) -> dict[str, str]:
    """Returns which folder is which split; none where `train` is itself a class beside others (cars, trains, …)."""
    lower = {name.lower(): name for name in reversed(inside.folders)}
    found = {split: next((lower[n] for n in names if n in lower), None) for split, names in _SPLITS.items()}
    splits = {split: name for split, name in found.items() if name is not None}
    if "train" not in splits:
        return {}
    return splits if set(inside.folders) <= set(splits.values()) or listing(folder / splits["train"]).folders else {}


def load_folder(folder: Path, name: str) -> Dataset:
    """Returns the dataset of a folder; its head is `label`, its classes are the folders' names in order.

    Raises:
        DataError: no pictures, an empty class, fewer than two classes, or classes that differ between splits.
    """
    inside = listing(folder)
    splits = split_folders(folder, inside)
    notes = []
    roots = {split: folder / sub for split, sub in splits.items()} or {"train": folder}
    found = {split: {sub: listing(root / sub) for sub in listing(root).folders} for split, root in roots.items()}
    classes = tuple(found["train"])
    if not any(inside.pictures for inside in found["train"].values()):
        raise DataError(_nothing(folder, roots["train"], inside))
    for split, subfolders in found.items():
        extra = [sub for sub in subfolders if sub not in classes]
        if extra:
            raise DataError(f"{name}: the {split} split has the class {printable(extra[0])!r}, which the training "
                            f"split ({_some(classes)}) has not: give all splits the same classes.")  # fmt: skip
        for sub in classes:
            if not (sub in subfolders and subfolders[sub].pictures):
                sentence = f"{name}: the {split} split has no pictures of {printable(sub)!r}"
                if split == "train" or sub in subfolders:
                    raise DataError(f"{sentence}, the folder {str(roots[split] / sub)!r} is empty: "
                                    f"add pictures or remove it.")  # fmt: skip
                notes.append(f"{sentence}.")
    others = sum(inside.others for subfolders in found.values() for inside in subfolders.values())
    if others:
        notes.append(f"{others:,} file{'s' * (others > 1)} with other endings than pictures' are left out.")
    made = {split: _split(folder, split, roots[split], subfolders, classes) for split, subfolders in found.items()}
    return Dataset(
        name=name,
        title=name,
        source=f"Pictures in {printable(str(folder))}, one folder a class.",
        heads=(Head("label", tuple(map(printable, classes))),),
        splits={split: part for split, part in made.items() if len(part)},
        notes=tuple(notes),
    )


def _split(folder: Path, name: str, root: Path, found: dict[str, Listing], classes: tuple[str, ...]) -> Split:
    """All pictures of a split, class by class."""
    inner = root.relative_to(folder)
    files, labels = [], []
    for number, sub in enumerate(classes):
        pictures = found[sub].pictures if sub in found else ()
        prefix = f"{inner / sub}/"
        files += [prefix + picture for picture in pictures]
        labels.append(np.full(len(pictures), number, np.int64))
    labels = np.concatenate(labels)
    return Split(name, {"label": labels}, Files(folder, tuple(files)), np.arange(len(labels)))


def _nothing(folder: Path, root: Path, inside: Listing) -> str:
    where = repr(str(folder))
    if inside.pictures:
        return (f"The folder {where} has {len(inside.pictures):,} pictures but no class folders: "
                f"put the pictures of each class in a folder of its name.")  # fmt: skip
    below = listing(root).folders
    if below:
        return f"The folder {where} has no pictures in its folders {_some(below)}: {_EXPECTED}."
    return f"The folder {where} has no pictures: {_EXPECTED}."


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(map(printable, names[:5]))
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
