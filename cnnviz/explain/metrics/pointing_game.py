"""Do maps lie on the object? The pointing game, and the share of energy, where the object's mask is known.

The pointing game is that of Zhang et al. 2016 (Excitation Backprop, arXiv:1608.00507), without tolerance; the share of
energy that of Wang et al. 2020 (Score-CAM, arXiv:1910.01279).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz.explain.attribution.explain import explain
from cnnviz.explain.attribution.registry import METHODS
from cnnviz.explain.attribution.targets import Target
from cnnviz.explain.metrics.deletion_insertion import over, resize_map
from cnnviz.progress import CancelCheck, Cancelled, Progress, batches

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = ["Masked", "Pointing", "energy", "hit", "play", "pointing"]

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
    what: str = "",
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> Pointing | None:
    """Returns the figures of one method, or `None` where work ended before the first batch.

    Args:
        maps_of: float maps (n, h', w') of uint8 images (n, h, w, c).
        given: the images; they are predicted in a random order that is always the same, so that an early end
            leaves a fair part of them.
        method: its id, for the record.
        what: what is said to be done.
        progress: called with that, how many images are done and how many there are.
        cancelled: asked before each batch; what is done by then counts.
    """
    order = np.random.default_rng(_SEED).permutation(len(given.images))
    began, found = time.monotonic(), []
    with suppress(Cancelled):
        for part in batches(len(order), BATCH, what, progress, cancelled):
            rows = order[part]
            maps = maps_of(given.images[rows])
            found += [
                (hit(map_, mask), energy(map_, mask), map_.max() <= 0)
                for map_, mask in zip(maps, given.masks[rows], strict=True)
            ]
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


def pointing(
    classifier: Classifier,
    methods: Sequence[str],
    given: Masked,
    *,
    head: str,
    layers: Mapping[str, str | None],
    budget: float = 300.0,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
    lock: AbstractContextManager[Any] | None = None,
) -> Iterator[Pointing]:
    """Yields the figures of one method after another; what the model predicts is explained.

    Args:
        classifier: the model.
        methods: ids of `registry.METHODS`.
        given: the images.
        head: the name of the head whose predictions are explained.
        layers: for each method its layer, or `None` where it needs none.
        budget: seconds. What is done by then is given, the last of it over a part of the images.
        progress: called with what is being done, how much is done and how much there is.
        cancelled: asked now and then; what is done by then is given.
        lock: held while TensorFlow works, for a batch at a time.

    Raises:
        ModelError: see `explain.explain`.
    """
    ends, lock = time.monotonic() + budget, lock or nullcontext()
    number = [one.name for one in classifier.heads].index(head)

    def stop() -> bool:
        return bool(over(ends, cancelled))

    for method in methods:

        def maps_of(images: np.ndarray, method: str = method) -> np.ndarray:
            with lock:
                predictions = classifier.predict(images)[number].argmax(axis=1)
                targets = [Target(number, int(index)) for index in predictions]
                return explain(
                    classifier.model,
                    classifier.pixels(images),
                    method=method,
                    target=targets,
                    layer=layers[method],
                    cancelled=stop,
                ).map

        what = f"{METHODS[method].title} on test images"
        if progress is not None:
            progress(what, 0, len(given.images))
        made = play(maps_of, given, method, what=what, progress=progress, cancelled=stop)
        if made is not None:
            yield made
        if stop():
            return
