"""Do a run's maps lie on the object? Measured over its whole test split, then read from the run's folder.

Importing this loads no TensorFlow.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz import images
from cnnviz.data import open_dataset
from cnnviz.errors import DataError
from cnnviz.explain.metrics.pointing_game import Masked, Pointing, pointing
from cnnviz.progress import Progress
from cnnviz.recipe import Recipe
from cnnviz.runs import Run, recipe_of, results_cache

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = ["cached_pointing", "has_masks", "masked_images", "measure"]


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
    return results_cache.read_record(_place(run, method, head, layer), Pointing)


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
    **how: Any,
) -> dict[str, Pointing]:
    """Returns the figures of methods over the run's whole test split; what is whole is kept under `trust/`.

    Args:
        run: whose recipe names the data.
        classifier: its model.
        methods: ids of `registry.METHODS`, in the order in which they are measured.
        head: the name of the head whose predictions are explained.
        layers: for each method its layer, or `None` where it needs none.
        given: the images where they are at hand already, see `masked_images`.
        budget: seconds, the opening of the images among them.
        progress: called with what is being done, how much is done and how much there is.
        how: see `pointing_game.pointing`.

    Raises:
        DataError: see `masked_images`.
        ModelError: see `explain.explain`.
    """
    ends = time.monotonic() + budget
    known = {method: cached_pointing(run, method, head, layers[method]) for method in methods}
    found = {method: one for method, one in known.items() if one is not None}
    if missing := [method for method in methods if method not in found]:
        if not given:
            given = masked_images(recipe_of(run, "its images can't be opened", DataError), progress)
        how |= {"head": head, "layers": layers, "budget": ends - time.monotonic(), "progress": progress}
        for made in pointing(classifier, missing, given, **how):
            found[made.method] = made
            if made.whole:
                results_cache.write_record(_place(run, made.method, head, layers[made.method]), made)
    return {method: found[method] for method in methods if method in found}


def _place(run: Run, method: str, head: str, layer: str | None) -> Path:
    return results_cache.place(run, "trust", 1, method=method, head=head, layer=layer)
