"""What accuracy a run's model keeps under PGD and with corrupted images: measured once, then read from its folder.

Importing this loads no TensorFlow.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cnnviz.errors import RunError
from cnnviz.explain.inspection.top_activations_of_run import samples
from cnnviz.explain.robustness.adversarial import MEASURING_STEPS, robust_accuracy
from cnnviz.explain.robustness.corruptions.accuracy import corrupted_accuracy
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run
from cnnviz.runs.results_cache import model_digest
from cnnviz.runs.robustness import HeadRobustness, Robustness, read_robustness, save

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = ["LIMIT", "cached_robustness", "measure"]

LIMIT = 200
"""At most this many held-out images are measured, evenly from the whole split."""


def cached_robustness(run: Run, limit: int = LIMIT) -> Robustness | None:
    """Returns what `measure` found before for the run's model and so many images, or `None`."""
    found = read_robustness(run.folder)
    return found if found is not None and (found.limit, found.steps) == (limit, MEASURING_STEPS) else None


def measure(
    run: Run,
    classifier: Classifier,
    *,
    limit: int = LIMIT,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> Robustness:
    """As `robust_accuracy` and `corrupted_accuracy` with the run's test images (validation's where it has no test
    split), kept in the run's folder as `robustness.json`.

    Args:
        run: whose recipe names the data.
        classifier: its model.
        limit: at most so many images, from 1.
        progress: called with what is being done, how much is done and how much there is, of each part of the work.
        cancelled: asked before every step and batch.

    Raises:
        RunError: a limit below 1.
        DataError: see `top_activations_of_run.samples`.
        ImageError: the model's images are too small for corruptions.
        Cancelled: `cancelled` said so; nothing is kept.
    """
    if limit < 1:
        raise RunError(f"{limit} images were asked for: expected 1 or more.")
    if (kept := cached_robustness(run, limit)) is not None:
        return kept
    began, stamp = time.perf_counter(), model_digest(run.best_path)
    given = samples(run, limit=limit, progress=progress, cancelled=cancelled)
    corrupted = corrupted_accuracy(
        classifier, given.images, given.labels, seed=0, progress=progress, cancelled=cancelled
    )
    heads = {}
    for at, head in enumerate(classifier.heads):
        attacked = robust_accuracy(
            classifier, given.images, given.labels[head.name], at, progress=progress, cancelled=cancelled
        )
        found = corrupted[head.name]
        heads[head.name] = HeadRobustness(found.clean, attacked.epsilons, attacked.accuracy, found.accuracy)
    seconds = round(time.perf_counter() - began, 3)
    made = Robustness(stamp, len(given.images), limit, MEASURING_STEPS, 0, heads, seconds)
    save(run.folder, made)
    return made
