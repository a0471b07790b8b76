"""Do maps lie on the object? The pointing game, and the share of energy, where the object's mask is known.

The pointing game is that of Zhang et al. 2016 (Excitation Backprop, arXiv:1608.00507), without tolerance; the share of
energy that of Wang et al. 2020 (Score-CAM, arXiv:1910.01279).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnnviz.explain.metrics.deletion_insertion import over, resize_map
from cnnviz.progress import Cancelled

__all__ = ["Masked", "Pointing", "energy", "hit", "play"]

BATCH = 25
_SEED = 7


@dataclass(frozen=True, eq=False)
class Masked:
    """Images as a model sees them, uint8 (n, h, w, c), and the masks of their objects, bool (n, h, w)."""

    images: np.ndarray
    masks: np.ndarray


@dataclass(frozen=True)
class Pointing:
    """How often and how far a method's maps lie on the object, over many images; all shares are 0..1.

    Attributes:
        hits: the share of maps whose greatest value lies on the object; an empty map hits nothing.
        energy: the mean share of a map's sum that lies on the object; 0 for an empty map.
        area: the mean share of the image that the object covers: what a random position hits, and the energy that an
            even map has there.
        centre: the share of images whose centre lies on the object: what a map hits that always points there.
        empty: how many maps are empty.
        images: how many were predicted.
        seconds: how long it took.
        whole: whether these are all images that there are.
    """

    method: str
    hits: float
    energy: float
    area: float
    centre: float
    empty: int
    images: int
    seconds: float
    whole: bool = True


def hit(map_: np.ndarray, mask: np.ndarray) -> float:
    """Returns whether a map's greatest value lies on the object: 1 or 0, or the share where several are greatest.

    Args:
        map_: float (h', w'), at least 0; it is brought to the mask's size as the overlay is.
        mask: bool (h, w).
    """
    values = resize_map(map_, mask.shape)
    top = values.max()
    return float(mask[values >= top * (1 - 1e-6)].mean()) if top > 0 else 0.0


def energy(map_: np.ndarray, mask: np.ndarray) -> float:
    """Returns the share of a map's sum that lies on the object, 0..1; 0 for an empty map. Arguments as `hit`."""
    values = resize_map(map_, mask.shape)
    total = values.sum(dtype=np.float64)
    return float(values[mask].sum(dtype=np.float64) / total) if total > 0 else 0.0


def play(
    maps_of: Callable[[np.ndarray], np.ndarray],
    given: Masked,
    method: str,
    *,
    ends: float = float("inf"),
    progress: Callable[[int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Pointing | None:
    """Returns the figures of one method, or `None` where work ended before the first batch.

    Args:
        maps_of: float maps (n, h', w') of uint8 images (n, h, w, c).
        given: the images; they are predicted in a random order that is always the same, so that an early end
            leaves a fair part of them.
        method: its id, for the record.
        ends: when to end, in monotonic seconds.
        progress: called with how many images are done.
        cancelled: asked before each batch.
    """
    order = np.random.default_rng(_SEED).permutation(len(given.images))
    began, found = time.monotonic(), []
    for start in range(0, len(order), BATCH):
        if over(ends, cancelled):
            break
        rows = order[start : start + BATCH]
        try:
            maps = maps_of(given.images[rows])
        except Cancelled:
            break
        found += [
            (hit(map_, mask), energy(map_, mask), map_.max() <= 0)
            for map_, mask in zip(maps, given.masks[rows], strict=True)
        ]
        if progress is not None:
            progress(len(found))
    if not found:
        return None
    masks = given.masks[order[: len(found)]]
    height, width = masks.shape[1:]
    hits, energies, empty = np.array(found, np.float64).T
    return Pointing(
        method,
        float(hits.mean()),
        float(energies.mean()),
        float(masks.mean()),
        float(masks[:, height // 2, width // 2].mean()),
        int(empty.sum()),
        len(found),
        time.monotonic() - began,
        len(found) == len(order),
    )
