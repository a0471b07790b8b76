"""What excites a layer's channels in the run's own data, and what is lost without them: found once, then read from the
run's folder.

Importing this loads no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz.data import open_dataset, prepare
from cnnviz.errors import DataError
from cnnviz.explain.inspection.top_activations import TOP, Ablation, Samples, TopActivations, ablate, top_activations
from cnnviz.progress import CancelCheck, Progress, check_cancelled
from cnnviz.runs import Run, recipe_of, results_cache

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = [
    "LIMIT",
    "ablation_of_run",
    "cached_ablation",
    "cached_top_activations",
    "samples",
    "top_activations_of_run",
]

LIMIT = 600
"""At most this many held-out images are shown to the model, evenly from the whole split."""


def samples(
    run: Run, *, limit: int = LIMIT, progress: Progress | None = None, cancelled: CancelCheck | None = None
) -> Samples:
    """Returns images of the run's test split (validation's where it has none), evenly from the whole split.

    Raises:
        DataError: its data can't be opened, or none of the images can be read.
        Cancelled: `cancelled` said so.
    """
    recipe = recipe_of(run, "its images can't be opened", DataError)
    dataset = open_dataset(recipe.data, [head.name for head in recipe.network.heads], progress=progress)
    split = dataset.splits.get("test") or dataset.splits["validation"]
    split = split.take(np.unique(np.linspace(0, len(split) - 1, min(limit, len(split))).round().astype(np.int64)))
    check_cancelled(cancelled)
    found = prepare(split, recipe.data, progress=progress, cancelled=cancelled)
    if not len(found):
        raise DataError(f"None of the {len(split)} held-out images of {dataset.title} could be read.")
    assert found.array is not None  # images that aren't whole are of one size
    labels = {head: values[found.kept] for head, values in split.labels.items()}
    return Samples(found.array, labels, tuple(split.name_of(int(row)) for row in found.kept))


def cached_top_activations(run: Run, layer: str, limit: int = LIMIT) -> TopActivations | None:
    """Returns what `top_activations_of_run` found before for this run's model and a `limit` of samples, or `None`."""
    found = results_cache.read(_place(run, limit, layer=layer, top=TOP)) or {}
    try:
        values, rows, positions, count = (found[name] for name in ("values", "rows", "positions", "images"))
        return TopActivations(values, rows, positions, _by_head(found, "class_"), int(count))
    except (KeyError, TypeError, ValueError):
        return None


def top_activations_of_run(
    run: Run, classifier: Classifier, layer: str, given: Samples, *, limit: int = LIMIT, **how: Any
) -> TopActivations:
    """As `top_activations`, kept in the run's folder under `excited/`; `given` are `samples` of the run by `limit`."""
    if (found := cached_top_activations(run, layer, limit)) is not None:
        return found
    found = top_activations(classifier, layer, given, **how)
    arrays = {"values": found.values, "rows": found.rows, "positions": found.positions}
    arrays |= {f"class_{head}": means for head, means in found.by_class.items()} | {"images": np.array(found.images)}
    results_cache.write(_place(run, limit, layer=layer, top=TOP), arrays)
    return found


def cached_ablation(run: Run, layer: str, channels: Sequence[int], limit: int = LIMIT) -> Ablation | None:
    """Returns what `ablation_of_run` found before for this run's model and a `limit` of samples, or `None`."""
    found = results_cache.read(_place(run, limit, layer=layer, off=_chosen(channels))) or {}
    try:
        accuracy = {head: (float(pair[0]), float(pair[1])) for head, pair in _by_head(found, "accuracy_").items()}
        return Ablation(accuracy, _by_head(found, "class_"), int(found["images"]))
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def ablation_of_run(
    run: Run,
    classifier: Classifier,
    layer: str,
    channels: Sequence[int],
    given: Samples,
    *,
    limit: int = LIMIT,
    **how: Any,
) -> Ablation:
    """As `ablate`, kept in the run's folder under `excited/`; `given` are `samples` of the run by `limit`."""
    if (found := cached_ablation(run, layer, channels, limit)) is not None:
        return found
    found = ablate(classifier, layer, channels, given, **how)
    arrays = {f"accuracy_{head}": np.array(pair) for head, pair in found.accuracy.items()}
    arrays |= {f"class_{head}": pair for head, pair in found.by_class.items()} | {"images": np.array(found.images)}
    results_cache.write(_place(run, limit, layer=layer, off=_chosen(channels)), arrays)
    return found


def _place(run: Run, limit: int, **what: Any) -> Path:
    return results_cache.place(run, "excited", 1, limit=limit, **what)


def _chosen(channels: Sequence[int]) -> list[int]:
    return sorted({int(one) for one in channels})


def _by_head(found: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): values for name, values in found.items() if name.startswith(prefix)}
