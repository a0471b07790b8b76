"""Measuring a run's best model on a split: one pass over its images, every prediction kept."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

import keras
import numpy as np
import psutil

from cnnviz import __version__
from cnnviz.audit.notes import notes_on
from cnnviz.data import Dataset, pipeline
from cnnviz.data.compatibility import open_and_adapt
from cnnviz.data.edits import relabelled
from cnnviz.data.fingerprint import fingerprint
from cnnviz.data.split_images import SplitImages, prepare
from cnnviz.errors import DataError, RunError, one_of
from cnnviz.models.build.model import build
from cnnviz.models.probabilities import probabilities
from cnnviz.progress import CancelCheck, Progress, check_cancelled
from cnnviz.recipe import Recipe
from cnnviz.runs import Run, recipe_of
from cnnviz.runs import predictions as evaluated
from cnnviz.runs.predictions import Predictions
from cnnviz.runs.report import split_report
from cnnviz.runs.results_cache import model_digest
from cnnviz.runs.store import own_place

__all__ = ["environment", "evaluate", "evaluate_split", "facts_of", "losses_of", "of_logits", "report_of", "scoring"]

_PACKAGES = ("keras", "tensorflow", "numpy", "scikit-learn", "opencv-python-headless", "pillow")


def scoring(recipe: Recipe) -> keras.Model:
    """Returns the recipe's model with heads that give logits, so that no loss is lost to rounding; weights of the
    model itself fit it."""
    return build(of_logits(recipe))


def evaluate_split(
    model: keras.Model,
    recipe: Recipe,
    dataset: Dataset,
    name: str,
    images: SplitImages,
    *,
    stamp: str,
    data: str,
    began: float,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> Predictions:
    """Asks the model about all images of a split.

    Args:
        model: from `scoring`, with its weights.
        recipe: whose.
        dataset: where the split is.
        name: the split's.
        images: those of the split that could be read.
        stamp: of the model's file.
        data: the data's fingerprint.
        began: `time.perf_counter()` when the work began.
        progress: called with images done and in all.
        cancelled: asked now and then; `True` ends the work.

    Raises:
        Cancelled: `cancelled` said so.
    """
    split, heads = dataset.splits[name], of_logits(recipe).network.heads
    labels = {head.name: split.labels[head.name][images.kept] for head in heads}
    parts, done = [], 0
    for batch in _batches(images, labels, recipe):
        check_cancelled(cancelled)
        outputs = model.predict_on_batch(batch)
        parts.append([np.asarray(one) for one in (outputs if isinstance(outputs, (list, tuple)) else [outputs])])
        done += len(batch)
        if progress is not None:
            progress(f"Evaluating {name} images", done, len(images))
    logits = [np.concatenate(found) for found in zip(*parts, strict=True)]
    class_probabilities = probabilities(logits, heads)
    classes = {head.name: tuple(head.classes) for head in dataset.heads}
    return Predictions(
        split=name,
        stamp=stamp,
        data=data,
        indices=images.kept,
        labels=labels,
        probabilities={head.name: found for head, found in zip(heads, class_probabilities, strict=True)},
        losses={head.name: losses_of(found, labels[head.name]) for head, found in zip(heads, logits, strict=True)},
        classes={head.name: classes[head.name] for head in heads},
        same_as={"validation": "test", "test": "validation"}.get(name, "") if dataset.validates_on_test else "",
        seconds=round(time.perf_counter() - began, 3),
    )


def of_logits(recipe: Recipe) -> Recipe:
    """Returns the recipe with heads that give logits."""
    heads = tuple(head.of_logits for head in recipe.network.heads)
    return recipe.model_copy(update={"network": recipe.network.model_copy(update={"heads": heads})})


def _batches(images: SplitImages, labels: dict[str, np.ndarray], recipe: Recipe) -> Iterator[Any]:
    return (batch[0] for batch in pipeline.evaluation(images, labels, recipe))


def losses_of(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns every sample's cross-entropy, float32 (n,): of one unit, whose logit is the second class's, or of
    several."""
    logits = logits.astype(np.float64)
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    highest = logits.max(axis=1)
    log_sum = highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))
    return (log_sum - logits[np.arange(len(labels)), labels]).astype(np.float32)


def report_of(found: Predictions) -> dict[str, Any]:
    """Returns the split's part of the report, see `cnnviz.runs.report.split_report`."""
    same = {"same_pictures_as": found.same_as} if found.same_as else {}
    made = split_report(found.labels, found.probabilities, found.losses, found.classes)
    return {**same, **made, "data_sha256": found.data, "seconds": found.seconds}


def environment() -> dict[str, Any]:
    """Returns the versions of what counts, and the machine."""
    return {
        "machine": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "processor": platform.machine(),
            "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        },
        "versions": {"cnnviz": __version__, **{name: version(name) for name in _PACKAGES}},
    }


def facts_of(
    dataset: Dataset, recipe: Recipe, samples: Mapping[str, int], skipped: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """Returns what a report says of the data and the environment.

    Args:
        dataset: where the splits are.
        recipe: whose.
        samples: of how many images each split was that was read.
        skipped: the names of those that could not be read, with the reasons.
    """
    return {
        "data": {
            "dataset": recipe.data.dataset,
            "title": dataset.title,
            "source": dataset.source,
            "sha256": fingerprint(dataset),
            "left_out": len(recipe.data.without),
            "relabelled": relabelled(recipe.data, dataset.heads),
            "moved": len(recipe.data.splits),
            "bits": dataset.bits,
        },
        "test_is_validation": dataset.validates_on_test,
        "samples": dict(samples),
        "skipped": [{"picture": image, "reason": message} for image, message in skipped],
        "classes": {head.name: list(head.classes) for head in dataset.heads},
        "notes": [*dataset.notes, *notes_on(dataset)],
        **environment(),
    }


def evaluate(
    run: Run,
    best: keras.Model,
    split: str,
    *,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> tuple[Predictions, dict[str, Any]]:
    """Measures a run's best model on a split, keeps the predictions under the run, and adds them to its report.

    Args:
        run: one that has ended.
        best: its best epoch's model, as `models.load.load_run` opens it.
        split: train, validation or test; training images are taken as they are, without augmentation.
        progress: called with what is done and how far.
        cancelled: asked now and then; `True` ends the work.

    Raises:
        DataError: the data can't be opened, or has no such split.
        RunError: the run goes on, its recipe can't be read, or its folder can't be written.
        Cancelled: `cancelled` said so.
    """
    if run.active:
        raise RunError(f"Run {run.id} is {run.state}; it can be evaluated when it has ended.")
    written = recipe_of(run, "it can't be evaluated")
    began, stamp = time.perf_counter(), model_digest(run.best_path)
    recipe, dataset = open_and_adapt(written, may_adapt=False, progress=progress)
    if split not in dataset.splits:
        raise DataError(f"{dataset.title} has no {split} split: {one_of(split, dataset.splits)}.")
    images = prepare(dataset.splits[split], recipe.data, progress=progress, cancelled=cancelled)
    facts = facts_of(dataset, recipe, {split: len(images)}, images.skipped)
    model = scoring(recipe)
    model.set_weights(best.get_weights())
    found = evaluate_split(
        model,
        recipe,
        dataset,
        split,
        images,
        stamp=stamp,
        data=facts["data"]["sha256"],
        began=began,
        progress=progress,
        cancelled=cancelled,
    )
    report = report_of(found)
    try:
        folder = own_place(run.folder)
        evaluated.save(folder, found)
        evaluated.add_to_report(folder, split, report, facts)
    except OSError as error:
        raise RunError(f"The report of run {run.id} can't be written: {error.strerror or error}.") from None
    return found, report
