"""The Learn page's measurement of what moved images cost: a person's own models, asked in the background."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from cnnviz.explain.inspection.top_activations import samples
from cnnviz.explain.robustness import translation as shifts
from cnnviz.explain.robustness.translation import TranslationRobustness
from cnnviz.figures.style import CONFIG
from cnnviz.figures.translation import shifts_chart
from cnnviz.progress import Cancelled
from cnnviz.runs import Run
from cnnviz.ui.inputs.model_cache import LockedModel, models_of_runs, of_run
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import background_job

__all__ = ["moved_images"]

IMAGES = 500
PATIENCE_SECONDS = 0.3
_WANTED, _SAID, _FOUND = "learn_shifts_wanted", "learn_shifts_said", "learn_shifts_found"


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
    wanted = frozenset(of_run(run).stamp for run in missing)
    if not wanted <= st.session_state.get(_WANTED, frozenset()):  # one that is done is no longer missing
        if message := st.session_state.pop(_SAID, ""):
            st.error(plain(message), icon=":material/error:")
        st.button(
            "Measure it on moved images",
            icon=":material/open_with:",
            key="learn_shifts_measure",
            type="primary",
            on_click=st.session_state.update,
            args=({_WANTED: wanted},),
            help=f"Predicts with these models {IMAGES} held-out images at most, moved by 0 to {shifts.FARTHEST} "
            "pixels up, down, left and right.",
        )
        return
    opened = models_of_runs(missing)
    if opened is None:
        return
    if not background_job.has_job("learn_shifts"):
        work = partial(_work, list(zip(missing, opened, strict=True)), st.session_state[_FOUND])
        background_job.start("learn_shifts", work, "Reading the images")
    if (done := background_job.ended_job("learn_shifts", PATIENCE_SECONDS)) is None:
        return
    del st.session_state[_WANTED]
    st.session_state[_SAID] = done.message or ""
    st.rerun()


def _work(
    pairs: list[tuple[Run, LockedModel]], found: dict, progress: background_job.Progress, cancelled: Callable[[], bool]
) -> None:
    for run, model in pairs:
        try:
            given = samples(run, limit=IMAGES, progress=progress, cancelled=cancelled)
            heads = tuple(head.name for head in model.classifier.heads)
            found[of_run(run).stamp] = shifts.accuracy_when_translated(
                model.predict, heads, given, run=run, progress=progress, cancelled=cancelled
            )
        except Cancelled:
            return
