"""An image made of positions, such as a channel or a mosaic, that can be clicked: which position it was comes back."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import streamlit as st

from cnnviz.ui.components.component import component

__all__ = ["Encoded", "clickable_image", "encode_image"]


@dataclass(frozen=True)
class Encoded:
    """An image ready to be sent: its bytes as an address, and its (height, width)."""

    url: str
    shape: tuple[int, int]


def encode_image(image: np.ndarray) -> Encoded:
    """Returns an image, uint8 (h, w, 3), ready to be sent; for callers that keep it, as this takes a while."""
    png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
    return Encoded(f"data:image/png;base64,{base64.b64encode(png).decode()}", image.shape[:2])


def clickable_image(
    image: np.ndarray | Encoded,
    grid: tuple[int, int],
    alt: str,
    *,
    key: str,
    on_click: Callable[[tuple[int, int]], None],
    marked: tuple[int, int] | None = None,
    whole_row: bool = False,
    width: int = 320,
    least: int = 0,
    labels: Sequence[str] | None = None,
) -> None:
    """Draws an image whose positions can be clicked; those who can't click need another way to the same.

    Args:
        image: uint8 (h, w, 3), or that `encode_image`; enlarged, its pixels stay squares.
        grid: its (rows, columns) of equally large positions.
        alt: what it shows, for those who can't see it.
        key: of the element.
        on_click: called with the (row, column) of the position that was clicked.
        marked: the position that has a frame.
        whole_row: whether the frame is around all of its row.
        width: in pixels on the page, where there is room.
        least: where there is less room than so many pixels, it scrolls sideways.
        labels: for each position, row by row, what is said under the image while the pointer is there.
    """
    image = image if isinstance(image, Encoded) else encode_image(image)
    data = {
        "image": image.url,
        "alt": alt,
        "rows": grid[0],
        "columns": grid[1],
        "shape": f"{image.shape[1]} / {image.shape[0]}",
        "marked": marked,
        "whole_row": whole_row,
        "width": width,
        "least": min(least, width),
        "labels": None if labels is None else list(labels),
    }
    component("clickable_image")(data=data, key=key, on_clicked_change=lambda: _take(key, grid, on_click))


def _take(key: str, grid: tuple[int, int], on_click: Callable[[tuple[int, int]], None]) -> None:
    """Hands on what the browser said, if it is a position of the image."""
    said = getattr(st.session_state.get(key), "clicked", None)
    if isinstance(said, (list, tuple)) and len(said) == 2 and all(type(one) is int for one in said):
        row, column = said
        if 0 <= row < grid[0] and 0 <= column < grid[1]:
            on_click((row, column))
