"""How the Predict page shows a model's answer to an image: in full width, or many in a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnnviz.augment.preview import display_size, image_bytes
from cnnviz.explain import METHODS
from cnnviz.figures.html import render
from cnnviz.figures.prediction import layered_images, map_scale, prediction, top
from cnnviz.images import crop_box, fit, to_png
from cnnviz.overlay import map_layer
from cnnviz.probabilities import percent
from cnnviz.ui.inputs.input_image import InputImage, base, notes_on
from cnnviz.ui.inputs.model_cache import LockedModel
from cnnviz.ui.inputs.selection import Choice, remove
from cnnviz.ui.markdown import plain
from cnnviz.ui.predict.downloads import TOP, downloads, subject
from cnnviz.ui.predict.explanation_options import opacity
from cnnviz.ui.predict.prediction_job import Pair, Prediction, Shown
from cnnviz.ui.predict.uncertainty_view import foreign_words, is_foreign, uncertainty_words

__all__ = ["Row", "cell", "draw_full_row", "draw_waiting", "full_row", "map_over", "model_part", "strip", "told"]

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


def full_row(key: str = "predict_single") -> Row:
    """Makes the places; on narrow windows the prediction is the first of them."""
    with st.container(key=key):
        left, middle, right = st.columns([3, 6, 4], gap="large")
    return Row(left, middle, right.container(), right.container())


def draw_full_row(pair: Pair, choice: Choice, row: Row, key: str = "predict", *, alone: bool = True) -> None:
    """Draws one model's answer to one image over the whole width.

    Args:
        key: tells its widgets from those of other rows.
        alone: whether it is the only one, so that nothing need tell which it is.
    """
    with row.image:
        draw_given_image(pair.image, pair.model)
        if isinstance(pair.prediction, Prediction):
            with st.container(width=200):
                draw_model_input(pair.prediction)
    with row.map:
        _map(pair, choice, LARGE)
        if alone:
            opacity(choice)
        _words(pair)
        if isinstance(pair.shown, Shown):
            downloads(pair, pair.shown, choice, f"{key}_save")
            if alone:
                about = METHODS[pair.shown.explanation.method]
                st.caption(f"**{plain(about.title)}** {plain(_continued(about.description))} ({plain(about.paper)})")
    with row.prediction:
        if not alone:
            _title(pair, several=True)
        draw_predictions(pair, choice, level=2 if alone else 3)


def _title(pair: Pair, *, several: bool) -> None:
    name = plain(pair.image.title)
    st.header(f"{name} · {plain(pair.source.title)}" if several else name, anchor=False)


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


def cell(pair: Pair, choice: Choice, several: bool, key: str) -> DeltaGenerator:
    """Draws one of many: the overlay, the prediction, and the rest folded; returns a place below the prediction.

    Args:
        several: whether there are several models, so that each is named.
        key: tells its widgets from those of other cells.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch"):
            _title(pair, several=several)
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
    draw_predictions(pair, choice, brief=True, level=3)
    place = st.container()
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
    return place


def _map(pair: Pair, choice: Choice, longest: int) -> None:
    shown = pair.shown if isinstance(pair.shown, Shown) else pair.before if pair.shown is None else None
    if shown is None:
        data = image_bytes(image := model_part(pair, longest))
        st.html(layered_images(data, data, image.shape, f"The image {pair.image.title}"))
        return
    alt = f"Heat map over {pair.image.title}: where evidence for {subject(pair, shown)} is"
    st.html(_drawn(pair, shown, _identity(pair, shown), choice.colour_map, longest, alt))
    _scale(shown, choice)


def _scale(shown: Shown, choice: Choice) -> None:
    """What the map's colours stand for; nothing for an empty one."""
    strength, by_strength = float(shown.explanation.strength[0]), METHODS[shown.explanation.method].by_strength
    if strength > 0:
        st.html(map_scale(strength, choice.colour_map, by_strength=by_strength))


def model_part(pair: Pair, longest: int) -> np.ndarray:
    """Returns the part of the image that the model sees, see `input_image.base`."""
    return base(pair.image, pair.model.classifier.image_size, pair.model.classifier.crop, longest)


def _identity(pair: Pair, shown: Shown) -> tuple:
    made = shown.explanation
    return (pair.source.stamp, pair.image.identity, made.method, made.layer, shown.head, shown.index, shown.against)


@st.cache_data(show_spinner=False, max_entries=128)
def _drawn(_pair: Pair, _shown: Shown, identity: tuple, colour_map: str, longest: int, alt: str) -> str:
    image = model_part(_pair, longest)
    return map_over(image, _shown, colour_map, alt)


def map_over(image: np.ndarray, shown: Shown, colour_map: str, alt: str, greatest: float | None = None) -> str:
    """Returns an image, uint8 RGB, with a map over it as HTML.

    Args:
        greatest: the value that has the last colour; by default the map's greatest.
    """
    made = shown.explanation
    heat = map_layer(made.map[0], image.shape, colour_map, greatest, by_strength=METHODS[made.method].by_strength)
    above = to_png(heat) if heat.shape[2] == 4 else image_bytes(heat)
    return layered_images(image_bytes(image), above, image.shape, alt)


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
        f"**{plain(about.title)}**{of}{at}.",
        help=f"{plain(made.why)} Strongest point {plain(f'{made.strength[0]:.3g}')}, the class's score "
        f"{plain(f'{made.scores[0]:.3g}')}.",
    )
    for note in (*pair.shown.notes, *made.remarks):
        st.caption(plain(note))


def draw_predictions(pair: Pair, choice: Choice, *, brief: bool = False, level: int = 2) -> None:
    """Draws what the model predicts, the head that is explained first, each as a heading of this level."""
    if isinstance(pair.prediction, str):
        st.error(plain(pair.prediction), icon=":material/error:")
    if not isinstance(pair.prediction, Prediction):
        return
    classifier, truths = pair.model.classifier, dict(pair.image.labels)
    names = [head.name for head in classifier.heads]
    first = choice.head if choice.head in names else names[0]
    names = [first, *(name for name in names if name != first)]
    drawn = []
    if foreign := is_foreign(pair):
        st.warning(foreign_words(pair), icon=":material/help:")
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
                level=level,
                struck=foreign,
                notes=() if foreign else uncertainty_words(pair, name, choice),
            )
        )
        if len(names) <= MANY_HEADS or nth == 0:
            marked = classes[pair.shown.index] if isinstance(pair.shown, Shown) and pair.shown.head == name else ""
            drawn.append(top(rows, marked or rows[0][0]))
    st.html(render("predictions.html", parts=drawn))


def told(pairs: Sequence[Pair]) -> str:
    """Returns the predictions in one sentence each, for those who can't see them come."""
    sentences = []
    for pair in pairs:
        if isinstance(pair.prediction, Prediction):
            answers = []
            for head, probabilities in pair.prediction.probabilities.items():
                index = int(probabilities.argmax())
                answers.append(f"{pair.model.classifier.classes[head][index]}, {percent(float(probabilities[index]))}")
            sentences.append(f"{pair.image.title}: {'; '.join(answers)}, by {pair.source.title}.")
    return " ".join(sentences)


def strip(pair: Pair, choice: Choice) -> None:
    """Draws the same explanation for each convolution, from the input on, once all are there."""
    if not pair.strip:
        return
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
                _scale(shown, choice)
                st.caption(f"{plain(layer)} · {width} × {height}{weak}")
