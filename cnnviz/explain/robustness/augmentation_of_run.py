"""How a run's model survives a step on held-out images: measured once, then read from the run's folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz.data import open_dataset, prepare
from cnnviz.errors import DataError
from cnnviz.explain.robustness.augmentation import Changes, changes
from cnnviz.policy import Policy, Step
from cnnviz.progress import CancelCheck, Progress, check_cancelled
from cnnviz.runs import Run, recipe_of, results_cache

__all__ = ["LIMIT", "cached_changes", "measure"]

LIMIT = 500
"""At most this many held-out images are predicted, evenly from the whole split."""


def cached_changes(run: Run, step: Step, strengths: Sequence[float], policy: Policy) -> Changes | None:
    """Returns what `measure` has found before for this model, or `None`."""
    return results_cache.read_record(_place(run, step, strengths, policy), Changes)


def measure(
    run: Run,
    model: Callable[..., Any],
    step: Step,
    strengths: Sequence[float],
    policy: Policy,
    *,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
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
    recipe = recipe_of(run, "its images can't be opened", DataError)
    dataset = open_dataset(recipe.data, [head.name for head in recipe.network.heads], progress=progress)
    split = dataset.splits.get("test") or dataset.splits["validation"]
    rows = np.unique(np.linspace(0, len(split) - 1, min(LIMIT, len(split))).round().astype(np.int64))
    split = split.take(rows)
    whole = step.type == "random_crop"
    images = prepare(split, recipe.data, whole=whole, progress=progress, cancelled=cancelled)
    check_cancelled(cancelled)
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
        progress=progress,
        cancelled=cancelled,
    )
    results_cache.write_record(_place(run, step, strengths, policy), found)
    return found


def _place(run: Run, step: Step, strengths: Sequence[float], policy: Policy) -> Path:
    values = [float(f"{value:.9g}") for value in strengths]
    fill = [policy.fill_mode, policy.fill_value]
    return results_cache.place(run, "survival", 1, step=step.type, values=values, fill=fill, limit=LIMIT)
