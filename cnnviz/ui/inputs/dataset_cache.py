"""Datasets that pages have opened, kept for all of them, and images of theirs as PNG tiles."""

from __future__ import annotations

import time
from collections.abc import Sequence

import cv2
import numpy as np
import streamlit as st

from cnnviz import images
from cnnviz.augment.preview import display_size, image_bytes
from cnnviz.bounded_cache import BoundedCache
from cnnviz.data import Dataset, open_dataset
from cnnviz.data.compatibility import adapt
from cnnviz.data.dataset import Split
from cnnviz.errors import DataError, ImageError
from cnnviz.recipe import Data, Recipe
from cnnviz.ui.markdown import plain

__all__ = ["SMALL", "fitting", "kept_small_file", "open_with_progress", "small_file", "tile", "tiles"]

KEPT = 4
TILE = 96
SIDE, SMALL = 192, 48
"""Pixels of the longer side of a gallery's images, and up to which an image is shown as it is."""
PATIENCE_SECONDS = 0.2


@st.cache_resource(show_spinner=False)
def _cache() -> BoundedCache[Dataset]:
    """Streamlit's own cache can't show progress from inside a cached function."""
    return BoundedCache(KEPT)


def open_with_progress(data: Data, heads: Sequence[str] | None = None, *, anywhere: bool = False) -> Dataset:
    """Returns the dataset, with a progress bar in the calling container where opening it takes long.

    Paths must lie in the folders that pages may open, see `cnnviz.data.roots`; `anywhere` is for the data of runs that
    are there already, which may have been started from the command line.

    Raises:
        DataError: see `cnnviz.data.open_dataset`.
    """
    cache, name = _cache(), (data, tuple(heads) if heads else None, anywhere)
    if (known := cache.get(name)) is not None:
        return known
    place, began, shown = st.empty(), time.monotonic(), 0.0

    def progress(what: str, done: int, total: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - began < PATIENCE_SECONDS or now - shown < 0.1:
            return
        shown = now
        share = f" · {done:,} of {total:,}" if total else ""
        place.progress(min(1.0, done / total) if total else 0.0, f"{plain(what)}{share}")

    try:
        dataset = open_dataset(data, heads, progress=progress, anywhere=anywhere)
    except DataError:
        place.empty()
        raise
    place.empty()
    return cache.put(name, dataset)


def fitting(recipe: Recipe, *, anywhere: bool = False) -> tuple[Recipe, Dataset]:
    """Returns the recipe with heads that fit its data, and the dataset as the worker will open it.

    Args:
        recipe: its data and heads count.
        anywhere: as for `open_with_progress`.

    Raises:
        DataError: the data can't be opened, or it has fewer heads than the recipe.
    """
    try:
        dataset = open_with_progress(recipe.data, _names(recipe), anywhere=anywhere)
    except DataError:
        dataset = None
    if dataset is not None:
        return adapt(recipe, dataset), dataset
    recipe = adapt(recipe, open_with_progress(recipe.data, anywhere=anywhere))
    return recipe, open_with_progress(recipe.data, _names(recipe), anywhere=anywhere)


def _names(recipe: Recipe) -> list[str]:
    return [head.name for head in recipe.network.heads]


def tile(image: np.ndarray, side: int = TILE) -> bytes:
    """Returns an image as PNG, enlarged without smoothing to about `side` pixels so that small ones stay sharp."""
    if max(image.shape[:2]) > 2 * side:
        scale = 2 * side / max(image.shape[:2])
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = images.with_channels(cv2.resize(image, size, interpolation=cv2.INTER_AREA), image.shape[2])
    return images.to_png(images.enlarge(image, side // max(image.shape[:2])))


def small_file(split: Split, i: int) -> tuple[bytes, bool]:
    """Returns sample `i` of a split as the bytes of a small file, and whether it is to be enlarged without smoothing; a
    grey square where it can't be read."""
    try:
        image = split.image(i)
    except ImageError:  # it could be read when it was looked at first
        return image_bytes(np.full((SMALL, SMALL, 1), 128, np.uint8)), True
    if max(image.shape[:2]) <= SMALL:
        return image_bytes(image), True
    size = display_size(image.shape, SIDE)
    resized = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA).reshape(*size, image.shape[2])
    return image_bytes(resized), False


@st.cache_data(show_spinner=False, max_entries=400)
def kept_small_file(_dataset: Dataset, of: str, split: str, index: int) -> tuple[bytes, bool]:
    """Returns `small_file` of an image of a data set, kept for all sessions; `of` tells the data set from others."""
    return small_file(_dataset.splits[split], index)


@st.cache_data(show_spinner=False, max_entries=32)
def tiles(_dataset: Dataset, data: Data, heads: tuple[str, ...], count: int, skip: int) -> list[tuple[bytes, int]]:
    """Returns training images as the model will see them: PNG and position, the first head's classes in turn."""
    split = _dataset.splits["train"]
    made = []
    for position in split.spread(heads[0], count + skip)[skip:]:
        try:
            image = split.image(int(position))
        except ImageError:
            continue
        fitted = images.fit(image, data.image_size, channels=data.channels, crop=data.crop)
        made.append((tile(fitted), int(position)))
    return made
