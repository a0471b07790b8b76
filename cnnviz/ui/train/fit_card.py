"""The Train page's fourth card: how the model is fitted, and how long that will take."""

from __future__ import annotations

import streamlit as st

from cnnviz import runs
from cnnviz.errors import CnnvizError
from cnnviz.estimate import Estimate, Rate, estimate, measure, rate_of, work
from cnnviz.figures.numbers import numbers
from cnnviz.recipe import Fit, Recipe, parse
from cnnviz.ui.markdown import duration, plain
from cnnviz.ui.train.backbone_options import finetune_part
from cnnviz.ui.train.data_card import Found
from cnnviz.ui.train.learning_rate_part import learning_rate_button, learning_rate_result
from cnnviz.ui.train.recipe_draft import Draft, key
from cnnviz.ui.train.recipe_errors import in_words

__all__ = ["fit_card"]

NEWEST = 100  # runs that the estimate looks at
_OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "sgd": "SGD"}
_SCHEDULES = {"constant": "Constant", "cosine": "Cosine, down to zero", "plateau": "Halved on a plateau"}
_MONITORS = {"val_accuracy": "Highest validation accuracy", "val_loss": "Lowest validation loss"}
_WEIGHTS = {"none": "None", "balanced": "Balanced"}


def fit_card(draft: Draft, found: Found, recipe: Recipe | None, mistake: str) -> list[str]:
    """Draws the card and returns what is to be mended; `recipe` is the whole draft where it is free of mistakes, and
    `mistake` what is wrong with it as a whole, where all its parts are right."""
    with st.container(border=True, key="train_card_fit"):
        st.header("Fit", anchor="train-fit")
        controls, result = st.columns([1, 2], gap="large")
        ready = recipe if found.dataset is not None and not found.problems and not mistake else None
        with controls:
            _controls(draft, ready)
        with result:
            problems = _problems(draft) or ([mistake] if mistake else [])
            for message in problems:
                st.error(plain(message), icon=":material/error:")
            if problems:
                learning_rate_result(draft, None)
                return problems
            if recipe is None or found.dataset is None:
                st.caption("How long it takes is shown as soon as data and model are ready.")
            else:
                _times(recipe, len(found.dataset.splits["train"]))
            learning_rate_result(draft, ready)
    return []


def _problems(draft: Draft) -> list[str]:
    """At most one sentence: the first mistake in the fit, the seed or the name."""
    try:
        parse(draft.tree["fit"], Fit)
    except CnnvizError as error:
        return [in_words(error, draft.tree, "fit")]
    if draft.get("seed") is None:
        return ["The seed is empty: type a whole number such as 0."]
    if not draft.get("name").isprintable():
        return ["The name has characters that can't be printed: type it anew."]
    return []


def _controls(draft: Draft, ready: Recipe | None) -> None:
    st.text_input(
        "Name of the run",
        key=key(draft, "name"),
        max_chars=80,
        placeholder="such as: wider, with dropout",
        help="Only for you, to tell runs apart.",
    )
    with st.container(horizontal=True):
        st.selectbox(
            "Optimizer",
            list(_OPTIMIZERS),
            format_func=_OPTIMIZERS.__getitem__,
            key=key(draft, "fit.optimizer"),
            width=162,
            help="How the weights are moved after each batch. Adam is a good start; SGD has a momentum of 0.9.",
        )
        st.number_input(
            "Learning rate",
            1e-7,
            10.0,
            step=1e-4,
            format="%g",
            key=key(draft, "fit.learning_rate"),
            width=150,
            help="How far they are moved: 0.001 suits Adam; too high a rate and the loss jumps or becomes infinite.",
        )
    learning_rate_button(ready)
    with st.container(horizontal=True):
        st.number_input(
            "Epochs", 1, 10_000, key=key(draft, "fit.epochs"), width=98, help="Passes over the training images."
        )
        st.number_input(
            "Batch size",
            1,
            4096,
            key=key(draft, "fit.batch_size"),
            width=98,
            help="Images for one step of the weights.",
        )
        st.number_input(
            "Patience",
            1,
            None,
            value=None,
            placeholder="off",
            key=key(draft, "fit.patience"),
            width=98,
            help="Stops early after this many epochs without a better one; empty: never.",
        )
    finetune_part(draft)
    with st.expander("Schedule, weights and seed", key="train_more_fit", on_change="rerun") as more:
        if more.open:
            _more(draft)


def _more(draft: Draft) -> None:
    st.selectbox(
        "Schedule",
        list(_SCHEDULES),
        format_func=_SCHEDULES.__getitem__,
        key=key(draft, "fit.schedule"),
        help="How the learning rate changes over the epochs; a plateau is three epochs without a better one.",
    )
    st.selectbox(
        "Monitor",
        list(_MONITORS),
        format_func=_MONITORS.__getitem__,
        key=key(draft, "fit.monitor"),
        help="The metric whose best epoch is kept; early stopping and plateau look at it, too.",
    )
    st.selectbox(
        "Class weights",
        list(_WEIGHTS),
        format_func=_WEIGHTS.__getitem__,
        key=key(draft, "fit.class_weight"),
        help="Where classes are not equally frequent, rare ones can be given more weight in the loss.",
    )
    st.number_input(
        "Weight decay",
        0.0,
        1.0,
        step=1e-4,
        format="%g",
        key=key(draft, "fit.weight_decay"),
        help="Pulls weights towards zero at every step; 0 doesn't.",
    )
    st.number_input(
        "Steps per epoch",
        1,
        None,
        value=None,
        placeholder="all images once",
        key=key(draft, "fit.steps_per_epoch"),
        help="Batches of one epoch; empty: each image once.",
    )
    st.number_input(
        "Seed",
        0,
        2**32 - 1,
        key=key(draft, "seed"),
        help="The same recipe and seed on the same machine give the same weights.",
    )


def _times(recipe: Recipe, samples: int) -> None:
    rate = rate_of(runs.listing()[:NEWEST], recipe) or _measured()
    found = estimate(recipe, samples, rate)
    st.html(
        numbers(
            [
                ("An epoch", f"≈ {duration(found.epoch_seconds)}", "The time for training, estimated."),
                ("In all", f"≈ {duration(found.seconds)}", "Start-up and all epochs, without stopping early."),
                ("Steps per epoch", f"{found.steps:,}", "Batches, each one step of the weights."),
            ]
        )
    )
    st.caption(_source(found, recipe))


def _source(found: Estimate, recipe: Recipe) -> str:
    count = found.rate.runs
    if count:
        runs_ = "a finished run" if count == 1 else f"the {count} finished runs most like it"
        whence = f"The time is estimated from {runs_} on this computer."
    else:
        whence = "The time is a rough guess from a short measurement of this computer; finished runs make it better."
    images = f"{found.images:,} images an epoch × {round(work(recipe)[0]):,} multiplications."
    return f"{whence} {images}"


@st.cache_resource(show_spinner=False)
def _measured() -> Rate:
    return measure()
