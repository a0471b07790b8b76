"""Watching a model learn: a slider over the epochs of a run, with play; it moves by itself while the run goes on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from cnnviz.errors import RunError
from cnnviz.runs import Run, open_run, snapshots
from cnnviz.runs.snapshots import Probe, Snapshot
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.snapshot_html import SCALES, Probabilities, kernels_html, maps_html, predictions_html
from cnnviz.ui.session.widget_sync import repeat_widget_value, set_widget_value, set_widget_value_first

__all__ = ["epochs_part"]

STEP_SECONDS = 0.8
"""How long an epoch is shown while it plays."""
LIVE_SECONDS = 2.0
"""How often the newest epoch is looked for while a run goes on."""


def epochs_part(run: Run, key: str, *, moved: bool = False) -> None:
    """Draws what a run's model made of a few validation images, epoch by epoch.

    Args:
        run: whose snapshots.
        key: what its widgets' keys begin with.
        moved: whether the caller draws it anew every second or so, so that it needs no clock of its own.
    """
    every = None if moved else _every(run, key)
    st.fragment(run_every=every)(_part)(run, key, moved, every)


def _every(run: Run, key: str) -> float | None:
    return STEP_SECONDS if _playing(key) else LIVE_SECONDS if run.active else None


def _part(run: Run, key: str, moved: bool, every: float | None) -> None:
    run = _now(run)
    found, probe = snapshots.epochs(run.folder), snapshots.read_probe(run.folder)
    if not found or probe is None:
        st.caption(_nothing(run))
        return
    epoch = _moment(run, found, key)
    if not moved and every != _every(run, key):
        st.rerun(scope="app")  # for a clock that runs faster, slower or not at all
    with st.container(horizontal=True, vertical_alignment="bottom"):
        playing = _playing(key)
        st.button(
            "Pause" if playing else "Play",
            key=f"{key}_button",
            disabled=len(found) < 2,
            icon=":material/pause:" if playing else ":material/play_arrow:",
            on_click=_turn,
            args=(key, found),
            help="Shows one epoch after another; from the first on where the last is shown.",
        )
        if len(found) > 1:
            following = _following(run, key)
            name = f"{key}_live" if following else f"{key}_epoch"
            if following:
                st.session_state[name] = epoch
            st.select_slider(
                "Epoch",
                found,
                key=name,
                format_func=_named,
                on_change=_stop,
                args=(key,),
                disabled=following,
                help="The model as it was after this epoch; 0 is before its first batch.",
            )
        if run.active and len(found) > 1:
            set_widget_value_first(f"{key}_follow", True)
            st.toggle(
                "Follow",
                key=f"{key}_follow",
                on_change=_stop,
                args=(key,),
                help="Shows each epoch as it comes. Switch it off to go back to earlier ones with the slider.",
            )
    snapshot = snapshots.read_snapshot(run.folder, epoch, probe)
    if snapshot is None:
        st.caption(
            f"The snapshot of epoch {epoch} can't be shown: its file is damaged, or the model had become NaN. "
            "The others are not touched by that."
        )
        return
    head, heat = _head(probe, snapshot, key)
    total = run.recipe.fit.all_epochs if run.recipe and run.active else found[-1]
    st.html(predictions_html(probe, snapshot, _history(run.folder, found, probe), head, total, heat=heat))
    st.caption(_meaning(probe, snapshot, head, heat, found))
    if snapshot.maps:
        _maps(probe, snapshot, key)
    if snapshot.kernels is not None:
        st.markdown("**Kernels of the first convolution**")
        st.html(kernels_html(snapshot.kernels, epoch))
    if not snapshot.maps:
        st.caption("The model has no convolution, so that there are no feature maps and no Grad-CAM to watch.")


def _now(run: Run) -> Run:
    """The run as it is by now, as it may have ended since the page was drawn."""
    try:
        return open_run(run.id, run.folder.parent) if run.active else run
    except RunError:  # deleted
        return run


def _nothing(run: Run) -> str:
    if run.active:
        return "The first snapshot comes when the training begins."
    return (
        "This run has no snapshots: it was trained before they were kept, or ended before its training began. Train "
        "again from its recipe to have them."
    )


def _named(epoch: int) -> str:
    return str(epoch) if epoch else "0, untrained"


def _playing(key: str) -> bool:
    return f"{key}_began" in st.session_state


def _turn(key: str, found: Sequence[int]) -> None:
    """Begins or stops playing."""
    if _playing(key):
        _stop(key)
        return
    shown = st.session_state.get(f"{key}_epoch")
    at = found.index(shown) if shown in found[:-1] else 0
    st.session_state[f"{key}_began"] = (time.monotonic(), found[at])
    st.session_state[f"{key}_follow"] = False


def _stop(key: str) -> None:
    st.session_state.pop(f"{key}_began", None)


def _following(run: Run, key: str) -> bool:
    """Whether the newest epoch is shown as it comes. The slider is out of reach then: what the server tells a browser
    would cross what a hand does there, and win."""
    return run.active and st.session_state.get(f"{key}_follow", True)


def _moment(run: Run, found: Sequence[int], key: str) -> int:
    """Which epoch is shown now: the newest that is followed, what is played, or what the slider says."""
    held = st.session_state.get(f"{key}_epoch")
    if held is None or _following(run, key):
        epoch = found[-1]
    elif _playing(key):
        epoch = _next(found, key)
    else:
        epoch = min(found, key=lambda one: abs(one - held))
    if epoch != held:
        set_widget_value(f"{key}_epoch", epoch)
    else:
        repeat_widget_value(f"{key}_epoch")
    return epoch


def _next(found: Sequence[int], key: str) -> int:
    """The epoch that is played now: the next one where the last has been shown for long enough. On a slow machine all
    are shown, only slower."""
    shown_at, epoch = st.session_state[f"{key}_began"]
    if time.monotonic() - shown_at >= 0.9 * STEP_SECONDS:  # a clock that is a little early doesn't lose a turn
        epoch = min((one for one in found if one > epoch), default=found[-1])
        st.session_state[f"{key}_began"] = (time.monotonic(), epoch)
    if epoch >= found[-1]:
        _stop(key)
    return epoch if epoch in found else min(found, key=lambda one: abs(one - epoch))


def _head(probe: Probe, snapshot: Snapshot, key: str) -> tuple[str, bool]:
    heads = list(snapshot.cams) or list(probe.classes)
    head, heat = heads[0], False
    if len(heads) > 1 or snapshot.cams:
        with st.container(horizontal=True, vertical_alignment="center"):
            if len(heads) > 1:
                head = st.segmented_control(
                    "Head",
                    heads,
                    default=heads[0],
                    key=f"{key}_head",
                    required=True,
                    help="Whose Grad-CAM and curve are shown.",
                )
            if snapshot.cams:
                heat = st.toggle(
                    "Grad-CAM over the images",
                    value=True,
                    key=f"{key}_heat",
                    help="Where evidence for the true class is, from the last convolution; each map by its strongest.",
                )
    return head, heat


def _meaning(probe: Probe, snapshot: Snapshot, head: str, heat: bool, found: Sequence[int]) -> str:
    right = sum(
        int(snapshot.probabilities[head][at].argmax()) == int(truth)
        for at, truth in enumerate(probe.labels[head].tolist())
    )
    words = [
        f"{right} of {len(probe.images)} right. Curves: the probability of the true class, 0 to 1, over the epochs."
    ]
    if heat:
        words.append(f"Bright: evidence for the true class at {plain(snapshot.layer)}.")
    if len(found) < found[-1] - found[0] + 1:
        words.append("Epochs that would have cost too much time, or too much room, were left out.")
    return " ".join(words)


def _maps(probe: Probe, snapshot: Snapshot, key: str) -> None:
    st.markdown("**Feature maps**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layers = {one.layer: one for one in snapshot.maps}
        layer = st.selectbox(
            "Convolution", list(layers), key=f"{key}_layer", width=200, help="Which layer's channels are shown."
        )
        at = st.selectbox(
            "Image",
            range(len(probe.names)),
            key=f"{key}_picture",
            format_func=lambda at: probe.names[at],
            width=240,
            help="Whose feature maps are shown, in the order of the images above.",
        )
        scale = st.segmented_control(
            "Scale",
            list(SCALES),
            default="each",
            format_func=SCALES.__getitem__,
            key=f"{key}_scale",
            required=True,
            help="One scale for the layer tells strong channels from weak ones; each its own shows more in all.",
        )
    st.html(maps_html(layers[layer], at, probe.names[at], snapshot.epoch, scale))


def _history(folder: Path, found: Sequence[int], probe: Probe) -> list[tuple[int, Probabilities]]:
    """The class probabilities of all epochs that can be read."""
    stamps = ((epoch, snapshots.stamp(folder, epoch)) for epoch in found)
    known = [(epoch, _shares(str(folder), epoch, stamp, probe)) for epoch, stamp in stamps]
    return [(epoch, probabilities) for epoch, probabilities in known if probabilities]


@st.cache_data(show_spinner=False, max_entries=2000)
def _shares(folder: str, epoch: int, stamp: tuple[int, int], _probe: Probe) -> Probabilities:
    snapshot = snapshots.read_snapshot(Path(folder), epoch, _probe)
    return snapshot.probabilities if snapshot else {}
