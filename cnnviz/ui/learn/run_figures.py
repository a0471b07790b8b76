"""Figures of a run that is there already, such as a shipped one: what it was before it learned and after, and what was
measured of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from cnnviz.augment.preview import image_bytes
from cnnviz.figures.evaluation import calibration_chart
from cnnviz.figures.style import CONFIG
from cnnviz.figures.tiles import tiles
from cnnviz.images import enlarge
from cnnviz.overlay import overlay
from cnnviz.runs import Run, metrics, snapshots
from cnnviz.runs.compare import name_of
from cnnviz.runs.predictions import read_predictions
from cnnviz.runs.report import calibration
from cnnviz.runs.snapshots import Probe, Snapshot
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.learning_curves import charts
from cnnviz.ui.runs.snapshot_html import kernels_html

__all__ = ["calibration_of_run", "curves_of_run", "kernels_before_and_after", "maps_before_and_after"]

_FIRST = ("cats-and-dogs", "shapes", "mnist")
"""The shipped runs, in the order in which they have something to show."""
_IMAGES, _SIDE = 2, 192


def curves_of_run(listed: Sequence[Run]) -> None:
    """Draws the curves of the first run that has some, and by how much they are apart."""
    run = next((run for run in _in_order(listed) if len(metrics.epochs(run.metrics_path)) > 1), None)
    if run is None:
        return
    charts(run, place="learn_figure", live=False)
    last = metrics.epochs(run.metrics_path)[-1]
    pair = [last.get(name) for name in ("accuracy", "val_accuracy")]
    if all(isinstance(one, (int, float)) for one in pair):
        st.caption(plain(f"{name_of(run)}, at its end: training {pair[0]:.3f}, validation {pair[1]:.3f}."))


def calibration_of_run(listed: Sequence[Run]) -> None:
    """Draws how often the first run whose test images were predicted is right when it is so sure."""
    found = next(((run, kept) for run in _in_order(listed) if (kept := read_predictions(run.folder, "test"))), None)
    if found is None:
        return
    run, kept = found
    head, labels = next(iter(kept.labels.items()))
    right = kept.probabilities[head].argmax(axis=1) == labels
    st.plotly_chart(
        calibration_chart(calibration(labels, kept.probabilities[head])),
        key="learn_calibration",
        config=CONFIG,
        theme="streamlit",
        alt=f"Calibration of {name_of(run)}: how often it is right over how sure it is",
    )
    share, worst = min((float(right[labels == one].mean()), int(one)) for one in np.unique(labels))
    name = kept.classes[head][worst]
    st.caption(plain(f"{name_of(run)}: accuracy {right.mean():.1%}, but only {share:.1%} of {name} found."))


def kernels_before_and_after(listed: Sequence[Run]) -> None:
    """Draws the first convolution's kernels before the first batch and at the end, of the first run that kept them."""
    for run in _in_order(listed):
        ends = _ends(run)
        kept = [(one.kernels, one.moment) for one in ends[1:] if one.kernels is not None] if ends is not None else []
        if len(kept) == 2:
            for kernels, moment in kept:
                st.html(kernels_html(kernels, moment))
            st.caption(plain(f"The kernels of {name_of(run)}: noise, and what its images made of it."))
            return


def maps_before_and_after(listed: Sequence[Run]) -> None:
    """Draws Grad-CAM before the first batch and at the end on some images, of the first run that kept it."""
    for run in _in_order(listed):
        ends = _ends(run)
        if ends is None or not all(one.cams for one in ends[1:]):
            continue
        probe, *moments = ends
        head = next(iter(moments[0].cams))
        shown = []
        for one in moments:
            for at in range(min(_IMAGES, len(probe.images))):
                image = enlarge(probe.images[at], max(1, _SIDE // probe.images[at].shape[0]))
                wanted = probe.classes[head][int(probe.labels[head][at])]
                words = f"{wanted}, {str(one.moment).lower()}"
                shown.append((image_bytes(overlay(image, one.cams[head][at], 0.55)), words, f"Grad-CAM for {words}"))
        st.html(tiles(shown, 170))
        st.caption(plain(f"Grad-CAM of {name_of(run)}: the untrained model gives maps too, and they mean nothing."))
        return


def _in_order(listed: Sequence[Run]) -> list[Run]:
    """Runs that are over, the shipped ones first."""
    rank = {name: at for at, name in enumerate(_FIRST)}
    over = [run for run in listed if run.state == "finished" and run.recipe is not None]
    return sorted(over, key=lambda run: rank.get(run.id, len(rank)))


def _ends(run: Run) -> tuple[Probe, Snapshot, Snapshot] | None:
    """The watched images, and the first and the last snapshot."""
    probe, moments = snapshots.read_probe(run.folder), snapshots.moments(run.folder)
    if probe is None or len(moments) < 2:
        return None
    first, last = (snapshots.read_snapshot(run.folder, one, probe) for one in (moments[0], moments[-1]))
    return None if first is None or last is None else (probe, first, last)
