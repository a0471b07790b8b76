"""Shortcuts: a property that alone predicts a class, such as brightness, size or a mark in a corner.

A classifier may learn it instead of what the images show (Geirhos et al. 2020, "Shortcut learning in deep neural
networks").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cnnviz.audit.label_errors import folds
from cnnviz.audit.measurements import PLACES
from cnnviz.audit.pool import drawn

__all__ = ["ALARM", "PROPERTIES", "SMALL", "Shortcut", "shortcuts"]

ALARM = 0.88
"""Balanced accuracy from which on a property counts as a shortcut, where guessing has 0.5."""
PROPERTIES: dict[str, tuple[str, ...]] = {
    "brightness": ("brightness", "darkest", "brightest"),
    "contrast": ("contrast",),
    "saturation": ("saturation",),
    "sharpness": ("sharpness",),
    "image size": ("width", "height"),
    "aspect": ("aspect",),
    "file size": ("bytes",),
    "file format": ("format",),
    "camera": ("camera",),
    **{place: tuple(f"{place} {k}" for k in range(4)) for place in PLACES},
}
"""What is looked at together, by the columns of `Measurements.properties`; `aspect` is width over height."""
SMALL = 32
"""Pixels of a side up to which an image is small."""
_DEPTH, _LEAST_LEAF, _MOST = 3, 5, 20_000
_ASKED, _BINS = 12, 16  # of more classes only those are asked about that stand out most in a histogram


@dataclass(frozen=True)
class Shortcut:
    """A property that tells a class from all others, without anything else of the image.

    `balanced_accuracy` is the mean of the recall of the class and of all others, out of fold; guessing has 0.5.
    """

    property: str
    head: str
    label: str
    balanced_accuracy: float


def shortcuts(
    properties: pd.DataFrame,
    labels: np.ndarray,
    groups: np.ndarray,
    head: str,
    classes: tuple[str, ...],
    least: float = ALARM,
) -> list[Shortcut]:
    """Returns the shortcuts to a head's classes, the surest first: for each property the class that it tells best, by a
    decision tree of depth 3 that is asked about images it did not see.

    Args:
        properties: of images that could be read, see `Measurements`.
        labels: int64 (n,).
        groups: of each image the number of its group of duplicates, which stay in one fold.
        head: the head's name.
        classes: its classes.
        least: the balanced accuracy from which on it is one.
    """
    if len(labels) > _MOST:
        chosen = drawn(len(labels), _MOST)
        properties, labels, groups = properties.iloc[chosen], labels[chosen], groups[chosen]
    present = [int(one) for one in np.unique(labels) if len(np.unique(groups[labels == one])) >= _LEAST_LEAF]
    if len(present) < 2:
        return []
    parts, found = folds(labels, groups), []
    for name, values in _columns(properties):
        asked = _standing_out(values, labels, present)
        if len(present) == 2:  # both are told alike; named is the one that is more alike in it, as a marked one is
            spread = [values[labels == one].std(axis=0).sum() for one in present]
            asked = [present[int(np.argmin(spread))]]
        scores = {one: _score(values, labels == one, parts) for one in asked}
        best = max(scores, key=lambda one: scores[one])
        if scores[best] >= least:
            found.append(Shortcut(name, head, classes[best], scores[best]))
    return sorted(found, key=lambda one: -one.balanced_accuracy)


def _columns(properties: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """Each property that differs between images, as numbers (n, k)."""
    table = properties.assign(aspect=properties["width"] / properties["height"])
    small = properties[["width", "height"]].max(axis=1).median() <= SMALL
    for name, columns in PROPERTIES.items():
        if name == "sharpness" and small:
            continue  # every edge of so small an image is the object's own
        part = table[list(columns)]
        if name in ("file format", "camera"):
            part = part.apply(lambda column: pd.factorize(column, sort=True)[0])
        values = part.to_numpy(np.float32)
        if len(np.unique(values, axis=0)) > 1:
            yield name, values


def _standing_out(values: np.ndarray, labels: np.ndarray, present: list[int]) -> list[int]:
    """The classes whose histogram of one column has the least in common with that of all other images."""
    if len(present) <= _ASKED:
        return present
    apart = np.zeros(len(present))
    for column in values.T:
        edges = np.quantile(column, np.arange(1, _BINS) / _BINS)
        bins = np.searchsorted(edges, column) + np.searchsorted(edges, column, "right")  # an edge is a bin of its own
        counts = np.bincount(labels * 2 * _BINS + bins, minlength=(labels.max() + 1) * 2 * _BINS)
        counts = counts.reshape(-1, 2 * _BINS)
        own, rest = counts[present], counts.sum(axis=0) - counts[present]
        shares = own / own.sum(axis=1, keepdims=True) - rest / rest.sum(axis=1, keepdims=True)
        apart = np.maximum(apart, np.abs(shares).sum(axis=1))
    return [present[k] for k in np.argsort(-apart, kind="stable")[:_ASKED]]


def _score(values: np.ndarray, wanted: np.ndarray, parts: list[np.ndarray]) -> float:
    from sklearn.tree import DecisionTreeClassifier

    told = np.zeros(len(wanted), bool)
    for held_out in parts:
        rest = np.setdiff1d(np.arange(len(wanted)), held_out)
        tree = DecisionTreeClassifier(
            max_depth=_DEPTH, min_samples_leaf=_LEAST_LEAF, class_weight="balanced", random_state=0
        )
        told[held_out] = tree.fit(values[rest], wanted[rest]).predict(values[held_out])
    return float((told[wanted].mean() + (~told[~wanted]).mean()) / 2)
