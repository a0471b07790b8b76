"""How the Predict page shows a model's answer to an image: in full width, or many in a grid."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnnviz.augment.preview import display_size, image_bytes
from cnnviz.explain import METHODS
from cnnviz.figures.prediction import layered_images, prediction, top
from cnnviz.images import crop_box, fit
from cnnviz.overlay import overlay
from cnnviz.ui.inputs.input_image import InputImage, base, notes_on
from cnnviz.ui.inputs.model_cache import LockedModel
from cnnviz.ui.inputs.selection import Choice, remove
from cnnviz.ui.markdown import plain
from cnnviz.ui.predict.downloads import TOP, downloads, subject
from cnnviz.ui.predict.explanation_options import opacity
from cnnviz.ui.predict.metrics_panel import metrics_panel
from cnnviz.ui.predict.prediction_job import Pair, Prediction, Shown

__all__ = ["Row", "cell", "draw_full_row", "draw_metrics", "draw_waiting", "full_row", "strip"]

LARGE, SMALL, TINY = 720, 420, 240
"""Longest sides of images, in pixels."""
MANY_HEADS = 4


def draw_given_image(image: InputImage, model: LockedModel | None) -> None:
    """Draws the image as it was given, with the part marked that the model sees."""
    shown = fit(image.shown, display_size(image.shown.shape, SMALL))
    height, width = image.size
    caption = f"{image.title}, as given: {width:,} × {height:,}"
    if model is not None and model.classifier.crop != "whole":
        box = crop_box(shown.shape, model.classifier.image_size, model.classifier.crop)
        if box[2:] != shown.shape[:2]:
            shown, caption = _boxed(shown, box), f"{caption}; the model sees what is in the box"
    st.image(image_bytes(shown), caption=plain(caption), width="stretch", alt=f"The image {image.title}")
    for note in notes_on(image, model.classifier.bits if model is not None else None):
        st.caption(plain(note))


def _boxed(image: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    top_, left, height, width = box
    image = np.ascontiguousarray(image)
    corners = (left, top_), (left + width - 1, top_ + height - 1)
    for colour, thickness in (((255, 255, 255), 4), ((15, 118, 110), 2)):
        cv2.rectangle(image, *corners, colour, thickness)
    return image


def draw_model_input(prediction: Prediction) -> None:
    """Draws the image as the model gets it."""
    image = prediction.seen
    height, width, channels = image.shape
    st.image(
        image_bytes(image),
        width="stretch",
        caption=plain(f"As the model sees it: {width:,} × {height:,}{' grey' if channels == 1 else ''}"),
        alt="The image cropped and resized for the model",
    )


@dataclass(frozen=True, eq=False)
class Row:
    """The places of an image that is shown over the whole width; `work` is where a bar shows how far the rest is."""

    image: DeltaGenerator
    map: DeltaGenerator
    prediction: DeltaGenerator
    work: DeltaGenerator


def full_row() -> Row:
    """Makes the places; on narrow windows the prediction is the first of them."""
    with st.container(key="predict_single"):
        left, middle, right = st.columns([3, 6, 4], gap="large")
    return Row(left, middle, right.container(), right.container())


def draw_full_row(pair: Pair, choice: Choice, row: Row) -> None:
    """Draws one model's answer to one image over the whole width."""
    with row.image:
        draw_given_image(pair.image, pair.model)
        if isinstance(pair.prediction, Prediction):
            with st.container(width=200):
                draw_model_input(pair.prediction)
    with row.map:
        _map(pair, choice, LARGE)
        opacity(choice)
        _words(pair)
        if isinstance(pair.shown, Shown):
            downloads(pair, pair.shown, choice, "predict_save")
            about = METHODS[pair.shown.explanation.method]
            st.caption(f"**{plain(about.title)}** {plain(_continued(about.description))} ({plain(about.paper)})")
    with row.prediction:
        draw_predictions(pair, choice)


def draw_metrics(pair: Pair, choice: Choice, key: str) -> None:
    """Draws what measures how far the map can be trusted, folded."""
    if isinstance(pair.shown, Shown) and isinstance(pair.prediction, Prediction):
        made, run = pair.shown.explanation, pair.source.run
        metrics_panel(
            pair.model,
            pair.prediction.seen,
            made,
            key=key,
            run=run,
            colour_map=choice.colour_map,
            names=(pair.source.file_part, pair.image.title),
        )


def _continued(description: str) -> str:
    """Sentences without a subject, put behind a name: "Adds up …" becomes "adds up …"."""
    return description[:1].lower() + description[1:]


def draw_waiting(image: InputImage) -> None:
    """Draws an image that no model is there for yet, where the prediction will stand."""
    row = full_row()
    with row.image:
        draw_given_image(image, None)
    with row.map:
        shown = fit(image.shown, display_size(image.shown.shape, LARGE))
        data = image_bytes(shown)
        st.html(layered_images(data, data, shown.shape, f"The image {image.title}"))


def cell(pair: Pair, choice: Choice, several: bool, key: str) -> None:
    """Draws one of many: the overlay, the prediction, and the rest folded.

    Args:
        several: whether there are several models, so that each is named.
        key: tells its widgets from those of other cells.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch"):
            name = f"**{plain(pair.image.title)}**"
            st.markdown(f"{name} · {plain(pair.source.title)}" if several else name)
        if len(choice.images) > 1:
            st.button(
                "Remove",
                icon=":material/close:",
                type="tertiary",
                key=f"{key}_remove",
                on_click=remove,
                args=(choice, pair.image),
                help=f"Takes {plain(pair.image.title)} away.",
            )
    _map(pair, choice, SMALL)
    draw_predictions(pair, choice, brief=True)
    with st.expander("More on this one", key=f"{key}_more", on_change="rerun") as more:
        if more.open:
            one, two = st.columns(2)
            with one:
                draw_given_image(pair.image, pair.model)
            with two:
                if isinstance(pair.prediction, Prediction):
                    draw_model_input(pair.prediction)
            _words(pair)
            if isinstance(pair.shown, Shown):
                downloads(pair, pair.shown, choice, key)
    draw_metrics(pair, choice, f"{key}_trust")


def _map(pair: Pair, choice: Choice, longest: int) -> None:
    shown = pair.shown if isinstance(pair.shown, Shown) else pair.before if pair.shown is None else None
    if shown is None:
        data = image_bytes(image := _base(pair, longest))
        st.html(layered_images(data, data, image.shape, f"The image {pair.image.title}"))
        return
    alt = f"Heat map over {pair.image.title}: where evidence for {subject(pair, shown)} is"
    st.html(_drawn(pair, shown, _identity(pair, shown), choice.colour_map, longest, alt))


def _base(pair: Pair, longest: int) -> np.ndarray:
    return base(pair.image, pair.model.classifier.image_size, pair.model.classifier.crop, longest)


def _identity(pair: Pair, shown: Shown) -> tuple:
    made = shown.explanation
    return (pair.source.stamp, pair.image.identity, made.method, made.layer, shown.head, shown.index, shown.against)


@st.cache_data(show_spinner=False, max_entries=128)
def _drawn(_pair: Pair, _shown: Shown, identity: tuple, colour_map: str, longest: int, alt: str) -> str:
    image = _base(_pair, longest)
    heat = overlay(image, _shown.explanation.map[0], 1.0, colour_map)
    return layered_images(image_bytes(image), image_bytes(heat), image.shape, alt)


def _words(pair: Pair) -> None:
    """What is shown, from which layer and why, and how strong it is."""
    if isinstance(pair.shown, str):
        st.warning(plain(pair.shown), icon=":material/warning:")
    if not isinstance(pair.shown, Shown):
        return
    made = pair.shown.explanation
    about = METHODS[made.method]
    of = f" of **{plain(subject(pair, pair.shown))}**" if about.of_class else ", the same for every class,"
    at = f" at **{plain(made.layer)}**" if made.layer else ""
    if made.note:
        st.info(plain(made.note), icon=":material/info:")
    st.caption(
        f"**{plain(about.title)}**{of}{at}. {plain(made.why)} Strongest point "
        f"{plain(f'{made.strength[0]:.3g}')}, the class's score {plain(f'{made.scores[0]:.3g}')}."
    )
    for note in (*pair.shown.notes, *made.remarks):
        st.caption(plain(note))


def draw_predictions(pair: Pair, choice: Choice, *, brief: bool = False) -> None:
    """Draws what the model predicts, the head that is explained first."""
    if isinstance(pair.prediction, str):
        st.error(plain(pair.prediction), icon=":material/error:")
    if not isinstance(pair.prediction, Prediction):
        return
    classifier, truths = pair.model.classifier, dict(pair.image.labels)
    names = [head.name for head in classifier.heads]
    first = choice.head if choice.head in names else names[0]
    names = [first, *(name for name in names if name != first)]
    drawn = []
    for nth, name in enumerate(names):
        probabilities, classes = pair.prediction.probabilities[name], classifier.classes[name]
        order = np.argsort(-probabilities, kind="stable")[: 3 if brief else TOP]
        rows = [(classes[index], float(probabilities[index])) for index in order]
        truth = truths.get(name, "") if truths.get(name) in classes else ""
        drawn.append(
            prediction(
                *rows[0],
                head=name if len(names) > 1 else "",
                truth=truth,
                large=nth == 0,
                others=[share for _, share in rows[1:]],
            )
        )
        if len(names) <= MANY_HEADS or nth == 0:
            marked = classes[pair.shown.index] if isinstance(pair.shown, Shown) and pair.shown.head == name else ""
            drawn.append(top(rows, marked or rows[0][0]))
    st.html("".join(f'<div style="margin-bottom:1rem">{part}</div>' for part in drawn))


def strip(pair: Pair, choice: Choice) -> None:
    """Draws the same explanation for each convolution, from the input on."""
    st.markdown(f"**Every convolution, from the input on** · {plain(pair.image.title)} · {plain(pair.source.title)}")
    place = st.grid(6, min_column_width=130, gap="small", key="predict_strip")
    layers = pair.facts.layers if pair.facts is not None else ()
    for layer, shown in zip(layers, pair.strip, strict=True):
        with place:
            if isinstance(shown, str):
                st.caption(f"{plain(layer)}: {plain(shown)}")
                continue
            made = shown.explanation
            height, width = made.map.shape[1:]
            weak = " · no positive evidence" if made.note else ""
            with st.container(gap="xsmall"):
                alt = f"Heat map at {layer}"
                st.html(_drawn(pair, shown, _identity(pair, shown), choice.colour_map, TINY, alt))
                st.caption(f"{plain(layer)} · {width} × {height} · {plain(f'{made.strength[0]:.3g}')}{weak}")
