"""Slices: parts of a split whose images have something in common, and how often one or two runs are right on each.

Who looks at thirty slices finds one that is worse by chance. So a slice is held against all other images by Fisher's
exact test (one-sided), and a change on it by McNemar's, both corrected for how many slices there are (Holm 1979).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cnnviz.runs.pairs import difference_interval, mcnemar

__all__ = [
    "LEAST",
    "ImageProperties",
    "Measured",
    "Slice",
    "bins",
    "clusters",
    "holm",
    "measure",
    "most_changed",
    "slices",
    "worst",
]

LEAST = 10
"""Slices of fewer images are shown, and neither tested nor named."""
ALPHA = 0.05
_CLUSTERS, _COMPONENTS = 6, 16


@dataclass(frozen=True, eq=False)
class ImageProperties:
    """What is known of a split's images beside their labels; what isn't is NaN, or -1 of a cluster.

    Attributes:
        brightness: mean grey value 0..255, float32 (n,).
        size: pixels of the longer side, as the image is in its file, float32 (n,).
        cluster: int64 (n,), see `clusters`.
        clustered: what the clusters are of, in words.
    """

    brightness: np.ndarray
    size: np.ndarray
    cluster: np.ndarray
    clustered: str

    def take(self, chosen: np.ndarray) -> ImageProperties:
        """Returns those of the images at these positions, in this order."""
        return ImageProperties(self.brightness[chosen], self.size[chosen], self.cluster[chosen], self.clustered)


@dataclass(frozen=True, eq=False)
class Slice:
    """Images that have something in common: of what kind that is, what it is, and their positions, int64 ascending."""

    kind: str
    name: str
    images: np.ndarray

    @property
    def title(self) -> str:
        """Such as "colour: red", by which it is found again."""
        return f"{self.kind}: {self.name}"


@dataclass(frozen=True, eq=False)
class Measured:
    """How right runs are on a slice.

    Attributes:
        slice: which.
        accuracies: of each run, 0..1.
        intervals: of each run's accuracy, Wilson's of 95 %.
        below: how probable it is that the last run has so many of its mistakes on the slice by chance, after Holm;
            `None` of a slice of fewer than `LEAST` images.
        change: of two runs the difference of the accuracies, second minus first, and its bootstrap interval of 95 %.
        changed: how probable so uneven a change is by chance, after Holm; `None` as `below`, and of a single run.
    """

    slice: Slice
    accuracies: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...]
    below: float | None
    change: tuple[float, float, float] | None = None
    changed: float | None = None

    @property
    def is_below(self) -> bool:
        """Whether the last run is worse on it than chance explains."""
        return self.below is not None and self.below < ALPHA

    @property
    def has_changed(self) -> bool:
        """Whether its accuracy changed more than chance explains."""
        return self.changed is not None and self.changed < ALPHA


def slices(
    head: str,
    labels: Mapping[str, np.ndarray],
    classes: Mapping[str, Sequence[str]],
    properties: ImageProperties | None = None,
) -> list[Slice]:
    """Returns the slices of a split, those of one kind in their order: by the head's class, the other heads' classes,
    brightness, size where it differs, and cluster. Empty ones are left out.

    Args:
        head: whose predictions are looked at.
        labels: for each head the true classes, int64 (n,).
        classes: for each head the classes' names.
        properties: of the same images, where they were measured.

    Example:
        >>> found = slices("label", {"label": np.array([1, 0, 1])}, {"label": ["cat", "dog"]})
        >>> [(one.title, one.images.tolist()) for one in found]
        [('class: cat', [1]), ('class: dog', [0, 2])]
    """
    found = []
    for name in (head, *(other for other in labels if other != head)):
        kind = "class" if name == head else name
        found += [Slice(kind, one, np.flatnonzero(labels[name] == k)) for k, one in enumerate(classes[name])]
    if properties is not None:
        found += [Slice("brightness", *one) for one in bins(properties.brightness, "darkest", "brightest")]
        found += [Slice("size", *one) for one in bins(properties.size, "smallest", "largest", " px")]
        for number in range(int(properties.cluster.max(initial=-1)) + 1):
            images = np.flatnonzero(properties.cluster == number)
            most = int(np.bincount(labels[head][images], minlength=1).argmax())
            found.append(Slice("cluster", f"{number + 1}, mostly {classes[head][most]}", images))
    return [one for one in found if len(one.images)]


def bins(values: np.ndarray, least: str, most: str, unit: str = "") -> list[tuple[str, np.ndarray]]:
    """Returns the quarters of images by a rounded number, each named by its range, with their positions, int64
    ascending. Each of up to four numbers is by itself; where many images have one number there are fewer parts, and
    none where all have it.

    Args:
        values: of each image, float (n,); NaN where it isn't known.
        least: what the images with the smallest values are.
        most: what those with the largest are.
        unit: what stands behind the numbers.

    Example:
        >>> bins(np.array([5.0, 1.0, 1.2, 9.0]), "darkest", "brightest")
        [('1, darkest', array([1, 2])), ('5', array([0])), ('9, brightest', array([3]))]
    """
    known = np.flatnonzero(np.isfinite(values))
    numbers = np.rint(values[known]).astype(np.int64)
    distinct = np.unique(numbers)
    if len(distinct) < 2:
        return []
    edges = distinct
    if len(distinct) > 4:
        edges = np.unique(np.quantile(numbers, [0.25, 0.5, 0.75, 1], method="inverted_cdf"))
        edges = edges if len(edges) > 1 else distinct[-2:]  # three quarters and more have the largest number
    which = np.searchsorted(edges, numbers)
    found = []
    for number in range(len(edges)):
        images = known[which == number]
        low, high = numbers[which == number].min(), numbers[which == number].max()
        word = {0: f", {least}", len(edges) - 1: f", {most}"}.get(number, "")
        found.append((f"{low}{unit}{word}" if low == high else f"{low}–{high}{unit}{word}", images))
    return found


def clusters(matrix: np.ndarray, count: int = _CLUSTERS) -> np.ndarray:
    """Returns the cluster of each row, int64 (n,), the largest is 0: k-means (scikit-learn, by a seed) of the first 16
    principal components. Of few rows there are fewer clusters, each of `2 * LEAST` rows on average at least.

    Args:
        matrix: float or uint8 (n, k).
        count: how many at most.

    Example:
        >>> clusters(np.repeat([[0.0], [9.0]], [25, 20], axis=0), 2).tolist() == [0] * 25 + [1] * 20
        True
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    count = min(count, len(matrix) // (2 * LEAST))
    if count < 2 or not np.ptp(matrix, axis=0).any():
        return np.zeros(len(matrix), np.int64)
    short = PCA(min(_COMPONENTS, *matrix.shape), random_state=0).fit_transform(matrix.astype(np.float32))
    found = KMeans(min(count, len(np.unique(short, axis=0))), n_init=4, random_state=0).fit_predict(short)
    by_size = np.argsort(-np.bincount(found), kind="stable")
    numbers: np.ndarray = np.argsort(by_size)[found]
    return numbers


def measure(parts: Sequence[Slice], right: Sequence[np.ndarray]) -> list[Measured]:
    """Returns how right one or two runs are on each slice: those first whose interval for the last run ends lowest, and
    slices of fewer than `LEAST` images last.

    Args:
        parts: the slices.
        right: for each run whether its prediction is right, bool (n,).
    """
    from scipy.stats import hypergeom

    last = right[-1]
    tested = [k for k, part in enumerate(parts) if len(part.images) >= LEAST]
    wrong = [np.count_nonzero(~last[parts[k].images]) for k in tested]
    below = holm(
        [
            float(hypergeom.sf(count - 1, len(last), np.count_nonzero(~last), len(parts[k].images)))
            for k, count in zip(tested, wrong, strict=True)
        ]
    )
    counts = [_changes(part.images, right) for part in parts] if len(right) > 1 else []
    changed = holm([mcnemar(*counts[k]) for k in tested]) if counts else []
    chances = dict(zip(tested, below, strict=True))
    changes = dict(zip(tested, changed, strict=True)) if counts else {}
    found = []
    for k, part in enumerate(parts):
        accuracies = tuple(float(run[part.images].mean()) for run in right)
        intervals = tuple(_wilson(int(run[part.images].sum()), len(part.images)) for run in right)
        change = None
        if counts:
            change = (accuracies[1] - accuracies[0], *difference_interval(*counts[k], len(part.images)))
        found.append(Measured(part, accuracies, intervals, chances.get(k), change, changes.get(k)))
    return sorted(found, key=lambda one: (one.below is None, one.intervals[-1][1], one.accuracies[-1]))


def worst(found: Sequence[Measured]) -> Measured | None:
    """Returns the first of those of `measure` that are worse than chance explains, else the first that was tested, else
    `None`."""
    tested = [one for one in found if one.below is not None]
    return next((one for one in tested if one.is_below), next(iter(tested), None))


def most_changed(found: Sequence[Measured]) -> Measured | None:
    """Returns the slice whose accuracy changed most among those where it did more than chance explains, or `None`."""
    surely = [one for one in found if one.has_changed]
    return max(surely, key=lambda one: abs(one.accuracies[1] - one.accuracies[0]), default=None)


def holm(values: Sequence[float]) -> list[float]:
    """Returns the p-values of several tests, in their order, corrected for their number (Holm 1979).

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(values, kind="stable")
    raised = np.maximum.accumulate(np.asarray(values, float)[order] * np.arange(len(order), 0, -1))
    found = np.empty(len(order))
    found[order] = np.minimum(raised, 1)
    return [float(one) for one in found]


def _changes(images: np.ndarray, right: Sequence[np.ndarray]) -> tuple[int, int]:
    first, second = right[0][images], right[1][images]
    return int((~first & second).sum()), int((first & ~second).sum())


def _wilson(right: int, count: int) -> tuple[float, float]:
    from scipy.stats import binomtest

    interval = binomtest(right, count).proportion_ci(0.95, "wilson")
    return float(interval.low), float(interval.high)
