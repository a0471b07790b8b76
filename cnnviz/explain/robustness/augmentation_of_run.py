"""How a run's model survives a step on held-out images: measured once, then read from the run's folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz.data import open_dataset, prepare
from cnnviz.errors import DataError
from cnnviz.explain.robustness.augmentation import Cancelled, Changes, changes
from cnnviz.files import read_json
from cnnviz.policy import Policy, Step
from cnnviz.runs import Run, recipe_of, results_cache

__all__ = ["LIMIT", "cached_changes", "measure"]

LIMIT = 500
"""At most this many held-out images are predicted, evenly from the whole split."""
_VERSION = 1

Progress = Callable[[str, int, int], None]


def cached_changes(run: Run, step: Step, strengths: Sequence[float], policy: Policy) -> Changes | None:
    """Returns what `measure` has found before for this model, or `None`."""
    found = read_json(_path(run, step, strengths, policy))
    try:
        found["values"] = tuple(found["values"])
        for name in ("changed", "accuracy"):
            found[name] = {head: tuple(fractions) for head, fractions in found[name].items()}
        return Changes(**found)
    except (TypeError, KeyError, AttributeError):
        return None


def measure(
    run: Run,
    model: Callable[..., Any],
    step: Step,
    strengths: Sequence[float],
    policy: Policy,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Changes:
    """Returns how predictions to the run's test images (validation's where it has no test split) change along the step.

    The result is kept in the run's folder under `survival/`.

    Args:
        run: whose recipe names the data.
        model: its model, see `probabilities.predict`.
        step: its type is carried out.
        strengths: the values.
        policy: where the fill mode comes from.
        progress: called with what is being done, how much is done and how much there is.

    Raises:
        DataError: its data can't be opened.
        RecipeError: see `augmentation.changes`.
        Cancelled: `cancelled` said so; nothing is kept.
    """
    if (found := cached_changes(run, step, strengths, policy)) is not None:
        return found
    recipe, say = recipe_of(run, "its images can't be opened", DataError), progress or (lambda what, done, total: None)
    dataset = open_dataset(recipe.data, [head.name for head in recipe.network.heads], progress=progress)
    split = dataset.splits.get("test") or dataset.splits["validation"]
    rows = np.unique(np.linspace(0, len(split) - 1, min(LIMIT, len(split))).round().astype(np.int64))
    split = split.take(rows)
    whole = step.type == "random_crop"
    images = prepare(split, recipe.data, whole=whole, progress=progress, cancelled=cancelled)
    if cancelled is not None and cancelled():
        raise Cancelled
    if not len(images):
        raise DataError(f"None of the {len(split)} held-out images of {dataset.name} could be read.")
    labels = {head: values[images.kept] for head, values in split.labels.items()}
    found = changes(
        model,
        images,
        labels,
        step,
        strengths,
        recipe,
        policy=policy,
        cancelled=cancelled,
        progress=lambda done, total: say("Predicting", done, total),
    )
    results_cache.write_record(_path(run, step, strengths, policy), asdict(found))
    return found


def _path(run: Run, step: Step, strengths: Sequence[float], policy: Policy) -> Path:
    """Named by all that the result depends on, the model's file among it."""
    try:
        status = run.best_path.stat()
        model = [status.st_mtime_ns, status.st_size]
    except OSError:
        model = []
    values = [float(f"{value:.9g}") for value in strengths]
    key = json.dumps([_VERSION, step.type, values, policy.fill_mode, policy.fill_value, LIMIT, model])
    return run.folder / "survival" / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
