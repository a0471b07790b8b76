"""The Inside page under its title: the model is loaded and followed, and the chosen view of the open layer drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnnviz.augment.preview import display_size, image_bytes
from cnnviz.errors import CnnvizError
from cnnviz.images import fit
from cnnviz.runs import snapshots
from cnnviz.ui.inputs.input_image import notes_on
from cnnviz.ui.inputs.model_cache import LockedModel, ModelSource, forget_failures, open_models
from cnnviz.ui.inputs.model_picker import doubts
from cnnviz.ui.inputs.selection import Choice
from cnnviz.ui.inside.activation_cache import layer_values, seen_by, table_of
from cnnviz.ui.inside.activations import activations_part
from cnnviz.ui.inside.comparison import beside_part
from cnnviz.ui.inside.feature_visualization import feature_visualization_part
from cnnviz.ui.inside.kernels import kernels_part
from cnnviz.ui.inside.layer_strip import open_layer, strip
from cnnviz.ui.inside.output_breakdown import numbers_part
from cnnviz.ui.inside.selection import VIEWS, Inspection, current_location, settle_layer, show
from cnnviz.ui.inside.top_activations import top_activations_part
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.snapshot_player import epochs_part
from cnnviz.ui.session import query_params
from cnnviz.ui.session.widget_sync import seed

if TYPE_CHECKING:
    from cnnviz.explain.inspection.receptive_field import LayerRow

__all__ = ["STYLE", "inside"]

STYLE = """
<style>
@media (max-width: 640px) {
  .st-key-inside_top > [data-testid="stLayoutWrapper"] > * { gap: 1rem; }
}
</style>
"""
_SIDE = 320
_SHOWN = (116, 200)
"""The greatest height and width of the image on the page, in pixels."""
_PARTS = {
    "activations": activations_part,
    "kernels": kernels_part,
    "patterns": feature_visualization_part,
    "numbers": numbers_part,
    "excites": top_activations_part,
    "beside": beside_part,
}


def inside(choice: Choice, source: ModelSource | None, place: DeltaGenerator) -> None:
    """Draws the model with the first image of the choice, or what is missing for it.

    Args:
        choice: of the Predict and the Inside page.
        source: the model; `None` where none is chosen.
        place: for what the model sees.
    """
    notes = st.container()
    found = _model(source)
    image = choice.images[0] if choice.images else None
    if image is None:
        st.write("Choose an image above: click on one of the samples.")
    elif found is None or source is None:
        with place:
            _image(image.shown, f"{image.title}, as given")
    else:
        _of(choice, source, found, place)
    with notes:
        if found is not None and source is not None:
            doubts(choice, source, found)
        for message in choice.told():
            st.warning(plain(message), icon=":material/info:")


def _model(source: ModelSource | None) -> LockedModel | None:
    """The loaded model; where there is none, what is said in its place."""
    if source is None:
        st.write("No model is chosen. Choose a run above, or train one: the digits take about 20 seconds.")
        st.page_link("pages/train.py", label="Choose data and model on Train", icon=":material/tune:")
        return None
    found = next(iter(open_models([source]) or []), None)
    if isinstance(found, str):
        st.error(f"**{plain(source.title)}**: {plain(found)}", icon=":material/error:")
        st.button(
            "Try again",
            icon=":material/refresh:",
            key="networks_again",
            on_click=forget_failures,
            help="Loads what could not be loaded once more.",
        )
        return None
    return found


def _of(choice: Choice, source: ModelSource, model: LockedModel, place: DeltaGenerator) -> None:
    image = choice.images[0]
    try:
        seen = seen_by(source, model, image)
    except CnnvizError as error:
        st.error(plain(error), icon=":material/error:")
        return
    height, width, channels = seen.shape
    with place:
        grey = " grey" if channels == 1 else ""
        _image(seen, f"{image.title}, as it is seen: {width:,} × {height:,}{grey}")
        for note in notes_on(image, model.classifier.bits):
            st.caption(plain(note))
    table = table_of(source, model)
    if not table or isinstance(table, str):
        if table is not None:
            st.error(plain(table or "The model has no layers."), icon=":material/error:")
        return
    _layer(choice, source, model, seen, table)


@st.fragment
def _layer(
    choice: Choice, source: ModelSource, model: LockedModel, seen: np.ndarray, table: tuple[LayerRow, ...]
) -> None:
    """Draws the strip, and the open layer below it; it reruns alone when another one, or another view, is opened."""
    layer, channel = settle_layer(choice, table)
    pixels = model.classifier.pixels(seen[None])
    opened = Inspection(model, source, choice.images[0], seen, pixels, table, layer, channel)
    layers = st.container()
    open_layer(table, layer)
    _view(opened)
    with layers:  # by now the view has computed what the layers give, in one pass
        strip(opened)
    query_params.push_url_in_fragment()


def _image(image: np.ndarray, caption: str) -> None:
    small = fit(image, display_size(image.shape, _SIDE), channels=image.shape[2])
    width = min(_SHOWN[1], round(_SHOWN[0] * image.shape[1] / image.shape[0]))
    st.image(image_bytes(small), width=max(40, width), alt=caption)
    st.caption(plain(caption))


def _view(opened: Inspection) -> None:
    """Draws the choice of views and the chosen one; nothing of the others is computed."""
    run = opened.source.run
    offered = [view for view in VIEWS if view != "epochs" or (run is not None and snapshots.moments(run.folder))]
    if current_location().view not in offered:
        current_location().view = offered[0]
    with st.container(key="inside_views"):
        st.segmented_control(
            "View",
            offered,
            format_func=VIEWS.__getitem__,
            key=seed("inside_view", current_location().view),
            required=True,
            label_visibility="collapsed",
            on_change=lambda: show(view=st.session_state["inside_view"]),
            help="What is shown of the open layer.",
        )
    view = current_location().view
    if view != "activations":
        layer_values(opened, opened.layer)  # for the strip
    if view == "epochs" and run is not None:
        epochs_part(run, "inside_epochs")
    else:
        _PARTS[view](opened)
