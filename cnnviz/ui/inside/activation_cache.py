"""What the Inside page has computed: a model's table of layers and what they give for an image, each once."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from cnnviz.bounded_cache import BoundedCache
from cnnviz.errors import CnnvizError
from cnnviz.ui.inputs.input_image import InputImage
from cnnviz.ui.inputs.model_cache import LockedModel, ModelSource
from cnnviz.ui.inside.selection import Inspection
from cnnviz.ui.session import background_job

if TYPE_CHECKING:
    from cnnviz.explain.inspection.receptive_field import LayerRow

__all__ = ["cached_value", "layer_values", "seen_by", "table_of"]

KEPT_BYTES = 256 << 20
"""So much is kept for all sessions; the longest unused goes first, the newest always stays."""
AT_ONCE = 6_000_000
"""Models whose layers give at most so many numbers for an image are computed in one go, so that the next layer is
there at once; of larger ones each layer by itself."""
PATIENCE_SECONDS = 0.4
_STOPPED = "This was stopped; choose the layer again, or reload the page, to begin anew."
_WORK, _WANTED = "inside_work", "inside_wanted"


@st.cache_resource(show_spinner=False)
def _cache() -> BoundedCache[Any]:
    return BoundedCache(most_bytes=KEPT_BYTES)


def table_of(source: ModelSource, model: LockedModel) -> tuple[LayerRow, ...] | str | None:
    """Returns the model's layers, or the sentence why it can't be taken apart; `None` while it is being followed."""
    return _made((source.stamp, "table"), partial(_table, model), "Following the layers")


def _table(model: LockedModel) -> tuple[LayerRow, ...]:
    from cnnviz.explain.inspection.receptive_field import layer_rows

    with model.lock:
        return layer_rows(model.classifier)


def seen_by(source: ModelSource, model: LockedModel, image: InputImage) -> np.ndarray:
    """Returns what the model sees of an image, uint8 (h, w, c).

    Raises:
        ImageError: the image can't be read.
    """
    return cached_value(
        (source.stamp, image.identity, "seen"), lambda: model.classifier.fit(image.whole(model.classifier.bits))
    )


def layer_values(opened: Inspection, layer: str) -> np.ndarray | str | None:
    """Returns what a layer gives for the image, float32 of the layer's shape, or a sentence why there is nothing.

    `None` while it is computed; a bar shows that.
    """
    return _made((*opened.identity, layer), partial(_values, opened, layer), f"Computing {layer}")


def _values(opened: Inspection, layer: str) -> np.ndarray:
    from cnnviz.explain.inspection.activations import activations

    small = sum(math.prod(row.shape) for row in opened.table) <= AT_ONCE
    layers = [row.name for row in opened.table] if small else [layer]
    with opened.model.lock:
        found = activations(opened.model.classifier, opened.pixels, layers)
    for name, values in found.items():
        _cache().put((*opened.identity, name), values)
    return found[layer]


def cached_value(key: tuple, make: Callable[[], Any]) -> Any:
    """Returns what is kept under the key, after making it here and now where it isn't there; not for slow things."""
    kept = _cache()
    if (found := kept.get(key)) is None:
        found = make()
        kept.put(key, found)
    return found


def _made(key: tuple, make: Callable[[], Any], what: str) -> Any:
    """What is kept under the key; where it isn't there it is made in the background, the one asked for last only."""
    kept, session = _cache(), st.session_state
    if (found := kept.get(key)) is not None:
        return found
    if session.get(_WANTED, (None,))[0] != key:
        session[_WANTED] = (key, "")
        background_job.drop_job(_WORK)
    if session[_WANTED][1]:
        return session[_WANTED][1]
    if not background_job.has_job(_WORK):
        background_job.start(_WORK, partial(_work, kept, key, make), what)
    if (work := background_job.ended_job(_WORK, PATIENCE_SECONDS)) is None:
        return None
    if (found := kept.get(key)) is None:
        found = work.result if isinstance(work.result, str) else work.message or _STOPPED
        session[_WANTED] = (key, found)
    return found


def _work(
    kept: BoundedCache[Any], key: tuple, make: Callable[[], Any], progress: Any, cancelled: Callable[[], bool]
) -> str | None:
    """Keeps what is made; returns a sentence where it can't be."""
    try:
        kept.put(key, make())
    except CnnvizError as error:
        return str(error)
    return None
