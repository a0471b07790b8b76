"""Samples that a recipe leaves out, by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from cnnviz.data.dataset import Arrays, Dataset, Split
from cnnviz.data.spellings import compose
from cnnviz.errors import DataError

__all__ = ["names_of", "without"]


def without(splits: Mapping[str, Split], names: Sequence[str], title: str) -> dict[str, Split]:
    """Returns the splits without the samples of these names; all others keep their order and their split.

    Args:
        splits: by name.
        names: as `Split.name_of` calls them. "test:#12" is the one of the test split's source, where several
            sources number their images.
        title: what the dataset is called in sentences.

    Raises:
        DataError: a name that no sample has, or that samples of several sources have, or a split that is empty then.
    """
    wanted = set(names)
    prefixes = {name: id(split.source) for name, split in splits.items()}
    found: dict[str, set[tuple[int, int]]] = {name: set() for name in wanted}
    _find(splits, prefixes, found, str)
    if unknown := [name for name in wanted if not found[name]]:  # maybe accents are written otherwise there
        alike: dict[str, set[tuple[int, int]]] = {compose(name): set() for name in unknown}
        _find(splits, prefixes, alike, compose)
        found |= {name: alike[compose(name)] for name in unknown}
    for called in names:
        if not found[called]:
            raise DataError(
                f"{title} has no image {called!r} to leave out: take it out of data.without, or write it "
                f"as the data does, such as {_example(splits)!r}."
            )
        if len(found[called]) > 1:
            raise DataError(
                f"{title} has {len(found[called])} images {called!r}: write in data.without which one is "
                f"meant, such as {'test:' + called!r}."
            )
    gone = set().union(*found.values())
    left = {name: _left(split, gone) for name, split in splits.items()}
    for name, split in left.items():
        if not len(split):
            raise DataError(
                f"Without the {len(wanted):,} images of data.without, {title} has no {name} image "
                "left: take some back in."
            )
    return left


def _find(
    splits: Mapping[str, Split],
    prefixes: Mapping[str, int],
    found: dict[str, set[tuple[int, int]]],
    spelled: Callable[[str], str],
) -> None:
    """Adds to each name's set which samples have it, by their source and row."""
    for split in splits.values():
        source = id(split.source)
        # "validation:#3" may lie in the training split by now: a prefix names the source
        marks = [f"{other}:" for other, one in prefixes.items() if one == source]
        for i in range(len(split)):
            plain, row = spelled(split.name_of(i)), int(split.rows[i])
            for called in (plain, *(mark + plain for mark in marks)):
                if called in found:
                    found[called].add((source, row))


def _left(split: Split, gone: set[tuple[int, int]]) -> Split:
    rows = [row for source, row in gone if source == id(split.source)]
    return split.take(np.flatnonzero(~np.isin(split.rows, rows))) if rows else split


def _example(splits: Mapping[str, Split]) -> str:
    name, split = next((name, split) for name, split in splits.items() if len(split))
    return f"{name}:{split.name_of(0)}" if _numbered(splits) else split.name_of(0)


def _numbered(splits: Mapping[str, Split]) -> bool:
    """Whether there are several sources that number their images, so that a number alone is of each of them."""
    return len({id(split.source) for split in splits.values() if isinstance(split.source, Arrays)}) > 1


def names_of(dataset: Dataset, split: str, indices: Iterable[int]) -> list[str]:
    """Returns how `without` calls samples of a split."""
    one = dataset.splits[split]
    mark = f"{split}:" if _numbered(dataset.splits) else ""
    return [mark + one.name_of(int(i)) for i in indices]
