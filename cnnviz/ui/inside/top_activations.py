"""Inside: what excites a channel in the run's own data, for which classes it stands, what is lost without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from cnnviz.augment.preview import image_bytes
from cnnviz.errors import CnnvizError
from cnnviz.explain.inspection.top_activations import Ablation, Samples, TopActivations, crop
from cnnviz.explain.inspection.top_activations_of_run import LIMIT
from cnnviz.figures.tiles import tiles
from cnnviz.figures.top_activations import draw_box, mean_bars, to_side, with_and_without
from cnnviz.ui.inside.selection import show
from cnnviz.ui.inside.top_activations_job import (
    LOOK,
    OFF,
    images,
    known_ablation,
    known_top_activations,
    start_ablation,
    start_search,
)
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import background_job
from cnnviz.ui.session.widget_sync import seed

if TYPE_CHECKING:
    from cnnviz.ui.inside.selection import Inspection

__all__ = ["top_activations_part"]

TILE = 104
MOST_CLASSES = 12
_CHANNEL = "inside_excites_channel"


def top_activations_part(opened: Inspection) -> None:
    """Draws the part; nothing is computed before a person asks for it."""
    if (why := _missing(opened)) is not None:
        st.info(why, icon=":material/info:")
        return
    try:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            _channel(opened)
            known = _known(opened)
        given = images(opened)
        if known is None:
            if not background_job.has_job(LOOK):
                st.caption(_promise(opened))
            return
        if given is None and not background_job.has_job(LOOK):
            start_search(opened)  # what is kept names the images only
            st.rerun()
        left, right = st.columns([3, 2], gap="large")
        with left:
            _strongest(opened, known, given)
        with right:
            _classes(opened, known)
            _without(opened)
    except CnnvizError as error:
        st.error(plain(error), icon=":material/error:")


def _missing(opened: Inspection) -> str | None:
    """The sentence on why there is nothing to look through."""
    run, name = opened.source.run, plain(opened.source.title)
    if run is None or run.recipe is None:
        return (
            f"{name} is of no run, so that the images it was trained on aren't known here: open a whole run to see "
            "what excites its channels."
        )
    if not opened.row.shape or len(opened.row.shape) > 3:
        return f"{plain(opened.layer)} has no channels: open a convolution."
    return None


def _channel(opened: Inspection) -> None:
    count = opened.row.shape[-1]
    st.number_input(
        "Channel",
        0,
        max(1, count - 1),
        key=seed(_CHANNEL, opened.channel),
        width=140,
        disabled=count < 2,
        on_change=lambda: show(channel=st.session_state[_CHANNEL]),
        help=f"Which of the {count:,} channels of the layer is looked at.",
    )


def _promise(opened: Inspection) -> str:
    return (
        f"The model is shown up to {LIMIT} of the run's held-out images, once for all channels of "
        f"{plain(opened.layer)}: which of them make a channel respond most, and where in them; how much it responds to "
        "each class. The result is kept with the run."
    )


def _known(opened: Inspection) -> TopActivations | None:
    """What is known of the layer; a button or a bar where nothing is."""
    background_job.say_end(background_job.ended_job(LOOK))
    known = known_top_activations(opened)
    if known is None and not background_job.has_job(LOOK):
        st.button(
            "Look through the held-out images",
            icon=":material/search:",
            type="primary",
            key="inside_excites_look",
            on_click=start_search,
            args=(opened,),
            help="Reads the run's test images, validation's where it has no others, "
            f"at most {LIMIT}, evenly from the whole split.",
        )
    return known


def _strongest(opened: Inspection, known: TopActivations, given: Samples | None) -> None:
    from cnnviz.explain.inspection.receptive_field import box  # the table of layers has computed all positions already

    if known.dead[opened.channel]:
        st.caption(f"Channel {opened.channel} was nowhere above 0 in any of {known.images:,} images.")
    st.markdown("**Strongest images**")
    if given is None:
        st.caption("They are being read.")
        return
    whole, parts, everything = [], [], True
    for value, row, position in zip(
        known.values[opened.channel], known.rows[opened.channel], known.positions[opened.channel], strict=True
    ):
        if row >= len(given):
            continue  # the data has become less since then
        y, x = map(int, position)
        image, field = given.images[row], box(opened.model.classifier, opened.layer, y, x)
        name = _name_of(opened, given, int(row))
        all_of_it = field[2:] == image.shape[:2]
        everything = everything and all_of_it
        caption, words = f"{_number(value)} · {name}", f"{name}, {given.names[row]}: {_number(value)}"
        whole.append((image_bytes(draw_box(image, (0, 0, 0, 0) if all_of_it else field)), caption, words))
        parts.append((image_bytes(to_side(crop(image, field))), f"row {y}, column {x}", f"The part: {words}"))
    st.html(tiles(whole, TILE))
    if everything:
        st.caption("The greatest output over each image; every output sees all of it here.")
        return
    size = " × ".join(map(str, opened.row.size))
    st.caption(f"The greatest output over each image; framed: the {size} pixels that it sees.")
    st.markdown("**Strongest positions**")
    st.html(tiles(parts, TILE))
    st.caption("The framed parts alone, and where in the layer's map they are.")


def _name_of(opened: Inspection, given: Samples, row: int) -> str:
    classes = opened.model.classifier.classes
    return ", ".join(classes[head][int(labels[row])] for head, labels in given.labels.items() if head in classes)


def _classes(opened: Inspection, known: TopActivations) -> None:
    st.markdown("**How much it responds to each class**")
    for head, means in known.by_class.items():
        values, classes = means[opened.channel], opened.model.classifier.classes[head]
        index = float(known.selectivity(head)[opened.channel])
        order = list(range(len(classes)))
        if len(order) > MOST_CLASSES:
            order = np.argsort(-values, kind="stable")[:MOST_CLASSES].tolist()
        st.html(
            mean_bars(
                [(classes[one], float(values[one])) for one in order],
                f"Mean output of channel {opened.channel} for each class of {head}",
            )
        )
        several = f"{plain(head)}: " if len(known.by_class) > 1 else ""
        most = f" The {len(order)} greatest of {len(classes):,} classes." if len(order) < len(classes) else ""
        st.caption(f"{several}Selectivity {index:.2f}, from 0 (alike for all classes) to 1 (for one only).{most}")
    st.caption(f"Mean output over {known.images:,} held-out images.")


def _without(opened: Inspection) -> None:
    st.markdown("**Without this channel**")
    background_job.say_end(background_job.ended_job(OFF))
    known = known_ablation(opened)
    if known is None:
        if not background_job.has_job(OFF):
            st.button(
                "Ablate and predict again",
                icon=":material/power_settings_new:",
                key="inside_excites_off",
                on_click=start_ablation,
                args=(opened,),
                help="Asks the model about the same images, with this channel "
                "0 wherever it is used. The model itself is not changed, and the result is kept with the run.",
            )
        return
    for head in known.accuracy:
        st.html(with_and_without(_rows(opened, known, head), f"Accuracy for {head} with and without the channel"))
    st.caption(
        f"Accuracy on {known.images:,} held-out images; lower bar: without the channel.",
        help="At the right: the change in percentage points.",
    )


def _rows(opened: Inspection, known: Ablation, head: str) -> list[tuple[str, float, float]]:
    """All images, then those of each class; of many classes those that change most."""
    classes, accuracies = opened.model.classifier.classes[head], known.by_class[head].astype(float)
    there = np.flatnonzero(np.isfinite(accuracies).all(axis=1))
    if len(there) > MOST_CLASSES:
        change = np.abs(accuracies[there, 1] - accuracies[there, 0])
        there = np.sort(there[np.argsort(-change, kind="stable")[:MOST_CLASSES]])
    rows = [("All" if len(known.accuracy) == 1 else f"All: {head}", *known.accuracy[head])]
    for one in there:
        before, after = map(float, accuracies[one])
        rows.append((classes[one], before, after))
    return rows


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
