"""What the server gets ready while its first page is looked at: TensorFlow here, and a worker that waits for a run."""

from __future__ import annotations

import gc
import os
import threading
from functools import cache
from importlib import import_module

from cnnviz.errors import RunError
from cnnviz.runs.launch import slots
from cnnviz.runs.worker_process import keep_spare

__all__ = ["get_ready"]

_MODULES = (
    "cnnviz.models.load.load",
    "cnnviz.explain.attribution.methods.grad_cam",
    "cnnviz.explain.inspection.activations",
)
"""What Predict and Inside need of TensorFlow, and bring with them, for their first answer."""
_PAGES_THAT_TRAIN = frozenset({"", "train", "runs", "learn"})


def get_ready(page: str) -> None:
    """Loads TensorFlow in the background, once, and keeps a spare worker where a run can be started.

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
    threading.Thread(target=_load_tensorflow, daemon=True).start()


def _load_tensorflow() -> None:
    """Imports what answers need, and takes it out of what garbage is looked for in.

    Streamlit (1.67) calls `keras.backend.clear_session` after each rerun, which collects garbage: among all of
    TensorFlow's objects this takes 0.4 s, in which the server answers nobody.
    """
    for name in _MODULES:
        import_module(name)
    gc.freeze()
