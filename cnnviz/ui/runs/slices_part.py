"""Slices of the images that a run was measured on: which it is worst on, and one of them chosen for what is below."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import streamlit as st

from cnnviz.audit.audit import audit_path
from cnnviz.audit.split_properties import split_properties
from cnnviz.bounded_cache import BoundedCache
from cnnviz.data import Dataset
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run, results_cache
from cnnviz.runs.predictions import Predictions
from cnnviz.runs.slices import ImageProperties, Measured, Slice, measure, most_changed, slices, worst
from cnnviz.ui.components.slice_list import Row, points, slice_list
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import background_job

__all__ = ["SLICE", "slices_part"]

SLICE = "runs_slice"
"""The title of the slice that is chosen; "" for all images."""
_WORK, _ASKED = "runs_slices", "runs_slices_asked"
_TESTS = (
    "Worse than chance explains: Fisher's exact test against all other images, one-sided; a change: McNemar's. Both "
    "are corrected for the number of slices (Holm). Intervals of 95 %: Wilson's, and bootstrap for a change."
)


def slices_part(
    run: Run,
    datasets: Sequence[Dataset],
    found: Predictions,
    head: str,
    at: np.ndarray,
    right: Sequence[np.ndarray],
    of: str,
) -> np.ndarray | None:
    """Draws the slices and returns the chosen one's images, as positions in `at`, int64; `None` where all are.

    Args:
        run: the later one, where there are two.
        datasets: its data set, and others with the same images that may have been audited.
        found: its predictions.
        head: whose.
        at: the positions in `found` of the images that are looked at, int64 (n,).
        right: for each run whether its predictions about them are right, bool (n,).
        of: tells these from other predictions.
    """
    st.session_state.setdefault(SLICE, "")
    place = st.container()
    known = _properties(run, datasets, found)
    clustered = known.clustered if known is not None else ""
    whole, parts = _measured(f"{of} {found.data} {clustered}", head, found, at, right, known)
    chosen = next((k for k, one in enumerate(parts) if one.slice.title == st.session_state[SLICE]), None)
    if chosen is None and known is not None:
        st.session_state[SLICE] = ""
    with place:
        st.markdown(_sentence(whole, parts))
        slice_list(
            [_row(whole, "All images"), *(_row(one, one.slice.title) for one in parts)],
            0 if chosen is None else chosen + 1,
            key="runs_slice_list",
            on_choose=lambda row: st.session_state.update({SLICE: parts[row - 1].slice.title if row else ""}),
        )
        st.caption(_caption(len(right) > 1, clustered), help=_TESTS)
    return None if chosen is None else parts[chosen].slice.images


@st.cache_data(show_spinner=False, max_entries=16)
def _measured(
    of: str,
    head: str,
    _found: Predictions,
    _at: np.ndarray,
    _right: Sequence[np.ndarray],
    _properties: ImageProperties | None,
) -> tuple[Measured, list[Measured]]:
    """Of all images, and of each slice."""
    labels = {name: values[_at] for name, values in _found.labels.items()}
    taken = _properties.take(_at) if _properties is not None else None
    [whole] = measure([Slice("", "", np.arange(len(_at)))], _right)
    return whole, measure(slices(head, labels, _found.classes, taken), _right)


def _row(one: Measured, name: str) -> Row:
    return Row(
        name,
        len(one.slice.images),
        one.accuracies[-1],
        one.intervals[-1],
        before=one.accuracies[0] if one.change else None,
        change=one.change,
        below=one.is_below,
        changed=one.has_changed,
        ranked=one.below is not None,
    )


def _sentence(whole: Measured, parts: Sequence[Measured]) -> str:
    """Names the worst slice, and of two runs the one that changed most."""
    low, most = worst(parts), most_changed(parts)
    if low is None or low.below is None:
        return "Each slice has too few images to be told from the others."
    said = "No slice is worse than chance explains."
    if low.is_below:
        least, highest = (f"{100 * one:.1f}" for one in low.intervals[-1])
        said = (
            f"Worst on **{plain(low.slice.title)}**: {100 * low.accuracies[-1]:.1f} % ({least} … {highest}) of "
            f"{len(low.slice.images):,} images, {100 * whole.accuracies[-1]:.1f} % of all; p {_p(low.below)}."
        )
    if most is not None and most.change is not None and most.changed is not None:
        said += f" Changed most: **{plain(most.slice.title)}**, {points(most.change[0])} points; p {_p(most.changed)}."
    elif whole.change is not None:
        said += " None changed more than chance explains."
    return said


def _p(value: float) -> str:
    return f"= {value:.3f}" if value >= 0.001 else "< 0.001"


def _caption(paired: bool, clustered: str) -> str:
    dots = "○ before, ● after" if paired else "●"
    said = f"{dots} with its interval; │ all images. First whose interval ends lowest."
    return said + (f" Clusters: k-means of {clustered}." if clustered else "")


@st.cache_resource(show_spinner=False)
def _cache() -> BoundedCache[ImageProperties]:
    return BoundedCache(8)


def _properties(run: Run, datasets: Sequence[Dataset], found: Predictions) -> ImageProperties | None:
    """What is known of the images that were predicted; where it isn't, draws the way to it."""
    audited = any(_audit_path(dataset).exists() for dataset in datasets)  # then there may be better clusters
    place = results_cache.place(run, "slices", 1, split=found.split, data=found.data, audited=audited)
    if (known := _kept(place, len(found.indices))) is not None:
        return known
    session, key = st.session_state, str(place)
    in_memory = datasets[0].splits[found.split].path_of(0) is None
    if not in_memory and session.get(_ASKED) != key:
        st.button(
            "Slice by brightness, size and cluster too",
            icon=":material/grid_view:",
            key="runs_slices_measure",
            on_click=session.update,
            args=({_ASKED: key},),
            help="Reads every image once and keeps what is measured.",
        )
        return None
    done = background_job.keyed_job(
        _WORK, (key,), partial(_read_properties, datasets, found.split, found.indices), "Reading images"
    )
    if done is None or done.result is None:
        background_job.say_end(done)
        return None
    results_cache.write(place, {name: np.asarray(value) for name, value in vars(done.result).items()})
    return _cache().put(key, done.result)


def _read_properties(
    datasets: Sequence[Dataset], split: str, indices: np.ndarray, progress: Progress, cancelled: CancelCheck
) -> ImageProperties:
    return split_properties(datasets[0], split, indices, datasets[1:], progress=progress, cancelled=cancelled)


_audit_path = lru_cache(maxsize=4)(audit_path)  # a digest of all images, or of their files' times


def _kept(place: Path, count: int) -> ImageProperties | None:
    if (known := _cache().get(str(place))) is not None:
        return known
    arrays = results_cache.read(place) or {}
    try:
        clustered = str(arrays.pop("clustered"))
        found = ImageProperties(**arrays, clustered=clustered)
    except (KeyError, TypeError):
        return None
    sound = all(values.shape == (count,) for values in arrays.values()) and found.cluster.dtype.kind == "i"
    return _cache().put(str(place), found) if sound else None
