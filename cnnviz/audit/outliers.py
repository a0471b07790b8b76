"""Odd ones: images that differ from all others in their properties or features, and those that can't be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnviz.audit.measurements import Features, Measurements
from cnnviz.audit.pool import Pool

__all__ = ["KINDS", "Outlier", "imbalance", "outliers"]

KINDS = {
    "unreadable": "can't be read",
    "dark": "99 of 100 pixels below 64",
    "bright": "99 of 100 pixels above 200",
    "flat": "grey values hardly differ: standard deviation below 8",
    "blurred": "far less sharp than the others",
    "grey": "grey among colour images",
    "odd size": "three times the median area, or a third of it",
    "odd aspect": "twice the median of width over height, or half of it",
    "unlike others": "features far from those of any other image",
}
"""What an image may be, and what that means."""
_Z, _NEIGHBOURS = 4.0, 10
_MEGABYTES = 128  # of distances at once; scikit-learn takes a gigabyte and more of its own accord


@dataclass(frozen=True)
class Outlier:
    """An image that differs: its position in the pool, one of `KINDS` and the property's value.

    `score` orders those of a kind, the oddest highest.
    """

    image: int
    kind: str
    value: float
    score: float


def outliers(pool: Pool, measured: Measurements, found: Features | None) -> list[Outlier]:
    """Returns the odd ones, kind by kind as in `KINDS`, the oddest of each first.

    Args:
        pool: the images.
        measured: what was measured of them.
        found: their features; `None` leaves out "unlike others".
    """
    table = measured.properties
    readable = measured.readable
    column = {name: table[name].to_numpy() for name in ("darkest", "brightest", "contrast", "saturation", "sharpness")}
    width, height = table["width"].to_numpy(), table["height"].to_numpy()
    made: list[Outlier] = [Outlier(int(i), "unreadable", 0.0, 0.0) for i in np.flatnonzero(~readable)]
    made += _those(readable & (column["brightest"] < 64), "dark", column["brightest"], -column["brightest"])
    made += _those(readable & (column["darkest"] > 200), "bright", column["darkest"], column["darkest"])
    made += _those(readable & (column["contrast"] < 8), "flat", column["contrast"], -column["contrast"])
    if not readable.any():
        return made
    if np.median(np.maximum(width, height)[readable]) > 32:
        z = -_deviation(np.log(np.maximum(column["sharpness"], 0.1)), readable, 0.2)
        made += _those(readable & (z > _Z), "blurred", column["sharpness"], z)
    grey = readable & (column["saturation"] < 2)
    if np.count_nonzero(grey) <= 0.1 * np.count_nonzero(readable):
        made += _those(grey, "grey", column["saturation"], -column["saturation"])
    wide, high = np.maximum(width, 1).astype(float), np.maximum(height, 1).astype(float)
    for kind, values, times in (("odd size", wide * high, 3.0), ("odd aspect", wide / high, 2.0)):
        logs = np.log(values)
        far, factor = np.abs(_deviation(logs, readable, 0.05)), np.exp(np.abs(logs - float(np.median(logs[readable]))))
        made += _those(readable & (far > _Z) & (factor > times), kind, values, factor)
    return made + (list(_unlike(found)) if found is not None else [])


def _those(mask: np.ndarray, kind: str, values: np.ndarray, scores: np.ndarray) -> list[Outlier]:
    at = np.flatnonzero(mask)
    at = at[np.argsort(-scores[at], kind="stable")]
    return [Outlier(int(i), kind, float(values[i]), float(scores[i])) for i in at]


def _deviation(values: Any, readable: Any = slice(None), least: float = 1e-9) -> Any:
    """How many robust standard deviations (1.4826 times the median absolute deviation, or `least`) from the median."""
    median = float(np.median(values[readable]))
    spread = 1.4826 * float(np.median(np.abs(values[readable] - median)))
    return (values - median) / max(spread, least)


def _unlike(found: Features) -> Iterator[Outlier]:
    """By the mean cosine distance to the ten nearest images (Ramaswamy, Rastogi & Shim 2000)."""
    from sklearn import config_context
    from sklearn.neighbors import NearestNeighbors

    count = min(_NEIGHBOURS, len(found.matrix) - 1)
    if count < 1:
        return
    known = NearestNeighbors(n_neighbors=count + 1, metric="cosine").fit(found.matrix)
    with config_context(working_memory=_MEGABYTES):
        distances, _ = known.kneighbors(found.matrix)
    mean = distances[:, 1:].mean(axis=1)
    z = _deviation(mean, least=1e-3)  # where nearly all are alike, or have copies, less means nothing
    for k in np.argsort(-z, kind="stable")[: np.count_nonzero(z > _Z)]:
        yield Outlier(int(found.kept[k]), "unlike others", float(mean[k]), float(z[k]))


def imbalance(pool: Pool) -> list[str]:
    """Returns sentences on classes that are rare, and on splits whose classes have other shares than training's."""
    said = []
    train = pool.split == "train"
    for head in pool.dataset.heads:
        labels, count = pool.labels[head.name], len(head.classes)
        shares = np.bincount(labels[train], minlength=count) / max(1, int(train.sum()))
        rare = int(shares.argmin())
        if shares[rare] * count < 0.5:
            said.append(
                f"{head.classes[rare]} ({head.name}) is {shares[rare]:.1%} of the training images; an even share would "
                f"be {1 / count:.1%}."
            )
        for name in ("validation", "test"):
            inside = pool.split == name
            if not inside.any():
                continue
            other = np.bincount(labels[inside], minlength=count) / np.count_nonzero(inside)
            error = np.sqrt(shares * (1 - shares) / np.count_nonzero(inside))
            most = int(np.abs(other - shares).argmax())
            if abs(other[most] - shares[most]) > max(0.05, 4 * error[most]):
                said.append(
                    f"{head.classes[most]} ({head.name}) is {other[most]:.1%} of the {name} images but "
                    f"{shares[most]:.1%} of the training images."
                )
    return said
