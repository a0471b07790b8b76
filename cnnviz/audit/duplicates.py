"""Images that are there more than once: byte for byte, or nearly; across splits they are leaks, with different labels
contradictions."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cnnviz.progress import CancelCheck, Progress, batches

if TYPE_CHECKING:  # Train asks for leaks without loading what measures images
    from scipy.sparse import coo_array

    from cnnviz.audit.measurements import Measurements
    from cnnviz.audit.pool import Pool

__all__ = [
    "CORRELATION",
    "HAMMING",
    "MOST_PAIRS",
    "SMALL",
    "Twins",
    "contradictions",
    "exact_groups",
    "leaks",
    "near_pairs",
    "twins",
]

CORRELATION = 0.97
"""Two images are near duplicates where their grey 32 × 32 thumbnails correlate so much at least …"""
HAMMING = 10
"""… and their perceptual hashes (pHash of 64 bits, library imagehash) differ in so many bits at most."""
SMALL = 32, 0.995
"""Of images of so many pixels a side, a thumbnail is the whole: two different ones correlate more easily."""
MOST_PAIRS = 1_000_000
"""Of more pairs only so many are kept as hold their groups together: 5,000 alike images have 12 millions."""
_BLOCK, _CELLS, _ROWS = 256, 8_000_000, 10_000  # so many are compared at once: images, pairs, and pairs as a whole
_KEPT = 96  # of 1,024 principal components: what they leave out is bounded, so that no pair is lost


@dataclass(frozen=True, eq=False)
class Twins:
    """Groups of duplicates, each an ascending array of positions in the pool; of at least two images.

    `exact` groups are equal byte for byte. `near` groups have at least one pair that is not; exact duplicates of their
    images are in them too.
    """

    exact: tuple[np.ndarray, ...]
    near: tuple[np.ndarray, ...]


def twins(
    pool: Pool,
    measured: Measurements,
    *,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> Twins:
    """Returns all groups of duplicates of a pool's images."""
    first, same = np.unique(measured.digests, return_inverse=True)
    known = measured.digests != ""
    representatives = np.zeros(len(first), np.int64)
    representatives[same[::-1]] = np.arange(len(same))[::-1]
    chosen = representatives[measured.readable[representatives]]
    pairs = near_pairs(measured, chosen, progress=progress, cancelled=cancelled)
    links = np.stack([same[pairs[:, 0]], same[pairs[:, 1]]], axis=1)
    near = _groups(links, same, known)
    return Twins(exact_groups(measured.digests), near)


def exact_groups(digests: np.ndarray) -> tuple[np.ndarray, ...]:
    """Returns the groups of equal digests, of two images or more; "" is equal to none.

    >>> exact_groups(np.array(["a", "b", "a", "", ""]))
    (array([0, 2]),)
    """
    _, same, counts = np.unique(digests, return_inverse=True, return_counts=True)
    order = np.argsort(same, kind="stable")
    parts = np.split(order, np.cumsum(counts)[:-1])
    return tuple(sorted((part for part in parts if len(part) > 1 and digests[part[0]] != ""), key=lambda p: int(p[0])))


def near_pairs(
    measured: Measurements,
    chosen: np.ndarray,
    *,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> np.ndarray:
    """Returns the pairs of near duplicates among the `chosen` images, int64 (pairs, 2), the lower position first.

    Every pair is compared: by principal components first, with an upper bound of what they leave out, so that none is
    lost; then by whole thumbnails, then by perceptual hashes. Beyond `MOST_PAIRS`, pairs are left out whose images hang
    together by others.
    """
    from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
    from threadpoolctl import threadpool_limits

    if not len(chosen):
        return np.zeros((0, 2), np.int64)
    unit = measured.thumbnails[chosen].reshape(len(chosen), -1).astype(np.float32)
    unit -= unit.mean(axis=1, keepdims=True)
    unit /= np.maximum(np.sqrt(_squares(unit)), 1e-6)[:, None]
    table = measured.properties.iloc[chosen]
    small = (table[["width", "height"]].max(axis=1) <= SMALL[0]).to_numpy()
    limit = np.where(small, SMALL[1], CORRELATION).astype(np.float32)
    sample = unit[:: max(1, len(unit) // 10_000)]
    workers = os.cpu_count() or 1
    # A thread for each block: products that share threads wait long for them on a machine with other work.
    with threadpool_limits(1), ThreadPoolExecutor(workers) as threads:
        axes = np.linalg.eigh(sample.T @ sample)[1][:, -_KEPT:].astype(np.float32)
        short = unit @ axes
        left = np.sqrt(np.maximum(0, _squares(unit) - _squares(short)))
        bound = np.concatenate([short, left[:, None]], axis=1)
        least, count = float(limit.min()) - 1e-4, len(unit)
        size = max(1, min(_BLOCK, _CELLS // count))

        def candidates(start: int) -> tuple[np.ndarray, np.ndarray]:
            i, j = np.nonzero(bound[start : start + size] @ bound[start:].T >= least)
            return i[j > i] + start, j[j > i] + start

        hashes, hashed = np.zeros(count, np.uint64), np.zeros(count, bool)
        found, together = [np.zeros((0, 2), np.int64)], np.arange(count)
        starts, waiting = iter(range(0, count, size)), deque[Future[tuple[np.ndarray, np.ndarray]]]()
        for _ in batches(count, size, "Comparing images", progress, cancelled):
            while len(waiting) <= workers and (start := next(starts, None)) is not None:
                waiting.append(threads.submit(candidates, start))
            i, j = waiting.popleft().result()
            wanted = together[i] != together[j]
            i, j = i[wanted], j[wanted]
            for at in range(0, len(i), _ROWS):
                one, other = i[at : at + _ROWS], j[at : at + _ROWS]
                close = np.einsum("ij,ij->i", unit[one], unit[other]) >= np.minimum(limit[one], limit[other])
                one, other = one[close], other[close]
                new = np.unique(np.concatenate([one, other]))
                new = new[~hashed[new]]
                hashes[new], hashed[new] = _hashes(measured.thumbnails[chosen[new]]), True
                alike = np.bitwise_count(hashes[one] ^ hashes[other]) <= HAMMING
                found.append(np.stack([one[alike], other[alike]], axis=1))
            if sum(map(len, found)) > MOST_PAIRS:
                tree = minimum_spanning_tree(_graph(np.concatenate(found), count)).tocoo()
                found = [np.stack([tree.row, tree.col], axis=1).astype(np.int64)]
                together = connected_components(tree, directed=False)[1]
    return np.sort(chosen[np.concatenate(found)], axis=1)


def _squares(rows: np.ndarray) -> np.ndarray:
    """The sum of each row's squares, float32 (n,), without a copy of them all."""
    found: np.ndarray = np.einsum("ij,ij->i", rows, rows)
    return found


def _hashes(thumbnails: np.ndarray) -> np.ndarray:
    """The perceptual hashes, uint64 (n,)."""
    from imagehash import phash
    from PIL import Image

    bits = [phash(Image.fromarray(one)).hash.ravel() for one in thumbnails]
    return np.packbits(np.array(bits, bool).reshape(-1, 64), axis=1).view(np.uint64).ravel()


def _graph(links: np.ndarray, count: int) -> coo_array:
    from scipy.sparse import coo_array

    return coo_array((np.ones(len(links), np.float32), (links[:, 0], links[:, 1])), shape=(count, count))


def _groups(links: np.ndarray, same: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, ...]:
    """The images whose digests hang together by links."""
    from scipy.sparse.csgraph import connected_components

    if not len(links):
        return ()
    component = connected_components(_graph(links, int(same.max()) + 1), directed=False)[1]
    of_image = component[same]
    order = np.flatnonzero(np.isin(of_image, component[links[:, 0]]) & known)
    order = order[np.argsort(of_image[order], kind="stable")]
    groups = np.split(order, np.flatnonzero(np.diff(of_image[order])) + 1)
    return tuple(sorted(groups, key=lambda group: int(group[0])))


def leaks(groups: tuple[np.ndarray, ...], split: np.ndarray) -> dict[str, int]:
    """Returns for the validation and the test split how many of its images are in a group with one of training.

    >>> leaks((np.array([0, 2, 3]),), np.array(["train", "train", "test", "test"]))
    {'test': 2}
    """
    found = {name: 0 for name in ("test", "validation") if name in split}
    for group in groups:
        inside = split[group]
        if "train" in inside:
            for name in found:
                found[name] += int(np.count_nonzero(inside == name))
    return found


def contradictions(groups: tuple[np.ndarray, ...], labels: dict[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    """Returns for each head which groups have images of different labels.

    >>> contradictions((np.array([0, 1]), np.array([2, 3])), {"label": np.array([0, 1, 1, 1])})
    {'label': (0,)}
    """
    return {
        head: tuple(k for k, group in enumerate(groups) if len(np.unique(values[group])) > 1)
        for head, values in labels.items()
    }
