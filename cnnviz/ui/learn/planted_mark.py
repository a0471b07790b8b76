"""Which clue a model took: a mark planted in one digit's images, a model trained on them, and where it looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import streamlit as st

from cnnviz.augment.preview import image_bytes
from cnnviz.data import open_dataset
from cnnviz.data.planted_mark import MARKED, marked_digits, planted
from cnnviz.errors import CnnvizError
from cnnviz.explain import Target, explain
from cnnviz.explain.robustness.planted_mark import MarkEffect, mark_effect
from cnnviz.figures.tiles import tiles
from cnnviz.images import enlarge
from cnnviz.overlay import overlay
from cnnviz.presets import PRESETS
from cnnviz.progress import CancelCheck, Progress
from cnnviz.recipe import Recipe, replace
from cnnviz.runs import Run, recipe_of, results_cache
from cnnviz.ui.inputs.model_cache import LockedModel
from cnnviz.ui.inputs.model_job import job_with_models
from cnnviz.ui.learn.guess import guess
from cnnviz.ui.learn.training import trained_runs
from cnnviz.ui.markdown import plain

__all__ = ["planted_mark"]

EPOCHS = 8
_SHOWN, _ENLARGED = 3, 18


def recipe() -> Recipe:
    """Returns the digits' recipe on digits of which one class carries the mark; no step moves the mark."""
    return replace(
        PRESETS["Q"],
        {
            "name": "Digits with a planted mark",
            "data.dataset": str(marked_digits()),
            "augmentation.steps": [],
            "fit.epochs": EPOCHS,
        },
    )


def planted_mark(listed: Sequence[Run]) -> None:
    """Draws some of the images, the training on press, and what the model goes by."""
    try:
        wanted = recipe()
        images, labels = _held_out(wanted)
    except CnnvizError as error:
        st.error(plain(error), icon=":material/error:")
        return
    own = images[labels == MARKED]
    st.html(
        tiles(
            [(_png(one), f"Training: {MARKED}", f"A digit {MARKED} with a white mark") for one in planted(own[:2])]
            + [(_png(images[labels == other][0]), f"Training: {other}", f"A digit {other}") for other in (3, 5)],
            130,
        )
    )
    guessed = guess(
        f"Your guess: how many of the {MARKED}s are still found without the mark?",
        key="learn_mark_guess",
        help="The mark was in each of them while the model was trained.",
    )
    trained_runs(
        {"With the mark": wanted},
        listed,
        label="Train it: about 20 seconds",
        key="learn_mark",
        draw=partial(_effect, guessed=guessed),
    )


def _held_out(wanted: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """The test split, which has no mark: uint8 (n, 8, 8, 1) and int64 (n,)."""
    split = open_dataset(wanted.data).splits["test"]
    return np.stack([split.image(i) for i in range(len(split))]), split.labels["label"]


def _effect(found: Mapping[str, Run], guessed: float | None) -> None:
    for run in found.values():
        if run.active:
            return
        place = results_cache.place(run, "planted_mark", 1)
        effect, maps = results_cache.read_record(place, MarkEffect), results_cache.read(place)
        if effect is None or maps is None:
            job_with_models(
                "learn_mark_job",
                [run],
                partial(_measure, run),
                "Predicting with and without the mark",
                label="See what it goes by",
                icon=":material/search:",
                key="learn_mark_measure",
                help="Predicts the held-out digits with and without the mark, and draws Grad-CAM.",
            )
            return
        _shown(effect, maps["images"], maps["maps"], guessed)


def _shown(effect: MarkEffect, images: np.ndarray, maps: np.ndarray, guessed: float | None) -> None:
    pictures = [
        (
            _png(overlay(enlarge(image, _ENLARGED), heat, 0.6)),
            f"Grad-CAM for {MARKED}",
            f"Grad-CAM over a marked {MARKED}",
        )
        for image, heat in zip(images, maps, strict=True)
    ]
    st.html(tiles(pictures, 160))
    columns = st.columns(3)
    columns[0].metric(f"{MARKED}s found, with the mark", f"{effect.with_mark:.0%}")
    columns[1].metric(f"{MARKED}s found, without it", f"{effect.without_mark:.0%}")
    columns[2].metric(f"Other digits with the mark called {MARKED}", f"{effect.others:.0%}")
    if guessed is not None:
        st.caption(f"You guessed {guessed:.0%} without the mark.")


def _measure(run: Run, models: list[LockedModel], progress: Progress, cancelled: CancelCheck) -> None:
    images, labels = _held_out(recipe_of(run))
    (model,) = models
    effect = mark_effect(lambda some: model.predict(some)[0].argmax(-1), images, labels, MARKED, planted)
    marked = planted(images[labels == MARKED][:_SHOWN])
    classifier = model.classifier
    with model.lock:
        found = explain(
            classifier.model,
            classifier.pixels(marked),
            method="grad-cam",
            target=Target(0, MARKED),
            progress=progress,
            cancelled=cancelled,
        )
    place = results_cache.place(run, "planted_mark", 1)
    results_cache.write(place, {"images": marked, "maps": found.map})
    results_cache.write_record(place, effect)


def _png(image: np.ndarray) -> bytes:
    large = enlarge(image, _ENLARGED) if image.shape[0] < 64 else image
    return image_bytes(large)
