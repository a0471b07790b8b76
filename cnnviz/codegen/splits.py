"""The part of a standalone script that makes the splits: the very samples that `cnnviz.data.splits` takes."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Sequence

from cnnviz.data import dataset, splits
from cnnviz.data.dataset import Head
from cnnviz.data.edits import class_number
from cnnviz.errors import DataError
from cnnviz.recipe import SPLITS, Data

__all__ = ["arranging"]

_TAKEN = """
def taken(split, chosen):
    source, rows, labels = split
    return source, rows[chosen], {head: values[chosen] for head, values in labels.items()}
"""
_HOLD_OUT = """
def hold_out(split, share, seed):  # the same share of every class, or of every combination of several heads' classes
    group = groups(split[2])
    if np.bincount(group).min() < 2:
        group = groups(dict(list(split[2].items())[:1]))
    held = stratify(group, share, seed)
    return taken(split, ~held), taken(split, held)
"""
_FOLD = """
def fold(splits, number, count, seed):  # one of `count` folds of training and validation images validates
    pool = splits["train"]
    if "validation" in splits:
        parts = [pool, splits["validation"]]
        labels = {head: np.concatenate([part[2][head] for part in parts]) for head in pool[2]}
        images = joined(parts)
        pool = images, np.arange(len(images)), labels
        if any(lies_by_class(part[2]) for part in parts):
            pool = taken(pool, np.argsort(groups(labels), kind="stable"))
    group = groups(pool[2])
    if np.bincount(group).min() < count:
        group = groups(dict(list(pool[2].items())[:1]))
    held = folds(group, count, seed) == number - 1
    return {**splits, "train": taken(pool, ~held), "validation": taken(pool, held)}
"""
_TOLD = """
def told(splits, edits):  # what is said of each split's images; "test:#12" is the one of what was the test split's
    found = {}
    for name, (source, rows, _) in splits.items():
        marks = ["", *(f"{other}:" for other, one in splits.items() if one[0] is source)]
        names = [name_of(source, row) for row in rows]
        found[name] = [next((edits[mark + one] for mark in marks if mark + one in edits), None) for one in names]
    return found
"""
_LEAVE_OUT = """
def leave_out(splits):  # the images of these names
    gone = told(splits, dict.fromkeys(WITHOUT, True))
    return {name: taken(split, np.array([one is None for one in gone[name]])) for name, split in splits.items()}
"""
_RELABEL = """
def relabel(splits):  # gives these images other classes, by their numbers
    made, changes = {}, told(splits, LABELS)
    for name, (source, rows, labels) in splits.items():
        labels = {head: values.copy() for head, values in labels.items()}
        for at, classes in enumerate(changes[name]):
            for head, number in (classes or {}).items():
                labels[head][at] = number
        made[name] = source, rows, labels
    return made
"""
_MOVE = """
def move(splits):  # puts these images behind those of another split
    test, validation = splits.get("test"), splits["validation"]
    shared = test and test[0] is validation[0] and np.array_equal(test[1], validation[1])
    targets = told(splits, MOVED)
    if shared:
        splits = {name: split for name, split in splits.items() if name != "validation"}
    made = {}
    for name in splits:
        parts = []
        for other in (name, *(one for one in ("train", "validation", "test") if one in splits and one != name)):
            to = [target or other for target in targets[other]]
            to = ["test" if shared and target == "validation" else target for target in to]
            parts.append(taken(splits[other], np.array([target == name for target in to])))
        parts = [part for part in parts if len(part[1])]
        labels = {head: np.concatenate([part[2][head] for part in parts]) for head in parts[0][2]}
        images = joined(parts) if len(parts) > 1 else None
        made[name] = parts[0] if images is None else (images, np.arange(len(images)), labels)
    return made | ({"validation": made["test"]} if shared else {})
"""
_JOIN_FILES = """
def joined(parts):
    return [source[row] for source, rows, _ in parts for row in rows]
"""
_JOIN_ARRAYS = """
def joined(parts):
    return np.concatenate([source[rows] for source, rows, _ in parts])
"""
_BY_NUMBER = """
def name_of(source, row):
    return f"#{row}"
"""
_BY_FILE = """
def name_of(source, row):
    return printable(source[row])
"""


def arranging(
    data: Data, given: Collection[str] | None, heads: Sequence[Head], *, files: bool
) -> tuple[list[str], list[str]]:
    """Returns the functions, and the lines that arrange a dict `splits` as `cnnviz.data.splits.arrange` does.

    In the script a split is (source, rows of it, labels of each head).

    Args:
        data: the recipe's.
        given: the splits that the data has, or `None` where the script must look.
        heads: what is learned.
        files: whether the sources are lists of files' names, not arrays.

    Raises:
        DataError: the recipe gives an image a class that there is not, or edits numbered images that are dealt to folds
            together with a validation split of their own.
    """
    lines = _shares_looked_up(data) if given is None else _shares(data, given)
    limits = data.limits.model_dump()
    functions = []
    join = _JOIN_FILES if files else _JOIN_ARRAYS
    if held := any("hold_out(" in line for line in lines):
        functions += [inspect.getsource(splits.stratify), _HOLD_OUT]
    if data.fold is not None:
        if not files and "validation" in (given or ()) and (data.without or data.labels or data.splits):
            raise DataError(  # once they are one array, their numbers are others
                "No script can be written that changes single images of a validation split of arrays and deals it to "
                "folds: set data.fold to null, or data.without, data.labels and data.splits to nothing."
            )
        functions += [inspect.getsource(splits.folds), inspect.getsource(splits.lies_by_class), join, _FOLD]
    looks = bool(data.labels or data.splits) and any(limits.values()) and not data.balanced
    if data.without or data.labels or data.splits:
        functions += [*([inspect.getsource(dataset.printable), _BY_FILE] if files else [_BY_NUMBER]), _TOLD]
    if data.without:
        functions += [f"WITHOUT = {data.without!r}", _LEAVE_OUT]
        lines.append("splits = leave_out(splits)")
    if looks:
        lines.append("by_class = {name: lies_by_class(split[2]) for name, split in splits.items()}")
    if data.labels:
        functions += [f"LABELS = {_numbers(data, heads)!r}", _RELABEL]
        lines.append("splits = relabel(splits)")
    if data.splits:
        functions += [f"MOVED = {dict(data.splits)!r}", *([join] if data.fold is None else []), _MOVE]
        lines.append("splits = move(splits)")
    looked = ", by_class[name]" if looks else ""
    if chooses := (data.balanced or any(limits.values())):
        call = "balance(splits[name][2], limit)[0]" if data.balanced else f"first(splits[name][2], limit{looked})"
        functions.append(inspect.getsource(splits.balance if data.balanced else splits.first))
        if not data.balanced and data.fold is None:
            functions.append(inspect.getsource(splits.lies_by_class))
        wanted = {name: limits[name] for name in SPLITS}
        lines.append(f"for name, limit in {wanted!r}.items():")
        lines.append(f"    if name in splits:\n        splits[name] = taken(splits[name], {call})")
    if held or chooses or data.fold is not None:
        functions.insert(0, inspect.getsource(splits.groups))
    if functions:
        functions.insert(0, _TAKEN)
    return [function.strip() for function in functions], lines


def _numbers(data: Data, heads: Sequence[Head]) -> dict[str, dict[str, int]]:
    """The classes' numbers for each image that is relabelled, of the heads that are learned."""
    return {
        image: {head.name: class_number(head, classes[head.name], image) for head in heads if head.name in classes}
        for image, classes in data.labels.items()
    }


def _shares(data: Data, given: Collection[str]) -> list[str]:
    """Makes the splits that the data don't have."""
    lines = []
    if "test" not in given and "validation" not in given:
        lines.append(_held("test", data.test_share, data.split_seed))
    if data.fold is not None:
        lines.append(_fold(data))
    elif "validation" not in given:
        lines.append(_validation(data))
    return lines


def _shares_looked_up(data: Data) -> list[str]:
    held = _held("test", data.test_share, data.split_seed)
    return [
        f'if "test" not in splits and "validation" not in splits:\n    {held}',
        _fold(data) if data.fold is not None else f'if "validation" not in splits:\n    {_validation(data)}',
    ]


def _fold(data: Data) -> str:
    assert data.fold is not None
    number, count = data.fold
    return f"splits = fold(splits, {number}, {count}, {data.split_seed + 1})"


def _validation(data: Data) -> str:
    if data.validation_share:
        return _held("validation", data.validation_share, data.split_seed + 1)
    return 'splits["validation"] = splits["test"]'


def _held(name: str, share: float, seed: int) -> str:
    return f'splits["train"], splits["{name}"] = hold_out(splits["train"], {share}, {seed})'
