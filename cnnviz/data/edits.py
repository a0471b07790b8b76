"""What a recipe changes about single images, by their names: left out, relabelled, moved to another split.

Names are looked up among the splits before any image is moved, as a prefix such as "test:" means that split's source.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping

import numpy as np

from cnnviz import recipe
from cnnviz.data.dataset import Arrays, Dataset, Head, Joined, Source, Split
from cnnviz.data.spellings import compose
from cnnviz.errors import DataError, one_of

__all__ = ["class_number", "find", "join", "leave_out", "move", "names_of", "relabel", "relabelled"]

Place = tuple[int, int]
"""An image: which source it is of, by its `id`, and its row there."""
_DONE = {"data.without": "leave out", "data.labels": "relabel", "data.splits": "move"}
_MOST_TOLD = 30  # classes that a sentence names


def find(splits: Mapping[str, Split], data: recipe.Data, title: str) -> dict[str, Place]:
    """Returns where the images are that the recipe leaves out, relabels or moves, by its names for them.

    Args:
        splits: by name.
        data: the recipe's. Names are as `Split.name_of` has them; "test:#12" is the one of the test split's source,
            where several sources number their images.
        title: what the dataset is called in sentences.

    Raises:
        DataError: a name that no image has, or that images of several sources have, or two names for one image that is
            relabelled or moved.
    """
    asked: dict[str, Collection[str]] = {
        "data.without": data.without,
        "data.labels": data.labels,
        "data.splits": data.splits,
    }
    found: dict[str, set[Place]] = {name: set() for names in asked.values() for name in names}
    _find(splits, found, str)
    if unknown := [name for name, places in found.items() if not places]:  # maybe accents are written otherwise there
        alike: dict[str, set[Place]] = {compose(name): set() for name in unknown}
        _find(splits, alike, compose)
        found |= {name: alike[compose(name)] for name in unknown}
    for key, names in asked.items():
        called: dict[Place, str] = {}
        for name in names:
            if not found[name]:
                raise DataError(
                    f"{title} has no image {name!r} to {_DONE[key]}: take it out of {key}, or write it "
                    f"as the data does, such as {_example(splits)!r}."
                )
            if len(found[name]) > 1:
                raise DataError(
                    f"{title} has {len(found[name])} images {name!r}: write in {key} which one is "
                    f"meant, such as {'test:' + name!r}."
                )
            other = called.setdefault(next(iter(found[name])), name)
            if other != name and key != "data.without":
                raise DataError(f"{other!r} and {name!r} are one image of {title}: name it once in {key}.")
    return {name: next(iter(places)) for name, places in found.items()}


def _find(splits: Mapping[str, Split], found: dict[str, set[Place]], spelled: Callable[[str], str]) -> None:
    """Adds to each name's set which images have it."""
    for split in splits.values():
        source = id(split.source)
        # "validation:#3" may lie in the training split by now: a prefix names the source
        marks = [f"{other}:" for other, one in splits.items() if one.source is split.source]
        for i in range(len(split)):
            plain, row = spelled(split.name_of(i)), int(split.rows[i])
            for called in (plain, *(mark + plain for mark in marks)):
                if called in found:
                    found[called].add((source, row))


def leave_out(splits: Mapping[str, Split], gone: Iterable[Place]) -> dict[str, Split]:
    """Returns the splits without these images; all others keep their order and their split."""
    gone = dict.fromkeys(gone)
    left = {}
    for name, split in splits.items():
        here = _positions(split, gone)
        left[name] = split.take(np.delete(np.arange(len(split)), here)) if len(here) else split
    return left


def relabel(
    splits: Mapping[str, Split], labels: Mapping[str, recipe.Labels], places: Mapping[str, Place], dataset: Dataset
) -> dict[str, Split]:
    """Returns the splits with other classes for some images.

    Args:
        splits: by name.
        labels: the recipe's: image → head → class. Heads that aren't learned are passed over.
        places: from `find`.
        dataset: with the heads that are learned and those that could be.

    Raises:
        DataError: a head or a class that the dataset doesn't have.
    """
    heads = {head.name: head for head in dataset.heads}
    available = dataset.available or tuple(heads)
    numbers: dict[Place, dict[str, int]] = {}
    for image, classes in labels.items():
        if unknown := [head for head in classes if head not in available]:
            raise DataError(
                f"{dataset.title} has no head {unknown[0]!r}, which data.labels names for {image!r}: "
                f"{one_of(unknown[0], available)}."
            )
        numbers[places[image]] = {
            name: class_number(heads[name], called, image) for name, called in classes.items() if name in heads
        }
    made = {}
    for name, split in splits.items():
        changed = {head: values.copy() for head, values in split.labels.items()}
        for i in _positions(split, numbers):
            for head, number in numbers[id(split.source), int(split.rows[i])].items():
                changed[head][i] = number
        made[name] = Split(split.name, changed, split.source, split.rows)
    return made


def class_number(head: Head, name: str, image: str) -> int:
    """Returns the index of the class that the recipe gives an image.

    Raises:
        DataError: the head has no such class.
    """
    if name in head.classes:
        return head.classes.index(name)
    composed = [compose(one) for one in head.classes]  # maybe accents are written otherwise there
    if compose(name) in composed:
        return composed.index(compose(name))
    near = head.classes
    if len(near) > _MOST_TOLD:
        near = tuple(difflib.get_close_matches(name, near, 5, cutoff=0))
    raise DataError(
        f"data.labels gives {image!r} the class {name!r}, which {head.name} doesn't have: {one_of(name, near)}."
    )


def relabelled(data: recipe.Data, heads: Iterable[Head]) -> int:
    """Returns how many images the recipe relabels for one of the heads at least."""
    names = {head.name for head in heads}
    return sum(not names.isdisjoint(classes) for classes in data.labels.values())


def move(
    splits: Mapping[str, Split], targets: Mapping[str, str], places: Mapping[str, Place], dataset: Dataset
) -> dict[str, Split]:
    """Returns the splits with some images in others, behind those that are there already; they keep their names.

    Where the test split serves as validation, it goes on to do so, and an image that is moved to either is in both.

    Args:
        splits: by name.
        targets: the recipe's: image → split.
        places: from `find`.
        dataset: whose splits these are, as they were when the images were found.

    Raises:
        DataError: a split that there is not.
    """
    for image, target in targets.items():
        if target not in splits:
            raise DataError(
                f"data.splits moves {image!r} to {target!r}, which {dataset.title} doesn't have: "
                f"{one_of(target, splits)}."
            )
    shared = dataset.validates_on_test
    distinct = {name: split for name, split in splits.items() if not (shared and name == "validation")}
    to = {places[image]: "test" if shared and target == "validation" else target for image, target in targets.items()}
    going = {
        name: np.array([to.get((id(split.source), int(row)), name) for row in split.rows], object)
        for name, split in distinct.items()
    }
    marked = _numbered(splits)
    moved = {}
    for name, split in distinct.items():
        others = [other for other in recipe.SPLITS if other in distinct and other != name]
        coming = {other: distinct[other].take(np.flatnonzero(going[other] == name)) for other in others}
        staying = split.take(np.flatnonzero(going[name] == name))
        moved[name] = _joined(staying, {other: part for other, part in coming.items() if len(part)}, marked)
    if shared:
        moved["validation"] = Split("validation", moved["test"].labels, moved["test"].source, moved["test"].rows)
    return moved


def join(splits: Mapping[str, Split], own: str, other: str) -> Split:
    """Returns the split `own` with the images of `other` behind its own; all keep their names.

    Args:
        splits: all of them, by name.
        own: the one whose name the result has.
        other: the one that is added.
    """
    return _joined(splits[own], {other: splits[other]}, _numbered(splits))


def _joined(own: Split, coming: Mapping[str, Split], marked: bool) -> Split:
    """A split and what was moved to it from others; `marked` where names need the splits' before them."""
    if not coming:
        return own
    parts = {own.name: own, **coming}
    labels = {head: np.concatenate([part.labels[head] for part in parts.values()]) for head in own.labels}
    rows = np.concatenate([part.rows for part in parts.values()])
    if not marked and all(part.source is own.source for part in parts.values()):
        return Split(own.name, labels, own.source, rows)
    which = np.repeat(np.arange(len(parts)), [len(part) for part in parts.values()])
    # what was joined before has its marks already
    marks = tuple(f"{name}:" if marked and not isinstance(part.source, Joined) else "" for name, part in parts.items())
    source = Joined(tuple(part.source for part in parts.values()), marks, which, rows)
    return Split(own.name, labels, source, np.arange(len(rows)))


def _positions(split: Split, places: Mapping[Place, object]) -> np.ndarray:
    rows = [row for source, row in places if source == id(split.source)]
    return np.flatnonzero(np.isin(split.rows, rows))


def _example(splits: Mapping[str, Split]) -> str:
    name, split = next((name, split) for name, split in splits.items() if len(split))
    return f"{name}:{split.name_of(0)}" if _numbered(splits) else split.name_of(0)


def _numbered(splits: Mapping[str, Split]) -> bool:
    """Whether there are several sources that number their images, so that a number alone is of each of them."""
    sources: list[Source] = []
    for split in splits.values():
        sources += split.source.sources if isinstance(split.source, Joined) else [split.source]
    return len({id(source) for source in sources if isinstance(source, Arrays)}) > 1


def names_of(dataset: Dataset, split: str, indices: Iterable[int]) -> list[str]:
    """Returns how a recipe calls images of a split; `find` finds them by it, wherever they were moved."""
    one = dataset.splits[split]
    mark = f"{split}:" if isinstance(one.source, Arrays) and _numbered(dataset.splits) else ""
    return [mark + one.name_of(int(i)) for i in indices]
