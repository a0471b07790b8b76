"""The Learn page's measurement of what moved images cost: a person's own models, asked in the background."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import streamlit as st

from cnnviz.explain.robustness import translation_of_run as shifts
from cnnviz.explain.robustness.translation import FARTHEST, TranslationRobustness
from cnnviz.figures.style import CONFIG
from cnnviz.figures.translation import shifts_chart
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run
from cnnviz.ui.inputs.model_cache import LockedModel, of_run
from cnnviz.ui.inputs.model_job import job_with_models
from cnnviz.ui.markdown import plain

__all__ = ["moved_images"]

_FOUND = "learn_shifts_found"


def moved_images(runs: Mapping[str, Run]) -> None:
    """Draws how right models are about images that were moved, or the way to measure it.

    Args:
        runs: by what they are called.
    """
    mine = st.session_state.setdefault(_FOUND, {})  # as a run's folder may be one that can't be written to
    found = {name: mine.get(of_run(run).stamp) or shifts.cached_accuracies(run) for name, run in runs.items()}
    missing = [run for name, run in runs.items() if found[name] is None]
    if missing:
        _measure(missing)
    known = {name: one for name, one in found.items() if one is not None}
    if not known:
        return
    st.markdown("**Accuracy when the images are moved**")
    st.plotly_chart(
        shifts_chart({name: one.accuracy for name, one in known.items()}),
        config=CONFIG,
        key="learn_shifts",
        theme="streamlit",
        alt="Accuracy over the number of pixels that the images are moved",
    )
    st.caption(" ".join(_told(name, one) for name, one in known.items()))


def _told(name: str, found: TranslationRobustness) -> str:
    first, third = found.accuracy[0], found.accuracy[3]
    return plain(f"{name}: {first:.1%} of {found.images:,} held-out images as they are, {third:.1%} moved by 3.")


def _measure(missing: list[Run]) -> None:
    job_with_models(
        "learn_shifts",
        missing,
        partial(_work, missing, st.session_state[_FOUND]),
        "Reading the images",
        label="Measure it on moved images",
        icon=":material/open_with:",
        key="learn_shifts_measure",
        help=f"Predicts with these models {shifts.LIMIT} held-out images at most, moved by 0 to {FARTHEST} "
        "pixels up, down, left and right.",
    )


def _work(runs: list[Run], found: dict, models: list[LockedModel], progress: Progress, cancelled: CancelCheck) -> None:
    for run, model in zip(runs, models, strict=True):
        heads = tuple(head.name for head in model.classifier.heads)
        found[of_run(run).stamp] = shifts.measure(run, model.predict, heads, progress=progress, cancelled=cancelled)
