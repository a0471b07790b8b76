"""How right a run's model is when its held-out images are moved: measured once, then read from the run's folder.

Importing this loads no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cnnviz.explain.inspection.top_activations_of_run import samples
from cnnviz.explain.robustness.translation import FARTHEST, TranslationRobustness, accuracy_when_translated
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run, results_cache

__all__ = ["LIMIT", "cached_accuracies", "measure"]

LIMIT = 500
"""At most this many held-out images are moved, evenly from the whole split."""


def cached_accuracies(run: Run) -> TranslationRobustness | None:
    """Returns what `measure` found before for the run's model, or `None`."""
    return results_cache.read_record(_place(run), TranslationRobustness)


def measure(
    run: Run,
    predict: Callable[[np.ndarray], list[np.ndarray]],
    heads: tuple[str, ...],
    *,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> TranslationRobustness:
    """As `accuracy_when_translated` with the run's held-out images, kept in the run's folder under `shifts/`.

    Raises:
        DataError: see `top_activations_of_run.samples`.
        Cancelled: `cancelled` said so; nothing is kept.
    """
    given = samples(run, limit=LIMIT, progress=progress, cancelled=cancelled)
    found = accuracy_when_translated(predict, heads, given, progress=progress, cancelled=cancelled)
    results_cache.write_record(_place(run), found)
    return found


def _place(run: Run) -> Path:
    return results_cache.place(run, "shifts", 1, farthest=FARTHEST, limit=LIMIT)
