"""The panel of the Predict page with the training images behind an answer: the nearest, and those that raised or
lowered it, which can be left out to see what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import numpy as np
import streamlit as st

from cnnviz.bounded_cache import BoundedCache
from cnnviz.errors import CnnvizError
from cnnviz.explain.uncertainty.influence import Head, fitted_head, influences
from cnnviz.explain.uncertainty.training_features_of_run import TrainingFeatures, nearest_training_images
from cnnviz.figures.html import render
from cnnviz.probabilities import percent
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run
from cnnviz.ui.components.announcement import announce
from cnnviz.ui.components.image_gallery import Tile, image_gallery
from cnnviz.ui.inputs.input_image import of_item
from cnnviz.ui.inputs.selection import Choice, add
from cnnviz.ui.markdown import plain
from cnnviz.ui.predict.prediction_job import Pair, Prediction, Shown
from cnnviz.ui.predict.uncertainty_view import measure_button, training_data, training_file
from cnnviz.ui.session.background_job import keyed_job, say_end
from cnnviz.ui.session.widget_sync import set_widget_value_first

if TYPE_CHECKING:
    from cnnviz.explain.uncertainty.embedding import Embedding

__all__ = ["training_images_part"]

COUNT = 10
"""So many images are shown of each kind, and so many are left out."""
KEPT = 32
_STORE, _VIEW, _OPENED = "predict_influence_store", "predict_training_view", "predict_training_opened"
_TITLES = {"nearest": "Nearest", "raised": "Raised it", "lowered": "Lowered it"}
_CAPTIONS = {
    "nearest": "The training images that the model sees as most alike, by cosine distance of its features.",
    "raised": "Without them the answer would lose most; in log odds, for each image alone.",
    "lowered": "Without them the answer would gain most; in log odds, for each image alone.",
}


@dataclass(frozen=True, eq=False)
class _Influence:
    """A head trained on the features, the answer's probability by it, and by how much each image raised its log
    odds."""

    head: Head
    probability: float
    effects: np.ndarray


@st.fragment
def training_images_part(pair: Pair, choice: Choice) -> None:
    """Draws the panel. It reruns alone.

    Args:
        pair: that was predicted, explained and compared.
        choice: which gets a training image that is clicked on.
    """
    if st.session_state.pop(_OPENED, False):
        st.rerun(scope="app")
    shown, run = pair.shown, pair.source.run
    if run is None or not isinstance(shown, Shown):
        return
    if pair.training is None or pair.embedding is None:
        st.write("Nothing is known of its training images yet.")
        measure_button(run)
        return
    if isinstance(pair.embedding, str):
        st.warning(plain(pair.embedding), icon=":material/warning:")
        return
    known, classes = pair.training, pair.training.classes[shown.head]
    set_widget_value_first(_VIEW, "nearest")
    view = st.segmented_control(
        "Training images",
        list(_TITLES),
        format_func=_TITLES.__getitem__,
        key=_VIEW,
        required=True,
        label_visibility="collapsed",
        help="The nearest to this image, or those that raised or lowered its answer most (influence functions).",
    )
    assert view is not None
    influence, strongest = None, np.zeros(0, np.int64)
    if view == "nearest":
        near = nearest_training_images(known, pair.embedding, 0, shown.head, COUNT)
        rows = [(one.row, one.label, one.image, f"{one.distance:.3f}") for one in near]
    else:
        influence = _influence(pair, pair.embedding, known, shown)
        if influence is None:
            return
        strongest = np.argsort(-influence.effects if view == "raised" else influence.effects, kind="stable")[:COUNT]
        rows = [
            (
                int(known.rows[k]),
                classes[int(known.labels[shown.head][k])],
                known.names[k],
                f"{influence.effects[k]:+.3f}".replace("-", "−"),
            )
            for k in strongest.tolist()
        ]
    st.caption(_CAPTIONS[view])
    if influence is not None:
        _proof(pair, pair.embedding, known, shown, influence, view, strongest)
    dataset = training_data(run)
    if dataset is None:
        return
    addresses = [{"run": run.id, "item": f"train-{row + 1}"} for row, *_ in rows]
    tiles = [
        Tile(*training_file(dataset, run, row), label, (told, name), f"predict?{urlencode(address)}")
        for (row, label, name, told), address in zip(rows, addresses, strict=True)
    ]
    image_gallery(
        tiles,
        (),
        _TITLES[view],
        key=f"predict_training_{view}",
        on_open=lambda at: _show(choice, run, rows[at][0]),
        on_flag=lambda at, flag: None,
    )


def _show(choice: Choice, run: Run, row: int) -> None:
    """Puts a training image in the place of the images that are shown."""
    try:
        add(choice, [of_item(run, row + 1, "train")], instead=True)
    except CnnvizError as error:
        choice.note(str(error))
    st.session_state[_OPENED] = True


def _influence(pair: Pair, embedding: Embedding, known: TrainingFeatures, shown: Shown) -> _Influence | None:
    """What is known of the answer, computed in the background; `None` while that goes on."""
    store: BoundedCache[_Influence] = st.session_state.setdefault(_STORE, BoundedCache(KEPT))
    key = (pair.source.stamp, pair.image.identity, shown.head, shown.index)
    if (found := store.get(key)) is None:
        what = "Training a head on the features"
        work = keyed_job("predict_influence", key, partial(_compute, pair, embedding, known, shown), what)
        if work is not None and work.result is not None:
            return store.put(key, work.result)
        say_end(work, "Stopped; another image begins anew.")
    return found


@st.cache_resource(show_spinner=False)
def _heads() -> BoundedCache[Head]:
    return BoundedCache(KEPT)


def _compute(
    pair: Pair, embedding: Embedding, known: TrainingFeatures, shown: Shown, progress: Progress, cancelled: CancelCheck
) -> _Influence:
    labels, name = known.labels[shown.head], shown.head
    head = _heads().made(
        (pair.source.stamp, name),
        lambda: fitted_head(known.features, labels, len(known.classes[name]), cancelled=cancelled),
    )
    progress("Asking which images raised it", 0, 0)
    probability = float(head.probabilities(embedding.features)[0, shown.index])
    return _Influence(head, probability, influences(head, known.features, labels, embedding.features, shown.index))


def _proof(
    pair: Pair,
    embedding: Embedding,
    known: TrainingFeatures,
    shown: Shown,
    influence: _Influence,
    view: str,
    strongest: np.ndarray,
) -> None:
    """The button that leaves the strongest images out, and what became of the answer."""
    store: BoundedCache[float] = st.session_state.setdefault(f"{_STORE}_proof", BoundedCache(KEPT))
    key = (pair.source.stamp, pair.image.identity, shown.head, shown.index, view)
    subject = known.classes[shown.head][shown.index]
    after = store.get(key)
    if after is None:
        place = st.empty()
        asked = place.button(
            "Prove it",
            icon=":material/science:",
            key="predict_training_prove",
            help=f"Leaves these {COUNT} training images out, trains the head again on the features of the others, and "
            "shows the answer before and after.",
        )
        without = partial(_without, embedding, known, shown, influence, strongest)
        work = keyed_job("predict_proof", key, without, "Training", begin=asked)
        if work is None:
            return
        if work.result is None:
            say_end(work)
            return
        after = store.put(key, work.result)
    words = f"{subject}: {percent(influence.probability)} → {percent(after)} without these {COUNT} images"
    assert isinstance(pair.prediction, Prediction)
    own = percent(float(pair.prediction.probabilities[shown.head][shown.index]))
    now = f"Of a head that was trained anew on the model's features; the model itself says {own}."
    st.html(render("cover_answer.html", words=words, now=now))
    announce(words, key="predict_training_said")


def _without(
    embedding: Embedding,
    known: TrainingFeatures,
    shown: Shown,
    influence: _Influence,
    left_out: np.ndarray,
    progress: Progress,
    cancelled: CancelCheck,
) -> float:
    head = fitted_head(
        known.features,
        known.labels[shown.head],
        len(known.classes[shown.head]),
        start=influence.head,
        left_out=left_out,
        cancelled=cancelled,
    )
    return float(head.probabilities(embedding.features)[0, shown.index])
