"""What can be saved from the Predict page: the overlay as it is shown, the map's values, and the numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import streamlit as st

from cnnviz import images
from cnnviz.explain import METHODS
from cnnviz.explain.uncertainty.calibration_of_run import RISK
from cnnviz.explain.uncertainty.judgement_of_run import Known, judge_image, record_of
from cnnviz.figures.card import Card, card
from cnnviz.files import npy_bytes
from cnnviz.overlay import overlay
from cnnviz.probabilities import percents
from cnnviz.ui.download_button import download_button
from cnnviz.ui.file_names import file_name
from cnnviz.ui.inputs.input_image import base
from cnnviz.ui.inputs.selection import Choice
from cnnviz.ui.predict.prediction_job import Pair, Prediction, Shown

__all__ = ["card_button", "downloads", "numbers", "numbers_button", "subject"]

TOP = 5


def subject(pair: Pair, shown: Shown) -> str:
    """Returns what is explained, such as "cat" or "cat rather than dog"."""
    classes = pair.model.classifier.classes[shown.head]
    against = f" rather than {classes[shown.against]}" if shown.against is not None else ""
    return f"{classes[shown.index]}{against}"


def numbers(pair: Pair, risk: float = RISK) -> dict[str, Any]:
    """Returns one model's predictions to one image, as `python -m cnnviz predict --json` gives them.

    Args:
        pair: that was predicted.
        risk: with which chance prediction sets may lack the true class.

    Returns:
        `image`, `model` and `heads`, a record for each head of which the explained one says of its map; or `error`.
    """
    made: dict[str, Any] = {"photo": pair.image.title, "network": pair.source.title}
    if not isinstance(pair.prediction, Prediction):
        return made | {"error": pair.prediction or "It was not predicted yet."}
    probabilities = pair.prediction.probabilities
    judged: list[dict[str, Any]] = [{} for _ in probabilities]
    if pair.calibration is not None or pair.training is not None:
        embedding = None if isinstance(pair.embedding, str) else pair.embedding
        known = Known(pair.calibration, pair.training)
        found = judge_image(known, pair.model.classifier.classes, probabilities, embedding, risk=risk)
        judged = [record_of(one) for one in found]
    told = zip(probabilities.items(), judged, strict=True)
    return made | {"heads": [_head(pair, head, values) | more for (head, values), more in told]}


def _head(pair: Pair, head: str, probabilities: np.ndarray) -> dict[str, Any]:
    classes = pair.model.classifier.classes[head]
    order = np.argsort(-probabilities, kind="stable")[:TOP]
    record: dict[str, Any] = {
        "head": head,
        "class": classes[order[0]],
        "probability": float(probabilities[order[0]]),
        "top": [[classes[index], float(probabilities[index])] for index in order],
    }
    if truth := dict(pair.image.labels).get(head):
        record["true"] = truth
    if isinstance(pair.shown, Shown) and pair.shown.head == head:
        made = pair.shown.explanation
        record |= {"method": made.method, "layer": made.layer, "target": classes[pair.shown.index]}
        if pair.shown.against is not None:
            record["against"] = classes[pair.shown.against]
        record |= {"score": float(made.scores[0]), "strength": float(made.strength[0])}
        if made.note:
            record["note"] = made.note
    return record


def numbers_button(pairs: Sequence[Pair], choice: Choice, key: str) -> None:
    """Draws the button that saves the numbers of these pairs as one JSON file."""
    images, models = (
        list(dict.fromkeys(titles))
        for titles in ([pair.image.title for pair in pairs], [pair.source.file_part for pair in pairs])
    )
    of = [
        titles[0] if len(titles) == 1 else f"{len(titles)} {what}"
        for titles, what in ((models, "models"), (images, "images"))
    ]
    download_button(
        "Predictions (JSON)",
        lambda: json.dumps([numbers(pair, choice.risk / 100) for pair in pairs], indent=1),
        file_name(*of, "numbers", ending=".json"),
        key=f"{key}_json",
        help="Classes, probabilities, layer, score and strength as JSON.",
    )


def downloads(pair: Pair, shown: Shown, choice: Choice, key: str) -> None:
    """Draws the buttons that save the overlay, the map and the numbers; files are made when they are asked for."""
    classifier = pair.model.classifier
    of = (pair.source.file_part, pair.image.title, subject(pair, shown), shown.explanation.method)

    def image() -> bytes:
        whole = base(pair.image, classifier.image_size, classifier.crop, max(pair.image.shown.shape))
        made, by_strength = shown.explanation, METHODS[shown.explanation.method].by_strength
        laid = overlay(whole, made.map[0], choice.opacity / 100, choice.colour_map, by_strength=by_strength)
        return images.to_png(laid)

    with st.container(horizontal=True, gap="small"):
        download_button(
            "Overlay",
            image,
            file_name(*of, "overlay", ending=".png"),
            key=f"{key}_png",
            help="The image above as PNG, with this opacity and these colours.",
        )
        download_button(
            "Map",
            lambda: npy_bytes(np.asarray(shown.explanation.map[0], np.float32)),
            file_name(*of, "map", ending=".npy"),
            key=f"{key}_npy",
            help="The map's own values as a NumPy file: float32, of the layer's size, neither scaled nor resized.",
        )
        numbers_button([pair], choice, key)


def card_button(pair: Pair, shown: Shown, choice: Choice, key: str, trust: Callable[[], str]) -> None:
    """Draws the button that saves a card to share: image, overlay, answer, model, method and date.

    Args:
        trust: says whether the map holds.
    """
    made, classifier, method = shown.explanation, pair.model.classifier, METHODS[shown.explanation.method]

    def picture() -> bytes:
        part = base(pair.image, classifier.image_size, classifier.crop, 1072)
        laid = overlay(part, made.map[0], choice.opacity / 100, choice.colour_map, by_strength=method.by_strength)
        assert isinstance(pair.prediction, Prediction)
        probabilities = pair.prediction.probabilities[shown.head]
        words = Card(
            classifier.classes[shown.head][int(probabilities.argmax())],
            percents(sorted(map(float, probabilities), reverse=True))[0],
            pair.source.title,
            f"{method.title}{f' of {subject(pair, shown)}' if method.of_class else ''}"
            f"{f' at {made.layer}' if made.layer else ''}",
            f"{date.today():%Y-%m-%d}",
            trust(),
        )
        made_card = card(part, laid, words, strength=float(made.strength[0]), colour_map=choice.colour_map)
        return images.to_png(made_card)

    download_button(
        "Card to share",
        picture,
        file_name(pair.source.file_part, pair.image.title, subject(pair, shown), made.method, "card", ending=".png"),
        key=f"{key}_card",
        help="Image, map, prediction, model, method and date as one PNG of 1200 × 630 pixels.",
        icon=":material/share:",
    )
