"""What excites channels, for the Inside page: the run's held-out images, what was found in them, and the work."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from cnnviz.bounded_cache import BoundedCache
from cnnviz.explain.inspection.top_activations import Ablation, Samples, TopActivations
from cnnviz.explain.inspection.top_activations_of_run import (
    ablation_of_run,
    cached_ablation,
    cached_top_activations,
    samples,
    top_activations_of_run,
)
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run
from cnnviz.ui.session import background_job

if TYPE_CHECKING:
    from cnnviz.ui.inside.selection import Inspection

__all__ = ["LOOK", "OFF", "images", "known_ablation", "known_top_activations", "start_ablation", "start_search"]

LOOK, OFF = "inside_excites", "inside_off"
"""Names of the works."""
KEPT = 2
"""Of so many runs the held-out images stay in memory, for all sessions."""
RESULTS = 32
_RESULTS = "inside_excites_results"


@st.cache_resource(show_spinner=False)
def _cache() -> BoundedCache[Samples]:
    return BoundedCache(KEPT)


def _results() -> BoundedCache[Any]:
    """What this session found, as a run's folder may be one that can't be written to."""
    return st.session_state.setdefault(_RESULTS, BoundedCache(RESULTS))


def _run(opened: Inspection) -> Run:
    """The run that the model is of; all this is asked of whole runs only."""
    assert opened.source.run is not None
    return opened.source.run


def images(opened: Inspection) -> Samples | None:
    """Returns the run's held-out images where they are in memory."""
    return _cache().get(opened.source.stamp)


def known_top_activations(opened: Inspection) -> TopActivations | None:
    """Returns what is known of what excites the open layer."""
    return _results().get((opened.source.stamp, opened.layer)) or cached_top_activations(_run(opened), opened.layer)


def known_ablation(opened: Inspection) -> Ablation | None:
    """Returns what is known of the model without the open channel."""
    key = (opened.source.stamp, opened.layer, opened.channel)
    return _results().get(key) or cached_ablation(_run(opened), opened.layer, [opened.channel])


def start_search(opened: Inspection) -> None:
    """Begins to read the images, where they aren't in memory, and to look for what excites the open layer."""
    model, run, layer = opened.model, _run(opened), opened.layer

    def work(given: Samples, progress: Progress, cancelled: CancelCheck) -> TopActivations:
        return top_activations_of_run(
            run, model.classifier, layer, given, progress=progress, cancelled=cancelled, lock=model.lock
        )

    _begin(LOOK, opened, (opened.source.stamp, layer), work)


def start_ablation(opened: Inspection) -> None:
    """Begins to ask the model without the open channel."""
    model, run, layer, channel = opened.model, _run(opened), opened.layer, opened.channel

    def work(given: Samples, progress: Progress, cancelled: CancelCheck) -> Ablation:
        return ablation_of_run(
            run, model.classifier, layer, [channel], given, progress=progress, cancelled=cancelled, lock=model.lock
        )

    _begin(OFF, opened, (opened.source.stamp, layer, channel), work)


def _begin(name: str, opened: Inspection, key: tuple, work: Callable[..., Any]) -> None:
    cache, run, stamp, results = _cache(), _run(opened), opened.source.stamp, _results()

    def carry_out(progress: Progress, cancelled: CancelCheck) -> None:
        def tell(what: str, done: int, total: int) -> None:
            progress(what, done, total)
            time.sleep(0.001)  # a lock that is taken again at once is seldom given to another thread

        given = cache.get(stamp) or cache.put(stamp, samples(run, progress=tell, cancelled=cancelled))
        results.put(key, work(given, tell, cancelled))

    background_job.start(name, carry_out, "Reading the held-out images")
