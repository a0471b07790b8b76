"""What the Predict page computes: predictions and maps, in the background, each once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from cnnviz.bounded_cache import BoundedCache
from cnnviz.errors import CnnvizError, ModelError
from cnnviz.explain import METHODS, Explanation, Target, explain
from cnnviz.explain.uncertainty.calibration_of_run import Calibration, kept_calibration
from cnnviz.explain.uncertainty.training_features_of_run import TrainingFeatures, kept_training_features
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run
from cnnviz.ui.inputs.input_image import InputImage
from cnnviz.ui.inputs.model_cache import LockedModel, ModelSource
from cnnviz.ui.session import background_job

if TYPE_CHECKING:
    from cnnviz.explain.uncertainty.embedding import Embedding

__all__ = ["DEFAULT_METHOD", "WITHOUT_LAYERS", "Facts", "Pair", "Prediction", "Request", "Shown", "predicted_pairs"]

DEFAULT_METHOD, WITHOUT_LAYERS = "grad-cam", "occlusion"
KEPT = 512
STOPPED = "This was stopped; another choice begins anew."
UNFINISHED = "This could not be computed."


@dataclass(frozen=True)
class Request:
    """What is to be explained, and how; empty texts stand for the defaults, see `selection.Choice`."""

    head: str = ""
    subject: str = ""
    against: str = ""
    method: str = ""
    layer: str = ""
    settings: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Facts:
    """What can be asked of a model: its convolutions, from input to output, and why there are none, else ""."""

    layers: tuple[str, ...]
    why_none: str = ""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model saw, uint8 (h, w, c), and its class probabilities by head, float32 (classes,)."""

    seen: np.ndarray
    probabilities: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Shown:
    """An explanation of one image (n is 1) and in which words it was asked for.

    `head` and `index` are the class that is explained, `against` the class it is compared with, or `None`; `notes` are
    sentences on what was asked for but not to be had.
    """

    explanation: Explanation
    head: str
    index: int
    against: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Pair:
    """A model and an image: what is known of them so far. Sentences stand where something could not be had.

    `calibration` and `training` are what the run has kept of its held-out and training images, and `embedding` what the
    model makes of this image to compare it with them. `before` is the map that was shown last, for the time until
    another one is there; `strip` are the maps of all convolutions, from the input on.
    """

    source: ModelSource
    model: LockedModel
    image: InputImage
    facts: Facts | None = None
    prediction: Prediction | str | None = None
    shown: Shown | str | None = None
    before: Shown | None = None
    strip: tuple[Shown | str, ...] = ()
    calibration: Calibration | None = None
    training: TrainingFeatures | None = None
    embedding: Embedding | str | None = None


def _made(store: BoundedCache[Any], key: tuple, make: Callable[[], Any]) -> Any:
    """Returns what is kept under the key, after making it where it isn't there; errors are kept as sentences."""

    def attempt() -> Any:
        try:
            return make()
        except CnnvizError as error:
            return str(error)

    return store.made(key, attempt)


def predicted_pairs(
    chosen: Sequence[tuple[ModelSource, LockedModel]],
    images: Sequence[InputImage],
    request: Request,
    strip: int | None = None,
    name: str = "predict",
    kept: int = KEPT,
    patience: float = background_job.PATIENCE_SECONDS,
    judged: bool = False,
) -> list[Pair]:
    """Returns every model with every image and what is known of them; the rest is begun, and a bar shows how far.

    Args:
        strip: the number of the pair whose map is wanted for each convolution too.
        name: of the work, in this session; what it makes is kept under it.
        kept: how much of that at most.
        patience: seconds to wait for it before a bar is shown.
        judged: whether the answers are to be compared with what their runs know of held-out and training images.
    """
    store: BoundedCache[Any] = st.session_state.setdefault(f"{name}_store", BoundedCache(kept))
    facts = {source.id: _kept(source.run) for source, _ in chosen if judged and source.run is not None}
    pairs = [Pair(source, model, image, **facts.get(source.id, {})) for image in images for source, model in chosen]
    wanted = (request, (strip, *(id(pair.training) for pair in pairs)), tuple(_key(pair) for pair in pairs))

    def known() -> list[Pair]:
        return [_known(store, pair, request, nth == strip) for nth, pair in enumerate(pairs)]

    found = known()
    missing = any(_missing(pair, nth == strip and _is_cam(request, pair.facts)) for nth, pair in enumerate(found))
    asked = all(pair.prediction is not None for pair in found)
    what = METHODS[method_of(request, found[0].facts)].title if asked and found else "Predicting"
    work = background_job.keyed_job(
        name, wanted, partial(_work, store, found, request, strip), what, begin=missing, patience=patience
    )
    if work is None:
        return found
    ended = work.message or (STOPPED if work.stopped else UNFINISHED)
    return [_ended(pair, ended) for pair in known()]


def _kept(run: Run) -> dict[str, Any]:
    training = kept_training_features(run)
    calibration = kept_calibration(run) or (None if training is None else training.calibration)
    return {"calibration": calibration, "training": training}


def _key(pair: Pair) -> tuple:
    return pair.source.stamp, pair.image.identity


def _known(store: BoundedCache[Any], pair: Pair, request: Request, strip: bool) -> Pair:
    facts = store.get((pair.source.stamp,))
    layers = facts.layers if facts is not None and strip and _is_cam(request, facts) else ()
    made: tuple[Any, ...] = tuple(store.get((*_key(pair), replace(request, layer=layer))) for layer in layers)
    shown, last = store.get((*_key(pair), request)), (*_key(pair), "last")
    if isinstance(shown, Shown):
        store.put(last, shown)
    return replace(
        pair,
        facts=facts,
        prediction=store.get(_key(pair)),
        embedding=store.get((*_key(pair), "embedding")),
        shown=shown,
        before=store.get(last),
        strip=made if None not in made else (),
    )


def _missing(pair: Pair, strip: bool) -> bool:
    if pair.facts is None or pair.prediction is None or pair.shown is None:
        return not isinstance(pair.prediction, str)
    if pair.training is not None and pair.embedding is None:
        return True
    return strip and not pair.strip and bool(pair.facts.layers) and isinstance(pair.shown, Shown)


def _ended(pair: Pair, message: str) -> Pair:
    if pair.prediction is None:
        return replace(pair, prediction=message)
    return replace(pair, shown=message) if pair.shown is None else pair


def _is_cam(request: Request, facts: Facts | None) -> bool:
    return METHODS[method_of(request, facts)].family == "cam"


def method_of(request: Request, facts: Facts | None) -> str:
    """Returns the method that is used for a model: the wanted one, or what works without convolutions."""
    wanted = request.method if request.method in METHODS else DEFAULT_METHOD
    if facts is not None and not facts.layers and METHODS[wanted].family == "cam":
        return WITHOUT_LAYERS
    return wanted


def _work(
    store: BoundedCache[Any],
    pairs: Sequence[Pair],
    request: Request,
    strip: int | None,
    progress: Progress,
    cancelled: CancelCheck,
) -> None:
    """Predictions first, as they are what a person looks at first; then the maps."""
    for nth, pair in enumerate(pairs):
        if cancelled():
            return
        if store.get(_key(pair)) is None:
            progress("Predicting", nth, len(pairs) if len(pairs) > 1 else 0)
        _made(store, (pair.source.stamp,), partial(_facts, pair.model))
        found = _made(store, _key(pair), partial(_prediction, pair))
        if pair.training is not None and isinstance(found, Prediction):
            _made(store, (*_key(pair), "embedding"), partial(_embedding, pair, found))
    for nth, pair in enumerate(pairs):
        facts: Any = store.get((pair.source.stamp,))
        prediction = store.get(_key(pair))
        requests = [request]
        if nth == strip and _is_cam(request, facts):
            requests += [replace(request, layer=layer) for layer in facts.layers]
        image = f", image {nth + 1}" if len(pairs) > 1 else ""

        def tell(what: str, done: int, total: int, image: str = image) -> None:
            progress(what + image, done, total)

        for one in requests:
            if cancelled() or not isinstance(prediction, Prediction):
                break
            _made(store, (*_key(pair), one), partial(_explain, pair, facts, prediction, one, tell, cancelled))


def _facts(model: LockedModel) -> Facts:
    from cnnviz.models.graph.graph import flatten

    try:
        with model.lock:
            graph = flatten(model.classifier.model)
    except ModelError as error:
        return Facts((), str(error))
    return Facts(tuple(graph.convolutions), "" if graph.convolutions else "It has no convolution.")


def _prediction(pair: Pair) -> Prediction:
    seen = pair.model.classifier.fit(pair.image.whole(pair.model.classifier.bits))
    heads = pair.model.classifier.heads
    probabilities = pair.model.predict(seen[None])
    return Prediction(seen, {head.name: values[0] for head, values in zip(heads, probabilities, strict=True)})


def _embedding(pair: Pair, prediction: Prediction) -> Embedding:
    from cnnviz.explain.uncertainty.embedding import embed

    return embed(pair.model.classifier, prediction.seen[None], lock=pair.model.lock)


def _against(
    image: InputImage,
    request: Request,
    head: str,
    classes: Sequence[str],
    order: np.ndarray,
    index: int,
    notes: list[str],
) -> int | None:
    """With which class the explained one is compared; adds a note where it isn't the one that was asked for."""
    truth = dict(image.labels).get(head)
    if request.against == "truth" and truth not in classes:
        notes.append("The true class of this image isn't known, so that nothing is compared.")
        return None
    if request.against == "truth" and classes.index(truth) != index:
        return classes.index(truth)
    if request.against == "truth":
        notes.append("The prediction is the true label, so the second likeliest class is compared.")
    return int(next(one for one in order if one != index)) if request.against else None


def _explain(
    pair: Pair, facts: Facts, prediction: Prediction, request: Request, progress: Progress, cancelled: CancelCheck
) -> Shown:
    classifier, notes = pair.model.classifier, []
    names = [head.name for head in classifier.heads]
    head = request.head if request.head in names else names[0]
    probabilities, classes = prediction.probabilities[head], classifier.classes[head]
    order = np.argsort(-probabilities, kind="stable")
    index = int(order[0])
    if request.subject in classes:
        index = classes.index(request.subject)
    elif request.subject:
        notes.append(f"It has no class {request.subject!r}; what it predicts is explained.")
    against = _against(pair.image, request, head, classes, order, index, notes)
    method = method_of(request, facts)
    layer = request.layer if METHODS[method].family == "cam" and request.layer in facts.layers else None
    settings: dict[str, Any] = dict(request.settings) if method == request.method else {}
    with pair.model.lock:
        explanation = explain(
            classifier.model,
            classifier.pixels(prediction.seen[None]),
            method=method,
            layer=layer,
            target=Target(names.index(head), index, against),
            progress=progress,
            cancelled=cancelled,
            **settings,
        )
    return Shown(explanation, head, index, against, tuple(notes))
