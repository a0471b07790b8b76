"""Watching a model learn: a slider over the moments of a run that are kept, with play; it moves by itself while the run
goes on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from cnnviz.errors import RunError
from cnnviz.runs import Run, open_run, snapshots
from cnnviz.runs.compare import name_of
from cnnviz.runs.snapshots import Moment, Probe, Snapshot
from cnnviz.ui.download_button import download_button
from cnnviz.ui.file_names import file_name
from cnnviz.ui.inputs.watched_images import watched_images
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.snapshot_html import MAP_SCALES, Probabilities, kernels_html, maps_html, predictions_html
from cnnviz.ui.session.widget_sync import repeat_widget_value, set_widget_value, set_widget_value_first

__all__ = ["epochs_part"]

PLAY_SECONDS = 10.0
"""How long playing takes, however many moments there are; where a machine is too slow for all, some are left out."""
STEP_SECONDS = 0.25
"""How often what is played moves on at most."""
LIVE_SECONDS = 2.0
"""How often the newest snapshot is looked for while a run goes on."""


def epochs_part(run: Run, key: str, *, moved: bool = False) -> None:
    """Draws what a run's model made of a few validation images, moment by moment.

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
    found, probe = snapshots.moments(run.folder), watched_images(run)
    if not found or probe is None:
        st.caption(_nothing(run))
        return
    moment = _moment(run, found, key)
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
            help="Shows the training in ten seconds; from its beginning where the end is shown.",
        )
        if len(found) > 1:
            following = _following(run, key)
            name = f"{key}_live" if following else f"{key}_epoch"
            if following:
                st.session_state[name] = moment
            st.select_slider(
                "Moment",
                found,
                key=name,
                on_change=_stop,
                args=(key,),
                disabled=following,
                label_visibility="hidden" if following else "visible",  # too pale to be read where it can't be used
                help="The model as it was at this moment: early ones lie close together, then there is one an epoch.",
            )
        if run.active and len(found) > 1:
            set_widget_value_first(f"{key}_follow", True)
            st.toggle(
                "Follow",
                key=f"{key}_follow",
                on_change=_stop,
                args=(key,),
                help="Shows each snapshot as it comes. Switch it off to go back to earlier ones with the slider.",
            )
    snapshot = snapshots.read_snapshot(run.folder, moment, probe)
    if snapshot is None:
        st.caption(
            f"This snapshot ({moment}) can't be shown: its file is damaged, or the model had become NaN. "
            "The others are not touched by that."
        )
        return
    head, heat = _head(probe, snapshot, key)
    total = run.recipe.fit.all_epochs if run.recipe and run.active else found[-1].place
    st.html(predictions_html(probe, snapshot, _history(run.folder, found, probe), head, total, heat=heat))
    st.caption(_meaning(probe, snapshot, head, heat, found))
    if len(found) > 1:
        download_button(
            "Film (GIF)",
            partial(_film, run, found, probe, head, heat),
            file_name(run.id, head if len(probe.classes) > 1 else "", "film", ending=".gif"),
            icon=":material/movie:",
            key=f"{key}_film",
            help="The whole training, ten seconds long, for slides and messages.",
        )
    if snapshot.maps:
        _maps(probe, snapshot, key)
    if snapshot.kernels is not None:
        st.markdown("**Kernels of the first convolution**")
        st.html(kernels_html(snapshot.kernels, moment))
    if not snapshot.maps:
        st.caption("The model has no convolution, so that there are no feature maps and no Grad-CAM to watch.")


def _film(run: Run, found: Sequence[Moment], probe: Probe, head: str, heat: bool) -> bytes:
    from cnnviz.figures.film import film

    taken = (snapshots.read_snapshot(run.folder, moment, probe) for moment in found)
    return film(probe, [one for one in taken if one is not None], head, name_of(run), heat=heat)


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


def _playing(key: str) -> bool:
    return f"{key}_began" in st.session_state


def _turn(key: str, found: Sequence[Moment]) -> None:
    """Begins or stops playing."""
    if _playing(key):
        _stop(key)
        return
    shown = st.session_state.get(f"{key}_epoch")
    at = found.index(shown) if shown in found[:-1] else 0
    st.session_state[f"{key}_began"] = (time.monotonic(), at, found)
    st.session_state[f"{key}_follow"] = False


def _stop(key: str) -> None:
    st.session_state.pop(f"{key}_began", None)


def _following(run: Run, key: str) -> bool:
    """Whether the newest epoch is shown as it comes. The slider is out of reach then: what the server tells a browser
    would cross what a hand does there, and win."""
    return run.active and st.session_state.get(f"{key}_follow", True)


def _moment(run: Run, found: Sequence[Moment], key: str) -> Moment:
    """Which moment is shown now: the newest that is followed, what is played, or what the slider says."""
    held = st.session_state.get(f"{key}_epoch")
    if held is None or _following(run, key):
        moment = found[-1]
    elif _playing(key):
        moment = _next(found, key)
    else:
        moment = min(found, key=lambda one: abs(one.place - held.place))
    if moment != held:
        set_widget_value(f"{key}_epoch", moment)
    else:
        repeat_widget_value(f"{key}_epoch")
    return moment


def _each(found: Sequence[Moment]) -> float:
    """How many seconds a moment is played."""
    return PLAY_SECONDS / max(1, len(found) - 1)


def _next(found: Sequence[Moment], key: str) -> Moment:
    """The moment that is played now, by the clock."""
    began, start, played = st.session_state[f"{key}_began"]
    at = start + int((time.monotonic() - began) / _each(played))
    if at >= len(played) - 1:
        _stop(key)
        return found[-1]
    return played[at] if played[at] in found else min(found, key=lambda one: abs(one.place - played[at].place))


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


def _meaning(probe: Probe, snapshot: Snapshot, head: str, heat: bool, found: Sequence[Moment]) -> str:
    right = sum(
        int(snapshot.probabilities[head][at].argmax()) == int(truth)
        for at, truth in enumerate(probe.labels[head].tolist())
    )
    words = [
        f"{right} of {len(probe.images)} right.",
        "Curves: the probability of the true class, 0 to 1.",
    ]
    if heat:
        words.append(f"Bright: evidence for the true class at {plain(snapshot.layer)}.")
    if probe.digest:
        words.append("The images aren't shipped, and their data isn't here: they are grey.")
    if sum(not one.batch for one in found) < found[-1].epoch - found[0].epoch + 1:
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
            list(MAP_SCALES),
            default="each",
            format_func=MAP_SCALES.__getitem__,
            key=f"{key}_scale",
            required=True,
            help="One scale for the layer tells strong channels from weak ones; each its own shows more in all.",
        )
    st.html(maps_html(layers[layer], at, probe.names[at], snapshot.moment, scale))


def _history(folder: Path, found: Sequence[Moment], probe: Probe) -> list[tuple[Moment, Probabilities]]:
    """The class probabilities of all moments that can be read."""
    stamps = ((moment, snapshots.stamp(folder, moment)) for moment in found)
    known = [(moment, _shares(str(folder), moment, stamp, probe)) for moment, stamp in stamps]
    return [(moment, probabilities) for moment, probabilities in known if probabilities]


@st.cache_data(show_spinner=False, max_entries=2000)
def _shares(folder: str, moment: Moment, stamp: tuple[int, int], _probe: Probe) -> Probabilities:
    snapshot = snapshots.read_snapshot(Path(folder), moment, _probe)
    return snapshot.probabilities if snapshot else {}
