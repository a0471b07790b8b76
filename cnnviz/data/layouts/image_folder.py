"""Folders of images, one folder a class, inside split folders or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from cnnviz.data.archive import notes_on_unpacked
from cnnviz.data.dataset import Dataset, Files, Head, Split, printable
from cnnviz.data.depths import bits_of, note
from cnnviz.data.layouts.layout import Layout
from cnnviz.data.listing import Listing, Tree, has_images, instead, left_out, listing, sum_endings, tree
from cnnviz.data.spellings import compose, spellings
from cnnviz.errors import DataError

__all__ = ["LAYOUT", "is_image_folder", "load_folder", "split_folders"]

_SPLITS = {"train": ("train", "training"), "validation": ("validation", "valid", "val"), "test": ("test", "testing")}
_EXPECTED = "expected one folder of images a class, or train, validation and test folders of such"

Trees = dict[str, Tree]
"""What lies in the folders of a class, by their names."""


def is_image_folder(folder: Path) -> bool:
    """Returns whether there are at least two folders with images, at a glance; for lists of what could be opened."""
    try:
        splits = split_folders(folder, listing(folder))
        classes = folder / splits["train"] if "train" in splits else folder
        names = listing(classes).folders
    except DataError:
        return False
    return sum(has_images(classes / name) for name in names[:50]) >= 2


def split_folders(folder: Path, inside: Listing) -> dict[str, str]:
    """Returns which folder is which split; none where `train` is itself a class beside others (cars, trains, …)."""
    lower = {name.lower(): name for name in reversed(inside.folders)}
    found = {split: next((lower[n] for n in names if n in lower), None) for split, names in _SPLITS.items()}
    splits = {split: name for split, name in found.items() if name is not None}
    if "train" not in splits:
        return {}
    return splits if set(inside.folders) <= set(splits.values()) or listing(folder / splits["train"]).folders else {}


def load_folder(folder: Path, name: str, *, without: Sequence[str] = ()) -> Dataset:
    """Returns the dataset of a folder; its head is `label`, its classes are the folders' names in order. A class has
    all images of its folder and of those below it, see `listing.tree`.

    Args:
        folder: where it lies.
        name: what it is called.
        without: sentences on what has been left out of it already.

    Raises:
        DataError: no images, an empty class, fewer than two classes, or classes that differ between splits.
    """
    inside = listing(folder)
    splits = split_folders(folder, inside)
    roots = {split: folder / sub for split, sub in splits.items()} or {"train": folder}
    inner = {split: listing(root) for split, root in roots.items()}
    trees = {split: {sub: tree(roots[split] / sub) for sub in one.folders} for split, one in inner.items()}
    classes = tuple(spellings(inner["train"].folders))
    if not any(one.images for one in trees["train"].values()):
        raise DataError(_nothing(folder, inner["train"], trees["train"]))
    found = {split: _by_class(subfolders, classes) for split, subfolders in trees.items()}
    notes = []
    for split, parts in found.items():
        extra = [sub for sub in parts if sub not in classes]
        if extra:
            raise DataError(
                f"{name}: the {split} split has the class {printable(extra[0])!r}, which the training "
                f"split ({_some(classes)}) has not: give all splits the same classes."
            )
        for sub in classes:
            if not any(one.images for one in parts.get(sub, {}).values()):
                message = f"{name}: the {split} split has no images of {printable(sub)!r}"
                if split == "train" or sub in parts:
                    where = roots[split] / next(iter(parts.get(sub, {sub: None})))
                    raise DataError(
                        f"{message}, the folder {str(where)!r} {_emptied(parts.get(sub, {}))}: add images or remove it."
                    )
                notes.append(f"{message}.")
    made = {split: _split(folder, split, roots[split], parts, classes) for split, parts in found.items()}
    sources = {split: part.source for split, part in made.items() if isinstance(part.source, Files)}  # all of them
    bits = bits_of(folder, [path for source in sources.values() for path in source.names])
    if bits is not None:
        made = {split: replace(made[split], source=replace(source, bits=bits)) for split, source in sources.items()}
        notes.append(note(bits))
    return Dataset(
        name=name,
        title=name,
        source=f"Images in {printable(str(folder))}, one folder a class.",
        heads=(Head("label", tuple(map(printable, classes))),),
        splits={split: part for split, part in made.items() if len(part)},
        notes=(*notes, *without, *_unread(folder, inside, splits, inner, trees)),
    )


def _by_class(subfolders: Trees, classes: tuple[str, ...]) -> dict[str, Trees]:
    """What each class has in a split, under the name that it has in the training split."""
    called = {compose(name): name for name in classes}
    found = {}
    for name, folders in spellings(subfolders).items():
        name = called.get(compose(name), name)
        found[name] = {sub: subfolders[sub] for sub in folders}
    return found


def _unread(
    folder: Path, inside: Listing, splits: dict[str, str], inner: dict[str, Listing], trees: dict[str, Trees]
) -> list[str]:
    """Sentences on all that lies there and is not read, with how much it is."""
    messages = []
    if beside := sum(len(one.images) for one in ([inside] if splits else []) + list(inner.values())):
        messages.append(f"{beside:,} image{'s' * (beside > 1)} beside the class folders, in none of them, left out.")
    others = [name for name in inside.folders if name not in splits.values()] if splits else []
    if lost := sum(len(tree(folder / name).images) for name in others):
        messages.append(
            f"{lost:,} image{'s' * (lost > 1)} left out in {_some(tuple(others))}, beside the folders of the splits."
        )
    all_trees = [one for subfolders in trees.values() for one in subfolders.values()]
    return messages + left_out(
        sum_endings(one.others for one in all_trees),
        sum(one.hidden for one in all_trees),
        sum(one.links for one in all_trees),
    )


def _split(folder: Path, name: str, root: Path, found: dict[str, Trees], classes: tuple[str, ...]) -> Split:
    """All images of a split, class by class."""
    inner = root.relative_to(folder)
    files, parts = [], []
    for number, called in enumerate(classes):
        images = [f"{inner / sub}/{path}" for sub, one in found.get(called, {}).items() for path in one.images]
        files += images
        parts.append(np.full(len(images), number, np.int64))
    labels = np.concatenate(parts)
    return Split(name, {"label": labels}, Files(folder, tuple(files)), np.arange(len(labels)))


def _nothing(folder: Path, inside: Listing, below: Trees) -> str:
    where = repr(str(folder))
    if inside.images:
        return (
            f"The folder {where} has {len(inside.images):,} images but no class folders: "
            "put the images of each class in a folder of its name, begin their names with it (cat.0.jpg), or put a "
            "table of their labels (.csv) beside them."
        )
    others = sum_endings([inside.others, *(one.others for one in below.values())])
    among = f" in its folders {_some(tuple(below))}" if below else ""
    return f"The folder {where} has no images{among}{instead(others)}: {_EXPECTED}."


def _emptied(found: Trees) -> str:
    others = sum_endings(one.others for one in found.values())
    return f"has none{instead(others)}" if others else "is empty"


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(map(printable, names[:5]))
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def _load(path: Path, name: str, heads: Sequence[str] | None, columns: Sequence[str]) -> Dataset:
    return load_folder(path, name, without=notes_on_unpacked(path))


LAYOUT = Layout(title="Images in folders, one a class", rank=5, fits=is_image_folder, load=_load)
