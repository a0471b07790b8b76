"""The part of a standalone script that makes the splits: the very samples that `cnnviz.data.splits` takes."""

from __future__ import annotations

import inspect
from collections.abc import Collection

from cnnviz.data import dataset, splits
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
_LEAVE_OUT = """
def leave_out(splits):  # the images of these names; "test:#12" is the one of what was the test split's images
    left = {}
    for name, split in splits.items():
        source, rows, _ = split
        marks = ["", *(f"{other}:" for other, one in splits.items() if one[0] is source)]
        names = [name_of(source, row) for row in rows]
        left[name] = taken(split, np.array([not any(mark + one in WITHOUT for mark in marks) for one in names]))
    return left
"""
_BY_NUMBER = """
def name_of(source, row):
    return f"#{row}"
"""
_BY_FILE = """
def name_of(source, row):
    return printable(source[row])
"""


def arranging(data: Data, given: Collection[str] | None, *, files: bool) -> tuple[list[str], list[str]]:
    """Returns the functions, and the lines that arrange a dict `splits` as `cnnviz.data.splits.arrange` does.

    In the script a split is (source, rows of it, labels of each head).

    Args:
        data: the recipe's.
        given: the splits that the data has, or `None` where the script must look.
        files: whether the sources are lists of files' names, not arrays.
    """
    lines = _shares_looked_up(data) if given is None else _shares(data, given)
    limits = data.limits.model_dump()
    functions = []
    if held := any("hold_out(" in line for line in lines):
        functions += [inspect.getsource(splits.stratify), _HOLD_OUT]
    if data.without:
        functions += [inspect.getsource(dataset.printable), _BY_FILE] if files else [_BY_NUMBER]
        functions += [f"WITHOUT = {data.without!r}", _LEAVE_OUT]
        lines.append("splits = leave_out(splits)")
    if chooses := (data.balanced or any(limits.values())):
        call = "balance(splits[name][2], limit)[0]" if data.balanced else "first(splits[name][2], limit)"
        functions.append(inspect.getsource(splits.balance if data.balanced else splits.first))
        wanted = {name: limits[name] for name in SPLITS}
        lines.append(f"for name, limit in {wanted!r}.items():")
        lines.append(f"    if name in splits:\n        splits[name] = taken(splits[name], {call})")
    if held or chooses:
        functions.insert(0, inspect.getsource(splits.groups))
    if functions:
        functions.insert(0, _TAKEN)
    return [function.strip() for function in functions], lines


def _shares(data: Data, given: Collection[str]) -> list[str]:
    """Makes the splits that the data don't have."""
    lines = []
    if "test" not in given and "validation" not in given:
        lines.append(_held("test", data.test_share, data.split_seed))
    if "validation" not in given:
        lines.append(_validation(data))
    return lines


def _shares_looked_up(data: Data) -> list[str]:
    held = _held("test", data.test_share, data.split_seed)
    return [
        f'if "test" not in splits and "validation" not in splits:\n    {held}',
        f'if "validation" not in splits:\n    {_validation(data)}',
    ]


def _validation(data: Data) -> str:
    if data.validation_share:
        return _held("validation", data.validation_share, data.split_seed + 1)
    return 'splits["validation"] = splits["test"]'


def _held(name: str, share: float, seed: int) -> str:
    return f'splits["train"], splits["{name}"] = hold_out(splits["train"], {share}, {seed})'
