"""What a server answers: predictions, heat maps, what model it has, and how it is asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import cv2
import numpy as np
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect

from cnnviz import __version__, images
from cnnviz.errors import CnnvizError, ImageError, ModelError, one_of, short
from cnnviz.explain import METHODS, Cancelled, Target, explain
from cnnviz.explain.attribution.image_overlay import image_overlay
from cnnviz.explain.attribution.targets import class_index
from cnnviz.explain.uncertainty.calibration_of_run import RISK
from cnnviz.explain.uncertainty.judgement_of_run import Known, judge, judge_image, predicted_record
from cnnviz.progress import CancelCheck
from cnnviz.serve.documentation_page import documentation_page
from cnnviz.serve.model_worker import Busy, ModelWorker
from cnnviz.serve.upload import Bodies, RefusedBody, image_in_form

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = ["MOST_OVERLAY_PIXELS", "application"]

DECODERS = 2
"""Images that are decoded at once: each may need 300 MB for a moment."""
MAP_SECONDS = 20
"""That a heat map may take, while predictions wait."""
MOST_OVERLAY_PIXELS = 4_000_000
"""Of an image under a heat map; larger ones are halved until they have no more."""
_NOT_COMPARED = "Ask with novelty=true to have it compared with the training images."
_FORM = {
    "required": True,
    "content": {
        "image/*": {"schema": {"type": "string", "format": "binary"}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["image"],
                "properties": {"image": {"type": "string", "format": "binary"}},
            }
        },
    },
}


class Problem(BaseModel):
    """What went wrong, as a sentence."""

    detail: str


class Neighbour(BaseModel):
    """One of the nearest training images."""

    image: str
    label: str
    distance: float


class HeadPrediction(BaseModel):
    """A head's prediction. `null` stands for what can't be known, with the reason in `note`."""

    head: str
    activation: str
    class_: str = Field(alias="class", description="The likeliest class.")
    probability: float = Field(description="Of that class, 0..1.")
    top: list[tuple[str, float]] = Field(description="The five likeliest classes with their probabilities.")
    probabilities: dict[str, float] = Field(description="Of all classes, by name.")
    calibrated: float | None = Field(description="The calibrated probability of the likeliest class, 0..1.")
    set: list[str] | None = Field(description="The classes that lack the right one with the chance `risk` at most.")
    foreign: bool | None = Field(description="Whether the image is like nothing in the training data.")
    novelty: float | None = Field(description="Share of held-out images that are nearer to the training images, 0..1.")
    neighbours: list[Neighbour] | None = Field(description="The nearest training images.")
    note: str | None = None


class Prediction(BaseModel):
    """What `cnnviz predict --json` says of an image."""

    photo: str = Field(description="The file's name in a form, else empty.")
    pixels: str = Field(description="What the model takes for pixels.")
    heads: list[HeadPrediction]


class Health(BaseModel):
    """That it works, and what it has done."""

    status: Literal["ok"] = "ok"
    images: int = Field(description="Predicted since it was started …")
    passes: int = Field(description="… in so many passes of the model.")


class Head(BaseModel):
    """A head of the model."""

    head: str
    activation: str
    classes: list[str]


class Model(BaseModel):
    """The model."""

    name: str
    input: tuple[int, int, int] = Field(description="Height, width and channels that images are brought to.")
    crop: str
    parameters: int
    heads: list[Head]
    methods: list[str] = Field(description="What `method` may be for a heat map.")


def application(
    classifier: Classifier, known: Known, predict: Callable[[np.ndarray], list[np.ndarray]] | None = None
) -> FastAPI:
    """Returns the application that answers for a model, as ASGI; its thread runs from its start-up to its shutdown.

    Args:
        classifier: the model.
        known: what its predictions are judged by.
        predict: what predicts as `classifier.predict` does; by default that.
    """
    worker, bodies = ModelWorker(predict or classifier.predict), Bodies()
    decoders = ThreadPoolExecutor(DECODERS, "decode")
    calibration = Known(known.calibration, None, known.note or (_NOT_COMPARED if known.training else ""))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        worker.start()
        yield
        decoders.shutdown(cancel_futures=True)
        await asyncio.to_thread(worker.stop)

    app = FastAPI(
        title=f"cnnviz serve {classifier.name}",
        version=__version__,
        description="Predictions and heat maps of one convolutional image classifier.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        responses={status: {"model": Problem} for status in (401, 408, 413, 422, 429, 503)},
    )
    _answer_in_sentences(app)

    async def uploaded(request: Request, shown: bool = False) -> tuple[str, np.ndarray, np.ndarray | None]:
        """The name of the image in a request, what the model sees of it, and what to draw on, if it is to be shown."""
        body = await bodies.read(request)
        try:
            kind = request.headers.get("content-type", "")
            return await asyncio.wrap_future(decoders.submit(_decoded, classifier, kind, body, shown))
        finally:
            bodies.release(len(body))

    @app.post(
        "/predict",
        summary="Predict an image",
        openapi_extra={"requestBody": _FORM},
        responses={200: {"model": Prediction}},
        response_class=JSONResponse,
    )
    async def predict_image(
        request: Request,
        risk: Annotated[
            float, Query(gt=0, lt=1, description="With which chance `set` may lack the right class.")
        ] = RISK,
        novelty: Annotated[
            bool, Query(description="Whether to compare it with the training images, which takes longer.")
        ] = False,
    ) -> JSONResponse:
        """Takes the bytes of an image as the body, or a form with one file. Answers with what `cnnviz predict --json`
        says of it, and with the probabilities of all classes."""
        name, seen, _ = await uploaded(request)
        found: list[np.ndarray] = await asyncio.wrap_future(worker.predict(seen))
        if novelty and known.training is not None:
            of_batch = [one[None] for one in found]
            work = worker.carry_out(lambda: judge(known, classifier, seen[None], risk, of_batch)[0])
            judged = await asyncio.wrap_future(work)
        else:
            by_head = {head.name: one for head, one in zip(classifier.heads, found, strict=True)}
            judged = judge_image(calibration, classifier.classes, by_head, None, risk=risk)
        heads = []
        for head, probabilities, judgement in zip(classifier.heads, found, judged, strict=True):
            classes = classifier.classes[head.name]
            record = predicted_record(head, classes, probabilities, judgement)
            record["probabilities"] = dict(zip(classes, map(float, probabilities), strict=True))
            heads.append(record)
        return JSONResponse({"photo": name, "pixels": classifier.scale, "heads": heads})

    @app.post(
        "/heatmap",
        summary="Draw what made the model predict that",
        openapi_extra={"requestBody": _FORM},
        responses={200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}},
        response_class=Response,
    )
    async def heat_map(
        request: Request,
        method: Annotated[str, Query(max_length=100, description=f"One of {', '.join(METHODS)}.")] = "grad-cam",
        head: Annotated[
            str | None, Query(max_length=200, description="The head to explain; the first by default.")
        ] = None,
        subject: Annotated[
            str | None,
            Query(alias="class", max_length=200, description="By name or index; the likeliest by default."),
        ] = None,
        layer: Annotated[
            str | None, Query(max_length=200, description="For CAM methods; the last convolution by default.")
        ] = None,
    ) -> Response:
        """Takes an image as /predict does. Answers with a PNG of the part that the model sees, under the map."""
        wanted = _wanted(classifier, method, head, subject, layer)
        _, seen, image = await uploaded(request, shown=True)
        end = time.monotonic() + MAP_SECONDS
        work = worker.carry_out(lambda: _drawn(classifier, wanted, seen, image, lambda: time.monotonic() > end))
        return Response(await asyncio.wrap_future(work), media_type="image/png")

    @app.get("/health", summary="Whether it works")
    async def health() -> Health:
        """Answers as soon as the model is loaded; needs no token."""
        return Health(images=worker.images, passes=worker.passes)

    @app.get("/model", summary="What model it has", responses={200: {"model": Model}}, response_class=JSONResponse)
    async def model() -> JSONResponse:
        """The heads with their classes, and the size that images are brought to."""
        return JSONResponse(_facts(classifier))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return documentation_page(app.openapi())

    return app


def _facts(classifier: Classifier) -> dict[str, Any]:
    heads = [
        {"head": head.name, "activation": head.activation, "classes": list(classifier.classes[head.name])}
        for head in classifier.heads
    ]
    return {
        "name": classifier.name,
        "input": [*classifier.image_size, classifier.channels],
        "crop": classifier.crop,
        "parameters": classifier.model.count_params(),
        "heads": heads,
        "methods": list(METHODS),
    }


def _decoded(classifier: Classifier, kind: str, body: bytes, shown: bool) -> tuple[str, np.ndarray, np.ndarray | None]:
    name = ""
    if kind.partition(";")[0].strip().lower() == "multipart/form-data":
        name, body = image_in_form(kind, body)
    image = images.decode(body, classifier.bits)
    seen = classifier.fit(image)
    while shown and image.shape[0] * image.shape[1] > MOST_OVERLAY_PIXELS:
        image = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return name, seen, image if shown else None


@dataclass(frozen=True)
class _Wanted:
    """What is explained: the method, the head's number, its class (`None` for the likeliest), and the layer."""

    method: str
    head: int
    index: int | None
    layer: str | None


def _wanted(classifier: Classifier, method: str, head: str | None, subject: str | None, layer: str | None) -> _Wanted:
    """What is asked for, checked.

    Raises:
        HTTPException: no such method, head or class.
    """
    names = [one.name for one in classifier.heads]
    if method not in METHODS:
        raise HTTPException(422, f"There is no method {short(method)!r}: {one_of(method, METHODS)}.")
    if head is not None and head not in names:
        raise HTTPException(422, f"{classifier.name} has no head {short(head)!r}: {one_of(head, names)}.")
    number = 0 if head is None else names.index(head)
    classes = classifier.classes[names[number]]
    index = class_index(subject, classes)
    if subject is not None and index is None:
        sentence = f"There is no class {short(subject)!r}: {one_of(subject, classes[:40])}, or its index."
        raise HTTPException(422, sentence)
    return _Wanted(method, number, index, layer)


def _drawn(
    classifier: Classifier, wanted: _Wanted, seen: np.ndarray, image: np.ndarray | None, cancelled: CancelCheck
) -> bytes:
    """The overlay as a PNG.

    Raises:
        HTTPException: there is no such layer, or it takes too long.
    """
    pixels = classifier.pixels(seen[None])
    index = wanted.index
    if index is None:
        index = int(classifier.predict(seen[None])[wanted.head][0].argmax())
    try:
        made = explain(
            classifier.model,
            pixels,
            method=wanted.method,
            target=Target(wanted.head, index),
            layer=wanted.layer,
            cancelled=cancelled,
        )
    except Cancelled:
        raise HTTPException(
            503, f"{METHODS[wanted.method].title} takes more than {MAP_SECONDS} s of this model: choose another method."
        ) from None
    except ModelError as error:
        raise HTTPException(422, str(error)) from None
    return images.to_png(image_overlay(classifier, seen if image is None else image, made))


def _answer_in_sentences(app: FastAPI) -> None:
    """Makes whatever goes wrong an object with a sentence: `{"detail": "…"}`."""

    def problem(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
        return JSONResponse({"detail": sentence}, status, dict(headers or {}))

    @app.exception_handler(CnnvizError)
    async def of_cnnviz(request: Request, error: CnnvizError) -> JSONResponse:
        status = error.status if isinstance(error, RefusedBody) else 422 if isinstance(error, ImageError) else 503
        return problem(status, str(error), {"Retry-After": "1"} if status == 503 else None)

    @app.exception_handler(Busy)
    async def of_many(request: Request, error: Busy) -> JSONResponse:
        return problem(503, "Too many images wait for the model: come again.", {"Retry-After": "1"})

    @app.exception_handler(ClientDisconnect)
    async def of_nobody(request: Request, error: ClientDisconnect) -> JSONResponse:
        return problem(400, "The client has gone.")

    @app.exception_handler(RequestValidationError)
    async def of_query(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return problem(422, f"{'.'.join(map(str, first['loc'][1:]))} can't be used: {short(first['msg'], 160)}.")

    @app.exception_handler(StarletteHTTPException)
    async def of_http(request: Request, error: StarletteHTTPException) -> JSONResponse:
        sentence = {
            404: "There is nothing at this address: /docs tells what there is.",
            405: f"This address takes no {short(request.method, 20)}: /docs tells what it takes.",
        }.get(error.status_code, str(error.detail))
        return problem(error.status_code, sentence, error.headers)
