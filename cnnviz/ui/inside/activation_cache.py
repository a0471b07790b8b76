"""What the Inside page has computed: a model's table of layers and what they give for an image, each once."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from cnnviz.bounded_cache import BoundedCache
from cnnviz.ui.inputs.input_image import InputImage
from cnnviz.ui.inputs.model_cache import LockedModel, ModelSource
from cnnviz.ui.inside.selection import Inspection
from cnnviz.ui.session import background_job

if TYPE_CHECKING:
    from cnnviz.explain.inspection.receptive_field import LayerRow

__all__ = ["cached_value", "known_values", "layer_values", "seen_by", "table_of"]

KEPT_BYTES = 256 << 20
"""So much is kept for all sessions; the longest unused goes first, the newest always stays."""
AT_ONCE = 6_000_000
"""Models whose layers give at most so many numbers for an image are computed in one go, so that the next layer is
there at once; of larger ones each layer by itself."""
_STOPPED = "This was stopped; choose the layer again, or reload the page, to begin anew."
_WORK = "inside_work"


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


def known_values(opened: Inspection) -> dict[str, np.ndarray]:
    """Returns what is known by now of what the layers give for the image, by their names; nothing is computed."""
    kept = _cache()
    found = {row.name: kept.get((*opened.identity, row.name)) for row in opened.table}
    return {name: values for name, values in found.items() if values is not None}


def cached_value(key: tuple, make: Callable[[], Any]) -> Any:
    """Returns what is kept under the key, after making it here and now where it isn't there; not for slow things."""
    kept = _cache()
    if (found := kept.get(key)) is None:
        found = make()
        kept.put(key, found)
    return found


def _made(key: tuple, make: Callable[[], Any], what: str) -> Any:
    """What is kept under the key; where it isn't there it is made in the background, the one asked for last only."""
    kept = _cache()
    if (found := kept.get(key)) is not None:
        return found
    work = background_job.keyed_job(_WORK, key, lambda *how: kept.put(key, make()), what)
    if work is None:
        return None
    return (work.message or _STOPPED) if work.result is None else work.result
