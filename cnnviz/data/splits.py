"""Which samples belong to which split: stratified shares, limits, balance."""

from __future__ import annotations

import dataclasses

import numpy as np

from cnnviz import recipe
from cnnviz.data import edits
from cnnviz.data.dataset import Dataset, Split
from cnnviz.errors import DataError

__all__ = ["arrange", "balance", "first", "folds", "groups", "lies_by_class", "stratify"]


def arrange(dataset: Dataset, data: recipe.Data) -> Dataset:
    """Returns the dataset with the splits that the recipe asks for: held-out shares, then images that are relabelled,
    moved or left out, then balance and limits.

    Data with a test split only gets a validation split from its training samples; data with neither gets both. The
    data's own splits change by `data.splits` alone, and by `data.fold`, which deals training and validation samples
    anew. What `data.splits` moves lies where it was moved to in every fold.

    Raises:
        DataError: too few samples, folds where the test split serves as validation, a class without training samples,
            fewer than two classes, or an image, class or split that the recipe names and the data doesn't have.
    """
    splits, notes = dict(dataset.splits), list(dataset.notes)
    _check_classes(dataset, splits["train"])
    if "test" not in splits and "validation" not in splits:
        splits["train"], splits["test"] = _held_out(splits["train"], "test", data.test_share, data.split_seed)
        notes.append(_share_note("Test", len(splits["test"]), data.split_seed))
    if data.fold is not None:
        splits["train"], splits["validation"] = _folded(dataclasses.replace(dataset, splits=splits), data)
        notes.append(
            f"Validation: {len(splits['validation']):,} samples, fold {data.fold[0]} of {data.fold[1]} of the training "
            f"and validation data, the same share of every class (seed {data.split_seed})."
        )
    elif "validation" not in splits:
        if data.validation_share:
            splits["train"], splits["validation"] = _held_out(
                splits["train"], "validation", data.validation_share, data.split_seed + 1
            )
            notes.append(_share_note("Validation", len(splits["validation"]), data.split_seed))
        else:
            splits["validation"] = dataclasses.replace(splits["test"], name="validation")
            notes.append("Validation is the test split: its metrics choose the best epoch, so they flatter a little.")
    by_class: dict[str, bool] = {}
    if data.without or data.labels or data.splits:
        splits, by_class = _edited(dataclasses.replace(dataset, splits=splits), data)
        changes = {
            "Relabelled by the recipe (data.labels)": edits.relabelled(data, dataset.heads),
            "Moved by the recipe (data.splits)": len(data.splits),
            "Left out by the recipe (data.without)": len(set(data.without)),
        }
        notes += [f"{what}: {count:,} images." for what, count in changes.items() if count]
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
            chosen = first(splits[name].labels, limit, by_class.get(name))
        splits[name] = splits[name].take(chosen)
    dataset = dataclasses.replace(
        dataset, splits={name: splits[name] for name in recipe.SPLITS if name in splits}, notes=tuple(notes)
    )
    _check_classes(dataset, splits["train"])
    return dataset


def _edited(dataset: Dataset, data: recipe.Data) -> tuple[dict[str, Split], dict[str, bool]]:
    """The splits with the recipe's edits of single images, and whether each lay class by class before."""
    places = edits.find(dataset.splits, data, dataset.title)
    splits = edits.leave_out(dataset.splits, [places[name] for name in data.without])
    by_class = {name: lies_by_class(split.labels) for name, split in splits.items()}
    if data.labels:
        splits = edits.relabel(splits, data.labels, places, dataset)
    if data.splits:
        splits = edits.move(splits, data.splits, places, dataset)
    for name, split in splits.items():
        if not len(split):
            whose = [key for key, names in {"data.without": data.without, "data.splits": data.splits}.items() if names]
            raise DataError(
                f"With the images of {' and '.join(whose)} gone from it, {dataset.title} has no {name} image left: "
                "take some back in."
            )
    return splits, by_class


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


def folds(group: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Returns the fold of each sample, int64 (n,) in 0..`count` - 1, drawn by a seed.

    Folds are as large as each other, and have as many samples of every group, but for one at most; as the stratified
    folds of scikit-learn's `StratifiedKFold` do.
    """
    order = np.random.default_rng(seed).permutation(len(group))
    order = order[np.argsort(group[order], kind="stable")]
    fold = np.empty(len(group), np.int64)
    fold[order] = np.arange(len(group)) % count  # dealt like cards, group after group
    return fold


def lies_by_class(labels: dict[str, np.ndarray]) -> bool:
    """Returns whether samples lie class by class, as in folders."""
    group = groups(labels)
    return bool(np.count_nonzero(np.diff(group)) == group.max(initial=0))


def first(labels: dict[str, np.ndarray], limit: int | None, by_class: bool | None = None) -> np.ndarray:
    """Returns the positions of the first `limit` samples, in order.

    Where samples lie class by class the first of each class in proportion are taken instead; `by_class` says whether
    they did before some were relabelled or moved.
    """
    count = len(next(iter(labels.values())))
    if limit is None or limit >= count:
        return np.arange(count)
    if not (lies_by_class(labels) if by_class is None else by_class):
        return np.arange(limit)
    group = groups(labels)
    sizes = np.bincount(group)
    order = np.argsort(group, kind="stable")
    rank = np.empty(count, np.int64)  # of each sample among those of its class
    rank[order] = np.arange(count) - np.repeat(np.cumsum(sizes) - sizes, sizes)
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
    group = _strata(split, 2)
    if np.bincount(group).min() < 2:
        head, labels = next(iter(split.labels.items()))
        rare = int(labels[group == np.bincount(group).argmin()][0])
        raise DataError(
            f"Class {rare} of {head} has one sample left to train on, so none can be held out for {name}: "
            f"give every class at least 3 images, or splits of its own."
        )
    held = stratify(group, share, seed)
    return split.take(np.flatnonzero(~held)), split.take(np.flatnonzero(held), name)


def _strata(split: Split, least: int) -> np.ndarray:
    """The groups that are divided alike: of all heads together, or of the first where one has fewer than `least`."""
    group = groups(split.labels)
    return group if np.bincount(group).min() >= least else groups(dict(list(split.labels.items())[:1]))


def _folded(dataset: Dataset, data: recipe.Data) -> tuple[Split, Split]:
    """Training and validation split of the recipe's fold."""
    assert data.fold is not None
    number, count = data.fold
    splits = dataset.splits
    if dataset.validates_on_test or ("validation" not in splits and not data.validation_share):
        raise DataError(
            f"Folds are of training and validation images, but the test split of {dataset.title} serves as validation: "
            "set data.validation_share above 0, or data.fold to null."
        )
    pool = splits["train"]
    if "validation" in splits:
        by_class = any(lies_by_class(splits[name].labels) for name in ("train", "validation"))
        pool = edits.join(splits, "train", "validation")
        if by_class:  # as `first` looks for it
            pool = pool.take(np.argsort(groups(pool.labels), kind="stable"))
    group = _strata(pool, count)
    if (fewest := int(np.bincount(group).min())) < count:
        head = dataset.head(next(iter(pool.labels)))
        rare = head.classes[int(pool.labels[head.name][group == np.bincount(group).argmin()][0])]
        images = f"{fewest} training and validation image{'s' * (fewest != 1)}"
        raise DataError(
            f"{dataset.title} has {images} of {rare!r} ({head.name}), "
            f"too few for {count} folds: give every class at least {count}, or choose fewer folds."
        )
    held = folds(group, count, data.split_seed + 1) == number - 1
    return pool.take(np.flatnonzero(~held)), pool.take(np.flatnonzero(held), "validation")


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
