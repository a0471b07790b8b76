"""Which columns of labels are learned from, what their heads are called, and what their classes are."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from cnnviz.data.dataset import printable
from cnnviz.errors import DataError, one_of
from cnnviz.model_spec import MAX_CLASSES

__all__ = ["choose", "class_names", "could_be_labels", "in_order"]

_LABELS = frozenset({"label", "labels", "class", "classes", "category", "target", "species", "breed", "diagnosis"})
"""A column that is called so is the one with the labels, where there are several that could be."""
_NO_YES = (("0", "1"), ("-1", "1"), ("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"))


def choose(
    name: str,
    labels: tuple[str, ...],
    columns: Sequence[str],
    heads: Sequence[str] | None,
    first: Sequence[str] = (),
) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the column of each head that there could be, and of each that is learned, by the heads' names.

    Args:
        name: what the data set is called.
        labels: the columns that could be labels.
        columns: those that are asked for; empty for `first`.
        heads: those that are wanted; `None` for the columns that are chosen.
        first: those that are learned where none is asked for; by default one that is called like a label, else all.

    Raises:
        DataError: there is no such head.

    Example:
        >>> choose("pets", ("breed", "Has hat"), (), None)
        ({'label': 'breed', 'Has_hat': 'Has hat'}, {'label': 'breed'})
    """
    chosen = tuple(columns) or tuple(first) or _preferred(labels)
    others = [] if columns else [column for column in labels if column not in chosen]
    named = _names(others, {"label": chosen[0]}) if len(chosen) == 1 else _names(chosen if columns else labels, {})
    if heads is not None and (unknown := [head for head in heads if head not in named]):
        raise DataError(f"{name} has no head {unknown[0]!r}: {one_of(unknown[0], named)}.")
    return named, {head: named[head] for head in heads} if heads else {h: c for h, c in named.items() if c in chosen}


def could_be_labels(classes: int, total: int) -> bool:
    """Returns whether so many different values of a column may be classes, as they come again."""
    return 2 <= classes <= min(MAX_CLASSES, max(2, total // 2))


def in_order(values: Collection[str]) -> list[str]:
    """Returns values in the order of classes: numbers by their size, then all others.

    >>> in_order({"10", "9", "cat"})
    ['9', '10', 'cat']
    """
    return sorted(values, key=_order)


def class_names(values: Sequence[str], head: str) -> tuple[str, ...]:
    """Returns what a head's classes are called: like their values, in whose order; those of a no and a yes by the head,
    where it has a name of its own.

    >>> class_names(["0", "1"], "Smiling")
    ('not Smiling', 'Smiling')
    """
    if head != "label" and tuple(value.lower() for value in values) in _NO_YES:
        return f"not {head}", head
    return tuple(map(printable, values))


def _preferred(labels: tuple[str, ...]) -> tuple[str, ...]:
    called = tuple(column for column in labels if column.lower() in _LABELS)
    return called[:1] or labels


def _names(columns: Sequence[str], named: dict[str, str]) -> dict[str, str]:
    """What heads are called beside those that are named already, and the column of each; a head's name has letters,
    digits and _ only."""
    for column in columns:
        name = re.sub(r"[^A-Za-z0-9_]+", "_", column).strip("_")[:50] or "label"
        name = f"_{name}" if name.startswith("val_") else name
        while name in named:
            name += "_"
        named[name] = column
    return named


def _order(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return float("inf"), text
