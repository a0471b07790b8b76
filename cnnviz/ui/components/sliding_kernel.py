"""A 3 × 3 kernel that slides over an image: nine products and their sum beside it; its weights can be typed."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from cnnviz.overlay import apply_colour_map
from cnnviz.ui.components.component import component

__all__ = ["sliding_kernel"]


def sliding_kernel(
    image: np.ndarray, weights: Sequence[float], alt: str, *, key: str, on_typed: Callable[[tuple[float, ...]], None]
) -> None:
    """Draws the image, the window's products, and each place's sum, as the browser computes them.

    Args:
        image: uint8 (side, side), grey.
        weights: nine, row by row.
        alt: what the image shows.
        key: of the element.
        on_typed: called with all nine when one was typed.
    """
    palette = apply_colour_map(np.arange(256, dtype=np.float32)[None] / 255)
    component("sliding_kernel")(
        data={
            "image": base64.b64encode(np.ascontiguousarray(image).tobytes()).decode(),
            "side": image.shape[0],
            "weights": [float(one) for one in weights],
            "colours": base64.b64encode(np.ascontiguousarray(palette).tobytes()).decode(),
            "alt": alt,
        },
        key=key,
        on_weights_change=lambda: _take(key, on_typed),
    )


def _take(key: str, on_typed: Callable[[tuple[float, ...]], None]) -> None:
    """Hands on what the browser said, if it is nine numbers."""
    said = getattr(st.session_state.get(key), "weights", None)
    if isinstance(said, (list, tuple)) and len(said) == 9 and all(type(one) in (int, float) for one in said):
        on_typed(tuple(float(one) for one in said))
