"""Which samples belong to which split: stratified shares, limits, balance."""

from __future__ import annotations

import dataclasses

import numpy as np

from cnnviz import recipe
from cnnviz.data.dataset import Dataset, Split
from cnnviz.data.exclusions import without
from cnnviz.errors import DataError

__all__ = ["arrange", "balance", "first", "groups", "stratify"]


def arrange(dataset: Dataset, data: recipe.Data) -> Dataset:
    """Returns the dataset with the splits that the recipe asks for: held-out shares, then balance and limits.

    Data with a test split only gets a validation split from its training samples; data with neither gets both. The
    data's own splits are never changed.

    Raises:
        DataError: too few samples, a class without training samples, or fewer than two classes.
    """
    splits, notes = dict(dataset.splits), list(dataset.notes)
    _check_classes(dataset, splits["train"])
    if "test" not in splits and "validation" not in splits:
        splits["train"], splits["test"] = _held_out(splits["train"], "test", data.test_share, data.split_seed)
        notes.append(_share_note("Test", len(splits["test"]), data.split_seed))
    if "validation" not in splits:
        if data.validation_share:
            splits["train"], splits["validation"] = _held_out(
                splits["train"], "validation", data.validation_share, data.split_seed + 1
            )
            notes.append(_share_note("Validation", len(splits["validation"]), data.split_seed))
        else:
            splits["validation"] = dataclasses.replace(splits["test"], name="validation")
            notes.append("Validation is the test split: its metrics choose the best epoch, so they flatter a little.")
    if data.without:
        splits = without(splits, data.without, dataset.title)
        notes.append(f"Left out by the recipe (data.without): {len(set(data.without)):,} images.")
    for name in splits:
        limit = getattr(data.limits, name)
        if data.balanced:
            chosen, missing = balance(splits[name].labels, limit)
            if limit and len(chosen) < limit:
                notes.append(
                    f"{name.capitalize()}: {len(chosen)} of the {limit} samples asked for, because the "
                    f"rarest group has no more."
                )
            if missing:
                notes.append(f"{name.capitalize()} has no sample of {missing} of the groups to be balanced.")
        else:
            chosen = first(splits[name].labels, limit)
        splits[name] = splits[name].take(chosen)
    dataset = dataclasses.replace(
        dataset, splits={name: splits[name] for name in recipe.SPLITS if name in splits}, notes=tuple(notes)
    )
    _check_classes(dataset, splits["train"])
    return dataset


def groups(labels: dict[str, np.ndarray]) -> np.ndarray:
    """Returns the number of each sample's combination of labels, int64 (n,), counted from 0 over those there are."""
    numbers = np.zeros(len(next(iter(labels.values()))), np.int64)
    for values in labels.values():
        numbers = numbers * (int(values.max(initial=0)) + 1) + values
        present = np.bincount(numbers) > 0
        numbers = (np.cumsum(present) - 1)[numbers]  # close the gaps, so that many heads don't overflow
    return numbers


def stratify(group: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Returns which samples are held out, bool (n,): `share` of all, and of every group as nearly as can be.

    Every group of two or more gives at least one and keeps at least one.
    """
    counts = np.bincount(group)
    total = max(1, round(share * len(group)))
    wanted = counts * share
    taken = np.floor(wanted).astype(np.int64)
    rest = np.argsort(taken - wanted, kind="stable")[: max(0, total - int(taken.sum()))]  # largest remainders first
    taken[rest] += 1
    taken = np.clip(taken, np.minimum(counts // 2, 1), np.maximum(counts - 1, 0))
    held = np.zeros(len(group), bool)
    rng = np.random.default_rng(seed)
    for number, count in enumerate(taken):
        members = np.flatnonzero(group == number)
        held[rng.permutation(members)[:count]] = True
    return held


def first(labels: dict[str, np.ndarray], limit: int | None) -> np.ndarray:
    """Returns the positions of the first `limit` samples, in order.

    Where samples lie class by class, as in folders, the first of each class in proportion are taken instead.
    """
    count = len(next(iter(labels.values())))
    if limit is None or limit >= count:
        return np.arange(count)
    group = groups(labels)
    if np.count_nonzero(np.diff(group)) != group.max():
        return np.arange(limit)
    sizes = np.bincount(group)
    block = np.concatenate([[0], np.cumsum(np.diff(group) != 0)])
    rank = np.arange(count) - np.searchsorted(block, block)
    return np.sort(np.argsort((rank + 0.5) / sizes[group], kind="stable")[:limit])


def balance(labels: dict[str, np.ndarray], limit: int | None) -> tuple[np.ndarray, int]:
    """Returns the positions of the first k samples of every group, in order, and how many possible groups are empty.

    k is the size of the smallest group, at most `limit` // number of groups (at least 1).
    """
    group = groups(labels)
    sizes = np.bincount(group)
    each = int(sizes.min()) if limit is None else min(int(sizes.min()), max(1, limit // len(sizes)))
    chosen = np.concatenate([np.flatnonzero(group == number)[:each] for number in range(len(sizes))])
    possible = int(np.prod([len(np.unique(values)) for values in labels.values()]))
    return np.sort(chosen), possible - len(sizes)


def _held_out(split: Split, name: str, share: float, seed: int) -> tuple[Split, Split]:
    """Splits by all heads together, or by the first alone where some combination is too rare for that."""
    group = groups(split.labels)
    if np.bincount(group).min() < 2:
        group = groups(dict(list(split.labels.items())[:1]))
    if np.bincount(group).min() < 2:
        head, labels = next(iter(split.labels.items()))
        rare = int(labels[group == np.bincount(group).argmin()][0])
        raise DataError(
            f"Class {rare} of {head} has one sample left to train on, so none can be held out for {name}: "
            f"give every class at least 3 images, or splits of its own."
        )
    held = stratify(group, share, seed)
    return split.take(np.flatnonzero(~held)), split.take(np.flatnonzero(held), name)


def _share_note(name: str, count: int, seed: int) -> str:
    return f"{name}: {count:,} samples held out from the training data, the same share of every class (seed {seed})."


def _check_classes(dataset: Dataset, train: Split) -> None:
    for head in dataset.heads:
        counts = np.bincount(train.labels[head.name], minlength=len(head.classes))
        if np.count_nonzero(counts) == 1 or len(head.classes) == 1:
            only = head.classes[int(counts.argmax())]
            raise DataError(
                f"All training samples of {dataset.name} are {only!r} ({head.name}): "
                f"a classifier needs samples of at least two classes."
            )
        if not counts.all():
            empty = head.classes[int(np.flatnonzero(counts == 0)[0])]
            raise DataError(
                f"{dataset.name} has no training sample of {empty!r} ({head.name}): "
                f"add some, remove the class, or raise the limit for train."
            )
