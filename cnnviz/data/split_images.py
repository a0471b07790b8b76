"""Images at their working size: decoded and fitted once, kept in memory or, beyond a budget, in a file."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnviz import images, recipe
from cnnviz.augment import working
from cnnviz.data import disk_cache
from cnnviz.data.dataset import Split
from cnnviz.errors import DataError, ImageError
from cnnviz.policy import Policy, Step
from cnnviz.progress import CancelCheck, Progress, batches

__all__ = ["BUDGET", "SplitImages", "iterate_fitted", "on_demand", "prepare"]

BUDGET = 2 * 2**30
"""Bytes of decoded images that are kept in memory."""

_OWN_WINDOW = Policy(steps=(Step(type="random_crop", low=1, high=1),))
_CHUNK = 16  # images a task: enough to make the hand-over between threads cheap
Fitted = np.ndarray | str  # an image, or the sentence that says why there is none


@dataclass(frozen=True, eq=False)
class SplitImages:
    """A split's images, uint8 (height, width, channels).

    `array` holds them all, (n, height, width, channels), or is `None` where their sizes differ. `kept` says which
    samples of the split they are (int64, ascending); `skipped` names the others with the reason.
    """

    items: Sequence[np.ndarray] | np.ndarray
    array: np.ndarray | None
    kept: np.ndarray
    skipped: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> np.ndarray:
        return self.items[i]


def prepare(
    split: Split,
    data: recipe.Data,
    *,
    whole: bool = False,
    progress: Progress | None = None,
    budget: int = BUDGET,
    cancelled: CancelCheck | None = None,
) -> SplitImages:
    """Decodes and fits every image of a split once, on all cores; broken ones are left out and listed.

    Args:
        split: where they come from.
        data: the recipe's part with size, channels and crop.
        whole: keep whole images, scaled so that the largest window of the wanted aspect gets the wanted size, for
            augmentation that cuts its own window. Otherwise `images.fit` crops and resizes.
        progress: called with images done and in all.
        budget: bytes kept in memory; more go to a file in the cache folder, found again for the same files.
        cancelled: asked now and then; `True` ends the work.

    Raises:
        DataError: not one image can be decoded, or the disk is too full.
        Cancelled: `cancelled` said so.
    """
    ready = _as_they_are(split, data)
    if ready is not None:
        return SplitImages(ready, ready, np.arange(len(split)))
    total = int(len(split) * np.prod(data.input_shape) * (1.5 if whole else 1))
    done = iterate_fitted(split, data, whole, progress, cancelled)
    decoded = (
        disk_cache.on_disk(split, data, whole, total, done) if total > budget else _in_memory(split, data, whole, done)
    )
    if not len(decoded[0]):
        name, message = decoded[3][0]
        raise DataError(f"Not one of the {len(split)} images of {split.name} can be used; {name}: {message}")
    return SplitImages(*decoded)


def on_demand(split: Split, data: recipe.Data, kept: np.ndarray) -> SplitImages:
    """Returns the samples `kept` of a split as images that are decoded and fitted anew whenever they are asked for.

    Raises, when one is asked for:
        ImageError: its file can't be read any more.
    """
    return SplitImages(_OnDemand(split, data, kept), None, kept)


@dataclass(frozen=True, eq=False)
class _OnDemand(Sequence[np.ndarray]):
    split: Split
    data: recipe.Data
    kept: np.ndarray

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, i: int) -> np.ndarray:  # type: ignore[override]  # nobody takes slices
        found = _fit(self.split, self.data, False, int(self.kept[i]))
        if isinstance(found, str):
            raise ImageError(found)
        return found


def _as_they_are(split: Split, data: recipe.Data) -> np.ndarray | None:
    """The images of a split in memory that have the wanted size already; no copy where all are taken in order."""
    return None if data.crop == "face" else split.pixels(data.input_shape)


def _fit(split: Split, data: recipe.Data, whole: bool, i: int) -> Fitted:
    try:
        image = split.image(i)
    except ImageError as error:
        return str(error)
    if whole:
        return images.with_channels(working(image, _OWN_WINDOW, size=data.image_size), data.channels)
    return images.fit(image, data.image_size, channels=data.channels, crop=data.crop)


def iterate_fitted(
    split: Split, data: recipe.Data, whole: bool, progress: Progress | None, cancelled: CancelCheck | None
) -> Iterator[Fitted]:
    """Yields all images in order, or why there is none, worked on by as many threads as there are cores, a few chunks
    ahead of the reader. See `prepare`."""
    workers, count = os.cpu_count() or 1, len(split)

    def chunk(start: int) -> list[Fitted]:
        return [_fit(split, data, whole, i) for i in range(start, min(start + _CHUNK, count))]

    with ThreadPoolExecutor(workers) as pool:
        starts = iter(range(0, count, _CHUNK))
        waiting: deque[Future[list[Fitted]]] = deque()
        try:
            for _ in batches(count, _CHUNK, f"Decoding {split.name} images", progress, cancelled):
                while len(waiting) < 4 * workers and (start := next(starts, None)) is not None:
                    waiting.append(pool.submit(chunk, start))
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _in_memory(split: Split, data: recipe.Data, whole: bool, done: Iterator[Fitted]) -> tuple[Any, ...]:
    array = None if whole else np.empty((len(split), *data.input_shape), np.uint8)
    items: list[np.ndarray] = []
    rows: list[int] = []
    skipped: list[tuple[str, str]] = []
    for i, image in enumerate(done):
        if isinstance(image, str):
            skipped.append((split.name_of(i), image))
            continue
        if array is None:
            items.append(image)
        else:
            array[len(rows)] = image
        rows.append(i)
    if array is not None:
        array = array[: len(rows)]
    elif len({item.shape for item in items}) == 1:
        array = np.stack(items)
    return (items if array is None else array), array, np.array(rows, np.int64), tuple(skipped)
