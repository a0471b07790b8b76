"""What a run's filters look for: made once, then read from the run's folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz.explain.feature_visualization.patterns import FeatureVisualizations, Settings, visualize
from cnnviz.progress import Progress
from cnnviz.runs import Run, results_cache

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = ["cached_visualizations", "visualizations_of_run"]

_ARRAYS = ("images", "steps", "before", "after")


def cached_visualizations(
    run: Run, layer: str, filters: Sequence[int], settings: Settings
) -> FeatureVisualizations | None:
    """Returns those of the filters' patterns that the run's folder keeps, in order; `None` where it keeps none."""
    found = results_cache.read(_place(run, layer, settings)) or {}
    try:
        there = {int(one): at for at, one in enumerate(found["filters"])}
        chosen = tuple(int(one) for one in filters if int(one) in there)
        rows = [there[one] for one in chosen]
        if not chosen or len({len(array) for array in found.values()}) != 1:
            return None
        return FeatureVisualizations(layer, chosen, *(found[name][rows] for name in _ARRAYS))
    except (TypeError, KeyError, ValueError, IndexError):
        return None


def visualizations_of_run(
    run: Run,
    classifier: Classifier,
    layer: str,
    filters: Sequence[int],
    settings: Settings | None = None,
    *,
    seen: Callable[[FeatureVisualizations], None] | None = None,
    progress: Progress | None = None,
    **how: Any,
) -> FeatureVisualizations:
    """As `patterns.visualize`, but those that the run's folder keeps already are not made again.

    What is whole is kept under `patterns/`, also when the work is stopped. `seen` and `progress` get all of them.
    """
    settings, filters = settings or Settings(), tuple(dict.fromkeys(int(one) for one in filters))
    known = cached_visualizations(run, layer, filters, settings)
    if known is not None and known.filters == filters:
        return known
    missing = [one for one in filters if known is None or one not in known.filters]
    there = len(filters) - len(missing)
    latest: list[FeatureVisualizations] = []

    def look(made: FeatureVisualizations) -> None:
        latest[:] = [made]
        if seen is not None:
            seen(_joined(known, made, filters))

    def say(what: str, done: int, total: int) -> None:
        if progress is not None:
            progress(what, done + there * settings.steps, total + there * settings.steps)

    try:
        made = visualize(classifier, layer, missing, settings, seen=look, progress=say, **how)
    finally:
        for one in latest:
            _keep(run, one, settings)
    return _joined(known, made, filters)


def _joined(
    known: FeatureVisualizations | None, made: FeatureVisualizations, filters: tuple[int, ...]
) -> FeatureVisualizations:
    """Both in the order of `filters`."""
    if known is None:
        return made
    order = [(known.filters + made.filters).index(one) for one in filters]
    arrays = (np.concatenate([getattr(known, name), getattr(made, name)])[order] for name in _ARRAYS)
    return FeatureVisualizations(made.layer, filters, *arrays)


def _place(run: Run, layer: str, settings: Settings) -> Path:
    return results_cache.place(run, "patterns", 2, layer=layer, **asdict(settings))


def _keep(run: Run, made: FeatureVisualizations, settings: Settings) -> None:
    """Adds what is whole to what the run keeps."""
    place, whole = _place(run, made.layer, settings), made.whole(settings)
    if not whole.any():
        return
    arrays = {name: getattr(made, name)[whole] for name in _ARRAYS}
    arrays["filters"] = np.array(made.filters, np.int64)[whole]
    old = results_cache.read(place)
    if old is not None and old.keys() == arrays.keys():
        stays = ~np.isin(old["filters"], arrays["filters"])
        arrays = {name: np.concatenate([old[name][stays], values]) for name, values in arrays.items()}
    results_cache.write(place, arrays)
