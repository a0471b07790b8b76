"""Pictures of one map side by side: the value under the pointer, or where the arrow keys are, is said below them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import streamlit as st

__all__ = ["peek"]

_HTML = """
<div class="pictures"></div>
<div class="words" role="status" aria-live="polite">&nbsp;</div>
"""
_CSS = """
.pictures { display: flex; flex-wrap: wrap; gap: 0.6rem; }
figure { margin: 0; flex: 1 1 9rem; min-width: 0; max-width: var(--wide); font-family: var(--st-font);
  color: var(--st-text-color); }
.frame { position: relative; line-height: 0; cursor: crosshair; border-radius: 0.25rem; }
.frame:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
img { width: 100%; aspect-ratio: var(--shape); border-radius: 0.25rem; image-rendering: pixelated; }
.mark { position: absolute; display: none; box-sizing: border-box; border: 2px solid #fff; outline: 2px solid #d9480f;
  min-width: 9px; min-height: 9px; transform: translate(-50%, -50%); pointer-events: none; }
figcaption { font-size: 0.8rem; opacity: 0.75; padding-top: 0.3rem; line-height: 1.25; }
.words { font-size: 0.85rem; padding-top: 0.35rem; color: var(--st-text-color); font-family: var(--st-font);
  font-variant-numeric: tabular-nums; }
"""
_JS = """
export default function ({ parentElement, data }) {
  const place = parentElement.querySelector(".pictures"), words = parentElement.querySelector(".words");
  const { rows, columns, peak } = data;
  const bytes = Uint8Array.from(atob(data.values), (letter) => letter.charCodeAt(0));
  const values = new Float32Array(bytes.buffer);
  place.style.setProperty("--shape", data.shape);
  place.style.setProperty("--wide", data.width + "px");
  place.replaceChildren(...data.pictures.map(([picture, alt, caption]) => {
    const figure = document.createElement("figure"), frame = document.createElement("div");
    const image = document.createElement("img"), mark = document.createElement("div");
    const below = document.createElement("figcaption");
    frame.className = "frame";
    frame.tabIndex = 0;
    frame.setAttribute("role", "group");
    frame.setAttribute("aria-label", alt + ". Arrow keys read its values.");
    image.src = picture;
    image.alt = alt;
    mark.className = "mark";
    below.textContent = caption;
    frame.append(image, mark);
    figure.append(frame, below);
    return figure;
  }));
  const frames = [...place.querySelectorAll(".frame")];
  let at = peak;
  const show = (next, marked) => {
    at = next;
    const value = values[at[0] * columns + at[1]];
    const number = Math.abs(value) >= 1e-3 || value === 0 ? value.toPrecision(4) : value.toExponential(3);
    words.textContent = `row ${at[0]}, column ${at[1]}: ${value === 0 ? "0" : number}${marked ? "" : data.said}`;
    for (const frame of frames) {
      const mark = frame.querySelector(".mark");
      mark.style.display = "block";
      mark.style.left = (100 * (at[1] + 0.5)) / columns + "%";
      mark.style.top = (100 * (at[0] + 0.5)) / rows + "%";
      mark.style.width = 100 / columns + "%";
      mark.style.height = 100 / rows + "%";
    }
  };
  const clip = (one, count) => Math.max(0, Math.min(count - 1, one));
  for (const frame of frames) {
    frame.onpointermove = (event) => {
      const box = frame.getBoundingClientRect();
      show([clip(Math.floor(((event.clientY - box.top) / box.height) * rows), rows),
            clip(Math.floor(((event.clientX - box.left) / box.width) * columns), columns)], true);
    };
    frame.onpointerleave = () => show(peak, false);
    frame.onkeydown = (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      show([clip(at[0] + step[0], rows), clip(at[1] + step[1], columns)], true);
    };
  }
  show(peak, false);
}
"""


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    return st.components.v2.component("cnnviz_peek", html=_HTML, css=_CSS, js=_JS)


def peek(
    values: np.ndarray, pictures: Sequence[tuple[np.ndarray, str, str]], *, key: str, said: str = "", width: int = 320
) -> None:
    """Draws pictures of a map; its greatest value is marked until the pointer or a key is somewhere else.

    Args:
        values: float32 (rows, columns).
        pictures: uint8 (h, w, 3) of the same part of the world, what each shows for those who can't see it, and its
            caption; enlarged, their pixels stay squares. The first is the map itself, whose colours mean values.
        key: of the element.
        said: what is added to the greatest value.
        width: of each picture in pixels on the page, where there is room.
    """
    rows, columns = values.shape
    top = np.unravel_index(int(np.argmax(values)), values.shape)
    height, across = pictures[0][0].shape[:2]
    _component()(
        data={
            "pictures": [
                (_url(image, exact=not nth), alt, caption) for nth, (image, alt, caption) in enumerate(pictures)
            ],
            "values": base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode(),
            "rows": rows,
            "columns": columns,
            "peak": [int(one) for one in top],
            "shape": f"{across} / {height}",
            "said": said,
            "width": width,
        },
        key=key,
    )


def _url(image: np.ndarray, *, exact: bool) -> str:
    """PNG for the colours of a map, JPEG for large photos."""
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    kind = "jpeg" if not exact and image.shape[0] * image.shape[1] > 1 << 16 else "png"
    data = cv2.imencode(".jpg" if kind == "jpeg" else ".png", stored)[1].tobytes()
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
