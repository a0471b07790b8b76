"""The model as a strip of its layers, each the image as it is there: a click opens one, so do arrow keys and a list."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import streamlit as st

from cnnviz import images
from cnnviz.figures.layer_tiles import SIDE, tile
from cnnviz.ui.components.component import component
from cnnviz.ui.inside.activation_cache import cached_value, known_values
from cnnviz.ui.inside.layer_blocks import TALLEST, Block, blocks, facts
from cnnviz.ui.inside.selection import Inspection, show
from cnnviz.ui.markdown import plain
from cnnviz.ui.session.widget_sync import seed

if TYPE_CHECKING:
    from cnnviz.explain.inspection.receptive_field import Field, LayerRow, Window

__all__ = ["open_layer", "strip"]

_SMALLEST = 24


def strip(opened: Inspection) -> None:
    """Draws the layers, the open one marked: each as its strongest channel where what it gives is known by now."""
    names = [row.name for row in opened.table]
    known = known_values(opened)
    key = (*opened.identity, "strip", tuple(known))
    drawn = cached_value(key, lambda: _Strip(_drawn(opened, known)))
    component("layer_strip")(
        data={"blocks": drawn.blocks, "at": names.index(opened.layer), "input": drawn.image},
        key="inside_strip",
        on_opened_change=lambda: _take(names),
    )


class _Strip:
    """What the browser gets, kept for a model with an image."""

    def __init__(self, parts: tuple[str, list[dict[str, Any]]]):
        self.image, self.blocks = parts

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        return len(self.image) + sum(len(block["image"]) + 1000 for block in self.blocks)


def _drawn(opened: Inspection, known: dict[str, np.ndarray]) -> tuple[str, list[dict[str, Any]]]:
    from cnnviz.explain.inspection.receptive_field import fields, windows  # the table of layers has loaded TensorFlow

    size = (opened.seen.shape[0], opened.seen.shape[1])
    with opened.model.lock:
        moved, seen = windows(opened.model.classifier, size), fields(opened.model.classifier, size)
    names = [row.name for row in opened.table]
    shapes = {row.name: row.shape for row in opened.table} | {"": opened.seen.shape}
    highest = max((row.shape[0] for row in opened.table if len(row.shape) > 1), default=1)
    made = []
    for block, row in zip(blocks(opened.table), opened.table, strict=True):
        values, window, field = known.get(row.name), moved[row.name], seen[row.name]
        maps = len(row.shape) == 3
        drawn = asdict(block) | {
            "image": "",
            "inputs": [names.index(one) if one else -1 for one in window.inputs],
            "window": _shares(window, shapes[window.inputs[0]]) if maps else None,
            "field": None if row.everything or not maps else _field(field, size),
            "shape": list(row.shape[:2]) if maps else None,
            "sees": "all" if row.everything else " × ".join(map(str, row.size)),
        }
        if values is not None and values.ndim in (1, 2, 3) and values.size:
            drawn |= _tile(block, row, values, highest)
        made.append(drawn)
    shown = images.fit(opened.seen, _within(opened.seen.shape, 2 * SIDE), channels=opened.seen.shape[2])
    return _url(images.with_channels(shown, 3)), made


def _shares(window: Window, shape: Sequence[int]) -> list[list[float]] | None:
    """For rows and columns where the window begins, how far it moves and how long it is, as shares of its input's
    sides, and its size."""
    if window.rows is None or window.columns is None:
        return None
    return [
        [-before / count, stride / count, (dilation * (size - 1) + 1) / count, size]
        for (size, stride, dilation, before), count in zip((window.rows, window.columns), shape[:2], strict=True)
    ]


def _field(field: Field, size: Sequence[int]) -> list[list[float]]:
    """The same of the receptive field in the image; what lies beyond its rim is cut off where it is drawn."""
    return [
        [start / side, step / side, extent / side]
        for start, step, extent, side in zip(field.offset, field.stride, field.size, size, strict=True)
    ]


def _tile(block: Block, row: LayerRow, values: np.ndarray, highest: int) -> dict[str, Any]:
    """What differs for a layer whose output is known."""
    image, channel = tile(values)
    height = TALLEST
    if values.ndim > 1:
        height = max(_SMALLEST, round(TALLEST * (row.shape[0] / highest) ** 0.5))
    width = min(2 * TALLEST, max(6, round(height * image.shape[1] / image.shape[0])))
    plane = np.nan_to_num(values[..., channel]) if values.ndim == 3 else np.zeros((1, 1))
    peak = np.unravel_index(int(plane.argmax()), plane.shape)
    which = f"\nstrongest channel {channel}: mean {values[..., channel].mean():.3g}" if values.ndim > 1 else ""
    return {
        "image": _url(image),
        "width": width,
        "height": height,
        "words": block.words + which,
        "channel": channel,
        "peak": [int(one) for one in peak],
    }


def _within(shape: Sequence[int], side: int) -> tuple[int, int]:
    factor = min(1.0, side / max(shape[:2]))
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def _url(image: np.ndarray) -> str:
    code = cv2.COLOR_RGBA2BGRA if image.shape[2] == 4 else cv2.COLOR_RGB2BGR
    png = cv2.imencode(".png", cv2.cvtColor(image, code))[1].tobytes()
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def open_layer(table: tuple[LayerRow, ...], layer: str) -> None:
    """Draws the list of layers, and what is known about the open one."""
    names = [row.name for row in table]
    row = table[names.index(layer)]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="inside_open_layer"):
        st.selectbox(
            f"Layer, of {len(table)}",
            names,
            key=seed("inside_layer", layer),
            width=260,
            on_change=lambda: show(layer=st.session_state["inside_layer"]),
            label_visibility="collapsed",
            help="The open layer; the strip above opens one with a click, or with arrow keys and Enter.",
        )
        with st.container(width="stretch"):
            st.markdown(" · ".join(map(plain, facts(row))))


def _take(names: list[str]) -> None:
    """Opens the layer that was clicked, if there is one of this number."""
    said = getattr(st.session_state.get("inside_strip"), "opened", None)
    if type(said) is int and 0 <= said < len(names):
        show(layer=names[said])
