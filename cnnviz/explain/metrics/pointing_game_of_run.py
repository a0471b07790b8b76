"""Do a run's maps lie on the object? Measured over its whole test split, then read from the run's folder.

Importing this loads no TensorFlow.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz import images
from cnnviz.data import open_dataset
from cnnviz.errors import DataError
from cnnviz.explain.attribution.explain import explain
from cnnviz.explain.attribution.registry import METHODS
from cnnviz.explain.attribution.targets import Target
from cnnviz.explain.metrics.deletion_insertion import over
from cnnviz.explain.metrics.pointing_game import Masked, Pointing, play
from cnnviz.files import read_json
from cnnviz.recipe import Recipe
from cnnviz.runs import Run, recipe_of, results_cache

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = ["cached_pointing", "has_masks", "masked_images", "measure"]

_VERSION = 1

Progress = Callable[[str, int, int], None]


def has_masks(recipe: Recipe | None) -> bool:
    """Returns whether the data that a recipe names comes with its objects' masks, without opening it."""
    return recipe is not None and recipe.data.dataset == "shapes"


def masked_images(recipe: Recipe, progress: Progress | None = None) -> Masked:
    """Returns the whole test split (validation's where there is none) with its masks.

    Raises:
        DataError: the data can't be opened or has no masks.
    """
    data = recipe.data
    dataset = open_dataset(data, [head.name for head in recipe.network.heads], progress=progress)
    split = dataset.splits.get("test") or dataset.splits["validation"]
    given = [mask for nth in range(len(split)) if (mask := split.mask(nth)) is not None]
    if not given or len(given) < len(split):
        raise DataError(f"The images of {dataset.title} have no masks: only those of shapes have.")
    size, crop = data.image_size, data.crop
    fitted = [images.fit(split.image(nth), size, channels=data.channels, crop=crop) for nth in range(len(split))]
    masks = [
        images.fit(mask[..., None].astype(np.uint8) * 255, size, channels=1, crop=crop)[..., 0] > 127 for mask in given
    ]
    return Masked(np.stack(fitted), np.stack(masks))


def cached_pointing(run: Run, method: str, head: str, layer: str | None) -> Pointing | None:
    """Returns what `measure` has found before for this model, or `None`."""
    found = read_json(_path(run, method, head, layer))
    try:
        return Pointing(**found)
    except TypeError:
        return None


def measure(
    run: Run,
    classifier: Classifier,
    methods: Sequence[str],
    *,
    head: str,
    layers: dict[str, str | None],
    given: Masked | None = None,
    budget: float = 300.0,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    lock: AbstractContextManager[Any] | None = None,
) -> dict[str, Pointing]:
    """Returns the figures of methods over the run's whole test split; what the model predicts is explained.

    What is whole is kept in the run's folder under `trust/`.

    Args:
        run: whose recipe names the data.
        classifier: its model.
        methods: ids of `registry.METHODS`, in the order in which they are measured.
        head: the name of the head whose predictions are explained.
        layers: for each method its layer, or `None` where it needs none.
        given: the images where they are at hand already, see `masked_images`.
        budget: seconds. What is done by then is returned, the last of it over a part of the images.
        progress: called with what is being done, how much is done and how much there is.
        cancelled: asked now and then; what is done by then is returned.
        lock: held while TensorFlow works, for a batch at a time.

    Raises:
        DataError: see `masked_images`.
        ModelError: see `explain.explain`.
    """
    ends, lock = time.monotonic() + budget, lock or nullcontext()
    found = {
        method: done for method in methods if (done := cached_pointing(run, method, head, layers[method])) is not None
    }
    missing = [method for method in methods if method not in found]
    if not missing:
        return found
    if not given:
        given = masked_images(recipe_of(run, "its images can't be opened", DataError), progress)
    number = [one.name for one in classifier.heads].index(head)

    def stop() -> bool:
        return bool(over(ends, cancelled))

    for method in missing:

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

        def say(done: int, method: str = method) -> None:
            if progress is not None:
                progress(f"{METHODS[method].title} on test images", done, len(given.images))

        say(0)
        made = play(maps_of, given, method, ends=ends, progress=say, cancelled=cancelled)
        if made is not None:
            found[method] = made
            if made.whole:
                results_cache.write_record(_path(run, method, head, layers[method]), asdict(made))
        if over(ends, cancelled):
            break
    return {method: found[method] for method in methods if method in found}


def _path(run: Run, method: str, head: str, layer: str | None) -> Path:
    """Named by all that the result depends on, the model's content among it."""
    try:
        status = run.best_path.stat()
        model = _digest(run.best_path, status.st_mtime_ns, status.st_size)
    except OSError:
        model = ""
    data = run.recipe.data.model_dump(mode="json") if run.recipe is not None else None
    key = json.dumps([_VERSION, method, head, layer, data, model], sort_keys=True)
    return run.folder / "trust" / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"


@lru_cache(maxsize=32)
def _digest(path: Path, modified: int, size: int) -> str:
    """Of a model's file; unlike its time it stays the same where the run is copied or checked out."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
