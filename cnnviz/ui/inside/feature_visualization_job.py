"""Feature visualizations of filters for the Inside page: what this session has of them, and the work that makes "
"more."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from cnnviz.bounded_cache import BoundedCache
from cnnviz.explain.feature_visualization.modes import DEFAULT, MODES, ModeId
from cnnviz.progress import CancelCheck, Progress
from cnnviz.ui.session import background_job

if TYPE_CHECKING:
    from cnnviz.explain.feature_visualization.patterns import FeatureVisualizations, Settings
    from cnnviz.ui.inside.selection import Inspection

__all__ = ["Tile", "count_of", "ended_visualization", "growing", "settings_of", "start", "tiles"]

KEPT = 12
"""Of so many layers with their settings a session keeps what it has seen."""
_TILES, _GROWING = "inside_patterns_tiles", "inside_patterns_growing"


@dataclass(frozen=True, eq=False)
class Tile:
    """A filter's pattern, uint8 (size, size, c), after so many steps, and its mean output before and then."""

    image: np.ndarray
    steps: int
    before: float
    after: float


@dataclass(eq=False)
class _Growing:
    """What is being made; `latest` is written by the thread that makes it."""

    key: tuple
    steps: int
    latest: FeatureVisualizations | None = None


def count_of(opened: Inspection) -> int:
    """Returns how many filters the open layer has; 0 where its output has no channels."""
    shape = opened.row.shape
    return int(shape[-1]) if len(shape) in (1, 3) else 0


def settings_of(opened: Inspection) -> Settings:
    """Returns the settings that are chosen on the page, the usual ones where none are."""
    from cnnviz.explain.feature_visualization.patterns import (  # brings TensorFlow, which the model needs anyway
        Settings,
        usual_size,
    )

    state = st.session_state
    mode: ModeId = state.get("inside_patterns_mode") or DEFAULT
    steps = state.get(f"inside_patterns_steps_{mode}") or MODES[mode].steps
    step = state.get(f"inside_patterns_step_{mode}") or MODES[mode].step
    size = state.get(f"inside_patterns_size_{opened.layer}") or usual_size(opened.model.classifier, opened.layer)
    return Settings(mode, int(steps), float(step), int(size))


def _key(opened: Inspection, settings: Settings) -> tuple:
    return opened.source.stamp, opened.layer, settings


def tiles(opened: Inspection, settings: Settings, filters: Sequence[int]) -> dict[int, Tile]:
    """Returns those of the filters' patterns that are there, kept by the run or still being made."""
    from cnnviz.explain.feature_visualization.patterns_of_run import cached_visualizations

    key = _key(opened, settings)
    known = _store(key)
    missing = [one for one in filters if one not in known or known[one].steps < settings.steps]
    if missing and opened.source.run is not None:
        known.update(_whole(cached_visualizations(opened.source.run, opened.layer, missing, settings), settings.steps))
    found = dict(known)
    work: _Growing | None = st.session_state.get(_GROWING)
    if work is not None and work.key == key:
        for one, tile in _all(work.latest).items():
            if one not in known or tile.steps >= known[one].steps:
                found[one] = tile
    return {one: found[one] for one in filters if one in found}


def start(name: str, opened: Inspection, settings: Settings, filters: Sequence[int]) -> None:
    """Begins to make those patterns of the filters that aren't whole; what was being made under the name is ended."""
    from cnnviz.explain.feature_visualization.patterns import visualize
    from cnnviz.explain.feature_visualization.patterns_of_run import visualizations_of_run

    model, layer, run = opened.model, opened.layer, opened.source.run
    there = tiles(opened, settings, filters)
    missing = [one for one in filters if one not in there or there[one].steps < settings.steps]
    _absorb()
    work = st.session_state[_GROWING] = _Growing(_key(opened, settings), settings.steps)
    make_them = visualize if run is None else partial(visualizations_of_run, run)

    def seen(found: FeatureVisualizations) -> None:
        work.latest = found
        time.sleep(0.001)  # a lock that is taken again at once is seldom given to another thread

    def make(progress: Progress, cancelled: CancelCheck) -> FeatureVisualizations:
        return make_them(
            model.classifier,
            layer,
            missing,
            settings,
            seen=seen,
            progress=progress,
            cancelled=cancelled,
            lock=model.lock,
        )

    background_job.start(name, make, f"Feature visualizations of {layer}, step")


def growing(opened: Inspection, settings: Settings) -> bool:
    """Returns whether patterns of the open layer with these settings are being made."""
    work: _Growing | None = st.session_state.get(_GROWING)
    return work is not None and work.key == _key(opened, settings)


def ended_visualization(name: str) -> background_job.BackgroundJob | None:
    """Takes in what was made, once; shows a bar with a Stop while it goes on, see `background_job.ended_job`."""
    work = background_job.ended_job(name)
    if work is not None:
        if (made := st.session_state.get(_GROWING)) is not None and work.result is not None:
            made.latest = work.result
        _absorb()
    return work


def _absorb() -> None:
    """Keeps for this session what was made."""
    work: _Growing | None = st.session_state.pop(_GROWING, None)
    if work is not None:
        _store(work.key).update({one: tile for one, tile in _all(work.latest).items() if tile.steps})


def _store(key: tuple) -> dict[int, Tile]:
    store: BoundedCache[dict[int, Tile]] = st.session_state.setdefault(_TILES, BoundedCache(KEPT))
    return store.made(key, dict)


def _whole(found: FeatureVisualizations | None, steps: int) -> dict[int, Tile]:
    return {one: tile for one, tile in _all(found).items() if tile.steps >= steps}


def _all(found: FeatureVisualizations | None) -> dict[int, Tile]:
    if found is None:
        return {}
    rows = zip(found.filters, found.images, found.steps, found.before, found.after, strict=True)
    return {one: Tile(image, int(steps), float(before), float(after)) for one, image, steps, before, after in rows}
