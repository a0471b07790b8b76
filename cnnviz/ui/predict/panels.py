"""What can be opened below an answer on the Predict page, over the whole width: one panel at a time."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnnviz.explain import METHODS
from cnnviz.ui.inputs.input_image import InputImage
from cnnviz.ui.inputs.model_cache import LockedModel, ModelSource
from cnnviz.ui.inputs.selection import Choice, toggle_view
from cnnviz.ui.markdown import plain
from cnnviz.ui.predict.cover_view import cover_part
from cnnviz.ui.predict.downloads import card_button
from cnnviz.ui.predict.flip_view import flip_part
from cnnviz.ui.predict.metrics_panel import metrics_panel
from cnnviz.ui.predict.prediction_job import Pair, Prediction, Shown
from cnnviz.ui.predict.result_view import strip
from cnnviz.ui.predict.training_images_view import training_images_part
from cnnviz.ui.predict.trust_badge import trust_words
from cnnviz.ui.predict.uncertainty_view import FOREIGN_WORDS, is_foreign
from cnnviz.ui.session.widget_sync import seed

__all__ = ["PANEL", "panel", "panel_buttons", "panel_number"]

PANEL = "predict_panel"
"""The key of the open panel's container, by which the page's style gives it the whole width."""
_TITLES = {
    "trust": "Trust",
    "layers": "Every layer",
    "cover": "Cover it",
    "training": "Training images",
    "flip": "Flip it",
}
_HEADINGS = {
    "trust": "How far can this map be trusted?",
    "layers": "Every convolution, from the input on",
    "cover": "Cover it yourself",
    "training": "Which training images are behind this answer?",
    "flip": "Smallest change that flips it",
}


def panel_number(
    choice: Choice, chosen: Sequence[tuple[ModelSource, LockedModel]], images: Sequence[InputImage]
) -> int | None:
    """Returns below which of these pairs the panel is open, counted as `predicted_pairs` does; `None` for none.

    Where the pair that it was opened for isn't shown any more, it is open below the one in its place.
    """
    if not choice.view:
        return None
    shown = [(source.id, image.identity) for image in images for source, _ in chosen]
    at = shown.index(choice.view_of) if choice.view_of in shown else min(choice.view_number, len(shown) - 1)
    choice.view_of, choice.view_number = shown[at], at
    return at


def _mark(pair: Pair) -> tuple[str, tuple]:
    return pair.source.id, pair.image.identity


def panel_buttons(pair: Pair, choice: Choice, key: str, *, opened: bool) -> DeltaGenerator:
    """Draws the choice of what is open below this pair, and a card of it; returns a place for its badge.

    Args:
        key: tells its widgets from those of other pairs.
        opened: whether the panel is open here.
    """
    if not isinstance(pair.shown, Shown):
        return st.container()
    badge = st.container()
    absent = {
        "layers": METHODS[pair.shown.explanation.method].family != "cam",
        "training": pair.source.run is None,
    }
    offered = [view for view in _TITLES if not absent.get(view)]
    st.segmented_control(
        f"Look closer at {plain(pair.image.title)}",
        offered,
        format_func=_TITLES.__getitem__,
        key=seed(f"{key}_view", choice.view if opened and choice.view in offered else None),
        label_visibility="collapsed",
        on_change=lambda: toggle_view(choice, _mark(pair), st.session_state[f"{key}_view"]),
        help="Whether the map can be trusted; the same map at every convolution; what a covered part changes; the "
        "training images behind the answer; the smallest change that flips it. Press again to close.",
    )
    card_button(pair, pair.shown, choice, key, lambda: FOREIGN_WORDS if is_foreign(pair) else trust_words(pair))
    return badge


def panel(pair: Pair, choice: Choice) -> None:
    """Draws what is open below this pair."""
    if not isinstance(pair.shown, Shown) or not isinstance(pair.prediction, Prediction):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch", gap=None):
            st.header(_HEADINGS[choice.view], anchor=False)
            st.caption(f"{plain(pair.image.title)} · {plain(pair.source.title)}")
        st.button(
            "Close",
            icon=":material/close:",
            type="tertiary",
            key=f"{PANEL}_close",
            on_click=toggle_view,
            args=(choice, _mark(pair), None),
            help="Closes this panel.",
        )
    if choice.view == "layers":
        strip(pair, choice)
    elif choice.view == "cover":
        cover_part(pair, choice)
    elif choice.view == "training":
        training_images_part(pair, choice)
    elif choice.view == "flip":
        flip_part(pair, choice)
    elif choice.view == "trust":
        metrics_panel(
            pair.model,
            pair.prediction.seen,
            pair.shown.explanation,
            key="predict_trust",
            run=pair.source.run,
            colour_map=choice.colour_map,
            names=(pair.source.file_part, pair.image.title),
        )
