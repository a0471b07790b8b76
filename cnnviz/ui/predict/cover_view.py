"""The panel of the Predict page that covers a part of the image and shows what becomes of the answer and the map."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnnviz.explain import METHODS
from cnnviz.explain.robustness.covering import COVERS, cover, pixel_box
from cnnviz.figures.html import render
from cnnviz.figures.prediction import map_scale
from cnnviz.probabilities import percent
from cnnviz.ui.components.announcement import announce
from cnnviz.ui.components.clickable_image import encode_image
from cnnviz.ui.components.cover_box import Box, cover_box
from cnnviz.ui.inputs.input_image import InputImage
from cnnviz.ui.inputs.selection import Choice, write_address
from cnnviz.ui.markdown import plain
from cnnviz.ui.predict.explanation_options import request_of
from cnnviz.ui.predict.prediction_job import Pair, Prediction, Shown, predicted_pairs
from cnnviz.ui.predict.result_view import map_over, model_part
from cnnviz.ui.session import query_params
from cnnviz.ui.session.widget_sync import seed

__all__ = ["cover_part"]

SIDE = 420
KEPT = 48
"""So many boxes' answers are kept in a session; dragging makes one after the other."""
PATIENCE_SECONDS = 2.0
"""A bar that comes and goes while a person drags would be worse than to wait."""
_RESTS, _BOX, _LAST = "predict_cover_rests", "predict_cover_box", "predict_cover_last"


@st.fragment
def cover_part(pair: Pair, choice: Choice) -> None:
    """Draws the image with a box to move, and before and after beside it. It reruns alone.

    Args:
        pair: that was predicted and explained.
        choice: where the box is kept.
    """
    prediction, shown = pair.prediction, pair.shown
    assert isinstance(prediction, Prediction)
    assert isinstance(shown, Shown)
    part = model_part(pair, SIDE)
    image, before, after = st.columns(3, gap="medium")
    with image:
        answer = _box(part, pair, choice)
    seen, request = prediction.seen, request_of(choice)
    box = pixel_box(choice.cover, seen.shape)
    made = cover(seen, box, choice.cover_with)
    identity = (*pair.image.identity, choice.cover, choice.cover_with)
    covered = InputImage(made, made.shape[:2], pair.image.title, identity, labels=pair.image.labels)
    target = pair.model.classifier.classes[shown.head][shown.index]
    with image:
        (other,) = predicted_pairs(
            [(pair.source, pair.model)],
            [covered],
            replace(request, head=shown.head, subject=target),
            name="predict_cover",
            kept=KEPT,
            patience=PATIENCE_SECONDS,
        )
    if not isinstance(other.prediction, Prediction) or not isinstance(other.shown, Shown):
        for message in {one for one in (other.prediction, other.shown) if isinstance(one, str)}:
            st.warning(plain(message), icon=":material/warning:")
        mark, last = st.session_state.get(_LAST, (None, None))
        if mark != (pair.source.id, pair.image.identity) or last is None:
            return
        other, box, how = last
    else:
        how = choice.cover_with
        st.session_state[_LAST] = ((pair.source.id, pair.image.identity), (other, box, how))
    assert isinstance(other.shown, Shown)
    greatest = max(float(one.explanation.strength[0]) for one in (shown, other.shown))
    for place, name, one, image_ in (
        (before, "As it is", pair, part),
        (after, "Covered", other, cover(part, _larger(box, seen.shape, part.shape), how)),
    ):
        with place:
            _side(name, one, image_, choice, target, greatest)
    for place, one in ((before, pair), (after, other)):
        place.html(render("cover_answer.html", words=f"{target}: {percent(_share(one, shown))}", now=""))
    with answer:  # where a person looks while they drag, on a phone too
        told = _told(pair, other, shown, target)
    if st.session_state.pop(_RESTS, True):
        write_address(choice)
        query_params.push_url_in_fragment()
        announce(told, key="predict_cover_said")
    else:
        announce("", key="predict_cover_said")


def _box(part: np.ndarray, pair: Pair, choice: Choice) -> DeltaGenerator:
    """The image with the box, and what covers it; returns the place between them."""
    mean = ",".join(str(round(one)) for one in part.reshape(-1, part.shape[-1]).mean(axis=0))
    fills = {"blur": "backdrop-filter:blur(2.2rem)", "grey": "background:#808080", "mean": f"background:rgb({mean})"}

    def moved(box: Box, rests: bool) -> None:
        choice.cover = box
        st.session_state[_RESTS] = rests

    cover_box(
        encode_image(part),
        f"The image {pair.image.title}, with a box to move over it",
        choice.cover,
        fills[choice.cover_with],
        key=_BOX,
        on_move=moved,
    )
    place = st.container()
    st.segmented_control(
        "Cover with",
        list(COVERS),
        format_func=COVERS.__getitem__,
        required=True,
        key=seed("predict_cover_with", choice.cover_with),
        on_change=lambda: setattr(choice, "cover_with", st.session_state["predict_cover_with"]),
        help="What is in the box: the image blurred, grey (128), or the image's mean colour.",
    )
    return place


def _larger(box: tuple[int, int, int, int], of: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """A box of the image that the model sees where it lies in a larger one."""
    top, left, height, width = box
    tall, wide = of[:2]
    percents = (100 * left / wide, 100 * top / tall, 100 * width / wide, 100 * height / tall)
    return pixel_box(percents, shape)


def _side(name: str, pair: Pair, image: np.ndarray, choice: Choice, target: str, greatest: float) -> None:
    assert isinstance(pair.shown, Shown)
    st.subheader(name, anchor=False)
    alt = f"{name}: heat map over {pair.image.title}, where evidence for {target} is"
    st.html(map_over(image, pair.shown, choice.colour_map, alt, greatest or None))
    if greatest > 0:
        by_strength = METHODS[pair.shown.explanation.method].by_strength
        st.html(map_scale(greatest, choice.colour_map, by_strength=by_strength))


def _share(pair: Pair, shown: Shown) -> float:
    assert isinstance(pair.prediction, Prediction)
    return float(pair.prediction.probabilities[shown.head][shown.index])


def _told(pair: Pair, other: Pair, shown: Shown, target: str) -> str:
    """Draws the difference, and what else is the likeliest now; returns it in words."""
    first, second = _share(pair, shown), _share(other, shown)
    points = f"{100 * (second - first):+.1f}".replace("-", "−")
    points = "0.0" if points in ("+0.0", "−0.0") else points
    assert isinstance(other.prediction, Prediction)
    probabilities = other.prediction.probabilities[shown.head]
    likeliest = pair.model.classifier.classes[shown.head][int(probabilities.argmax())]
    now = "" if likeliest == target else f"Covered, it predicts {likeliest}, {percent(float(probabilities.max()))}."
    words = f"{target}: {percent(first)} → {percent(second)} ({points} points)"
    st.html(render("cover_answer.html", words=words, now=now))
    return f"{words}. {now}"
