"""How many images are enough: accuracy over 5 to 100 % of the digits, on pixels and on a model's cached features."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from cnnviz.data import open_dataset
from cnnviz.explain.inspection.learning_curve import SHARES, LearningCurve, learning_curve
from cnnviz.figures.learning_curve import learning_curve_chart
from cnnviz.figures.style import CONFIG
from cnnviz.presets import PRESETS
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run
from cnnviz.ui.inputs.model_cache import LockedModel, models_of_runs
from cnnviz.ui.learn.guess import guess
from cnnviz.ui.markdown import plain
from cnnviz.ui.session.background_job import run_job, say_end

__all__ = ["data_amount"]

_PIXELS = "The pixels themselves"


def data_amount(listed: Sequence[Run]) -> None:
    """Draws the guess, the measurement on press, and its chart."""
    run = next((run for run in listed if _knows_digits(run)), None)
    guessed = guess(
        f"Your guess: the accuracy with {SHARES[0]:.0%} of the images",
        key="learn_amount_guess",
        help="A tenth would be right by chance: there are ten digits.",
    )
    found: dict[str, LearningCurve] = st.session_state.setdefault("learn_amount", {})
    if not found:
        _draw_measuring(found, [run] if run is not None else [])
        return
    st.plotly_chart(
        learning_curve_chart({name: (one.images, one.accuracy) for name, one in found.items()}),
        config=CONFIG,
        key="learn_amount_chart",
        theme="streamlit",
        alt="Accuracy on held-out digits over the number of digits learned from",
    )
    told = {name: float(np.mean(one.accuracy[0])) for name, one in found.items()}
    images = next(iter(found.values())).images[0]
    said = " · ".join(f"{plain(name.lower())} {share:.0%}" for name, share in told.items())
    mine = f"You guessed {guessed:.0%}. " if guessed is not None else ""
    st.caption(f"{mine}With {images} images: {said}. The band is the range of five draws.")


def _draw_measuring(found: dict[str, LearningCurve], chosen: Sequence[Run]) -> None:
    session, wanted = st.session_state, "learn_amount_wanted"
    if not session.get(wanted):
        st.button(
            "Measure it",
            icon=":material/show_chart:",
            type="primary",
            key="learn_amount_measure",
            on_click=session.update,
            args=({wanted: True},),
            help="Fits a logistic regression to six shares of the 8 × 8 digits, five draws of each.",
        )
        return
    models = models_of_runs(chosen)
    if models is not None and (done := run_job("learn_amount", partial(_measure, models), "Reading the digits")):
        session[wanted] = False
        say_end(done)
        if done.result:
            found.update(done.result)
            st.rerun()


def _knows_digits(run: Run) -> bool:
    """Whether it is a model of handwritten digits that never saw these."""
    recipe = run.recipe
    return recipe is not None and recipe.data.dataset == "mnist" and not run.active and run.best_path.is_file()


def _measure(models: Sequence[LockedModel], progress: Progress, cancelled: CancelCheck) -> dict[str, LearningCurve]:
    dataset = open_dataset(PRESETS["Q"].data)
    learned, held_out = dataset.splits["train"], dataset.splits["validation"]
    images = [np.stack([split.image(i) for i in range(len(split))]) for split in (learned, held_out)]
    labels = [split.labels["label"] for split in (learned, held_out)]
    kinds: dict[str, list[Any]] = {_PIXELS: [one.reshape(len(one), -1).astype(np.float32) for one in images]}
    for model in models:
        kinds["Cached features of the MNIST model"] = [_features(model, one) for one in images]
    return {
        name: learning_curve(train, labels[0], held, labels[1], progress=progress, cancelled=cancelled)
        for name, (train, held) in kinds.items()
    }


def _features(model: LockedModel, images: np.ndarray) -> np.ndarray:
    """What the layer before the last makes of uint8 images (n, h, w, 1), float32 (n, k)."""
    from cnnviz.explain.inspection.activations import outputs_of
    from cnnviz.models.graph.graph import flatten

    classifier = model.classifier
    pixels = classifier.pixels(np.stack([classifier.fit(image) for image in images]))
    with model.lock:
        layer = flatten(classifier, logits=False).program.steps[-2].name
        features = outputs_of(classifier, pixels, [layer])[layer]
    return features.reshape(len(features), -1)
