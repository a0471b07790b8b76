"""What a server gets ready while its first page is looked at: TensorFlow, a model and a spare worker."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from functools import cache

import numpy as np

from cnnviz.engines.local import keep_spare
from cnnviz.errors import RunError
from cnnviz.runs.launch import slots
from cnnviz.ui.inputs.model_cache import load_ahead, of_run, prepare, runs_with_model

__all__ = ["get_ready"]

MOST_BYTES = 50_000_000
"""A file of a model that is larger isn't loaded before somebody asks for it."""
_PAGES_THAT_TRAIN = frozenset({"", "train", "runs", "learn"})


def get_ready(page: str) -> None:
    """Loads TensorFlow and a model in the background, once, and keeps a spare worker where a run can be started.

    Called when a page is drawn, so that the first one doesn't wait for it; with `CNNVIZ_SPARE=0` neither is done.

    Args:
        page: the last part of the page's address; "" for the app's first.
    """
    if os.environ.get("CNNVIZ_SPARE") == "0":
        return
    _load()
    if page in _PAGES_THAT_TRAIN:
        try:
            keep_spare(slots())
        except RunError:
            return  # what is the matter with the slots is said where a run is started


@cache
def _load() -> None:
    threading.Thread(target=_first_answer, daemon=True).start()


def _first_answer() -> None:
    """Loads TensorFlow and the model that Predict and Inside open with, and asks it what they do: what is asked first
    takes some seconds longer."""
    with suppress(Exception):  # what is wrong is said where a model is asked
        prepare()
        for run in runs_with_model()[:1]:
            if run.best_path.stat().st_size > MOST_BYTES or (model := load_ahead(of_run(run))) is None:
                continue
            from cnnviz.explain import Target, explain
            from cnnviz.explain.inspection.activations import activations
            from cnnviz.explain.inspection.receptive_field import layer_rows

            classifier = model.classifier
            pixels = classifier.pixels(np.zeros((1, *classifier.model.input_shape[1:]), np.uint8))
            with model.lock:
                explain(classifier.model, pixels, method="grad-cam", target=Target())
                activations(classifier, pixels, [row.name for row in layer_rows(classifier)])
