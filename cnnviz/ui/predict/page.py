"""The lower part of the Predict page: models are loaded and asked, and their predictions are shown as they come."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnnviz.ui.components.announcement import announce
from cnnviz.ui.inputs.model_cache import LockedModel, ModelSource, forget_failures, open_models
from cnnviz.ui.inputs.model_picker import doubts
from cnnviz.ui.inputs.selection import Choice
from cnnviz.ui.markdown import plain
from cnnviz.ui.predict.downloads import numbers_button
from cnnviz.ui.predict.explanation_options import choices, opacity, request_of, settle_options
from cnnviz.ui.predict.panels import PANEL, panel, panel_buttons, panel_number
from cnnviz.ui.predict.prediction_job import Pair, predicted_pairs
from cnnviz.ui.predict.result_view import cell, draw_full_row, draw_waiting, full_row, told
from cnnviz.ui.predict.trust_badge import draw_badge, measure_unasked
from cnnviz.ui.predict.uncertainty_view import uncertainty_part
from cnnviz.ui.session.widget_sync import seed

__all__ = ["results"]


def results(choice: Choice, sources: Sequence[ModelSource]) -> None:
    """Draws the predictions of these models to the chosen images, or what is missing for them."""
    notes = st.container()
    place = st.container(key="predict_choices")
    if not sources:
        _without_model(place)
    with place:
        found = open_models(sources) if sources else []
    chosen = _chosen(sources, found or [])
    if not choice.images:
        st.write("Drop an image above, or click on one of the samples.")
    elif not chosen:
        for image in choice.images[:1]:
            draw_waiting(image)
    else:
        _asked(choice, chosen, place)
    with notes:
        for message in choice.told():
            st.warning(plain(message), icon=":material/info:")


def _without_model(place) -> None:
    with place:
        st.write("No model is chosen. Choose a run above, or train one: the digits take about 20 seconds.")
        st.page_link("pages/train.py", label="Choose data and model on Train", icon=":material/tune:")


def _chosen(
    sources: Sequence[ModelSource], found: Sequence[LockedModel | str]
) -> list[tuple[ModelSource, LockedModel]]:
    """The models that are there; of the others the sentences are shown."""
    failed = [one for one in zip(sources, found, strict=False) if isinstance(one[1], str)]
    for source, message in failed:
        st.error(f"**{plain(source.title)}**: {plain(message)}", icon=":material/error:")
    if failed:
        st.button(
            "Try again",
            icon=":material/refresh:",
            key="networks_again",
            on_click=forget_failures,
            help="Loads what could not be loaded once more.",
        )
    return [(source, one) for source, one in zip(sources, found, strict=False) if isinstance(one, LockedModel)]


def _asked(choice: Choice, chosen: list[tuple[ModelSource, LockedModel]], place) -> None:
    model = chosen[0][1]
    settle_options(choice, model)
    with place:
        for source, one in chosen:
            doubts(choice, source, one)
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="predict_row")
        below = st.container()
    single = full_row() if len(chosen) * len(choice.images) == 1 else None
    opened = panel_number(choice, chosen, choice.images)
    with single.work if single is not None else below:
        strip = opened if choice.view == "layers" else None
        pairs = predicted_pairs(chosen, choice.images, request_of(choice), strip, judged=True)
    with row:
        choices(choice, model, pairs[0].facts)
        if len(pairs) > 1:
            with st.container(width=220):
                opacity(choice)
            _columns(choice)
            numbers_button(pairs, choice, "predict_all")
    if single is not None:
        draw_full_row(pairs[0], choice, single)
        with single.prediction:
            uncertainty_part(pairs[0], choice, "predict", measures=0 in _measuring(pairs, choice, opened))
            badges = [panel_buttons(pairs[0], choice, "predict", opened=opened == 0)]
        if opened == 0:
            _panel(pairs[0], choice)
    elif choice.columns:
        badges = _grid(choice, pairs, opened, several=len(chosen) > 1)
    else:
        badges = _rows(choice, pairs, opened)
    announce(told(pairs), key="predict_said")
    measuring = measure_unasked(pairs)
    for nth, (place, pair) in enumerate(zip(badges, pairs, strict=True)):
        with place:  # last, as the panel may just have measured more
            draw_badge(pair, choice, f"predict_{nth}", measuring=measuring)


def _measuring(pairs: Sequence[Pair], choice: Choice, opened: int | None) -> set[int]:
    """Below which pairs a run's training images can be measured: its first, unless that is offered in the panel."""
    elsewhere = pairs[opened].source.id if opened is not None and choice.view == "training" else ""
    firsts = {pair.source.id: nth for nth, pair in reversed(list(enumerate(pairs)))}
    return {nth for run, nth in firsts.items() if run != elsewhere}


def _columns(choice: Choice) -> None:
    st.toggle(
        "Side by side",
        key=seed("predict_columns", choice.columns),
        on_change=lambda: setattr(choice, "columns", st.session_state["predict_columns"]),
        help="On: answers stand next to each other. Off: one below the other, each over the whole width.",
    )


def _panel(pair: Pair, choice: Choice) -> None:
    with st.container(border=True, key=PANEL):
        panel(pair, choice)


def _grid(choice: Choice, pairs: list[Pair], opened: int | None, *, several: bool) -> list[DeltaGenerator]:
    """Cells in columns, whose places for badges are returned; the panel follows the cell that it is of, and the page's
    style gives it a row of its own."""
    badges = []
    columns = sum(pair.image is pairs[0].image for pair in pairs) if several else min(3, len(pairs))
    place = st.grid(columns, min_column_width=300, gap="medium", key="predict_grid")
    for nth, pair in enumerate(pairs):
        with place, st.container(border=True), cell(pair, choice, several, f"predict_cell_{nth}"):
            badges.append(panel_buttons(pair, choice, f"predict_cell_{nth}", opened=nth == opened))
        if nth == opened:
            with place:
                _panel(pair, choice)
    return badges


def _rows(choice: Choice, pairs: list[Pair], opened: int | None) -> list[DeltaGenerator]:
    badges, measuring = [], _measuring(pairs, choice, opened)
    for nth, pair in enumerate(pairs):
        key = f"predict_row_{nth}"
        place = full_row(f"predict_single_{nth}")
        draw_full_row(pair, choice, place, key, alone=False)
        with place.prediction:
            uncertainty_part(pair, choice, key, measures=nth in measuring)
            badges.append(panel_buttons(pair, choice, key, opened=nth == opened))
        if nth == opened:
            _panel(pair, choice)
    return badges
