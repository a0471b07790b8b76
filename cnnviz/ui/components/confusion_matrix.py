"""A confusion matrix whose cells are buttons: by pointer, or by the arrow keys and Enter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from cnnviz.figures.evaluation import cell_colours

__all__ = ["MOST", "matrix"]

MOST = 20
"""Up to so many classes are drawn; of more, those with the most mistakes."""
_LONGEST = 40
_HTML = '<div class="all"><table></table></div>'
_CSS = """
.all { overflow-x: auto; padding: 3px; font-family: var(--st-font); color: var(--st-text-color); }
table { border-collapse: separate; border-spacing: 2px; font-size: 0.8rem; font-variant-numeric: tabular-nums; }
caption { caption-side: bottom; text-align: left; opacity: 0.75; padding-top: 0.4rem; }
th { font-weight: 400; max-width: 7.5rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
th[scope=row] { text-align: right; padding-right: 0.4rem; }
th[scope=col] { max-width: 3.2rem; padding-bottom: 0.2rem; }
td { padding: 0; }
button { border: 0; width: 100%; min-width: 2.7rem; height: 2.1rem; padding: 0 0.3rem; cursor: pointer; font: inherit;
  border-radius: 0.2rem; }
button:hover { filter: brightness(1.15); }
button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 1px; }
button[aria-pressed=true] { outline: 3px solid #d9480f; outline-offset: 0; }
"""
_JS = """
export default function ({ parentElement, data, setTriggerValue }) {
  const table = parentElement.querySelector("table"), count = data.rows.length, of = "button";
  const make = (name, text, into) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    into.appendChild(made);
    return made;
  };
  if (table.dataset.signature !== data.signature) {
    table.dataset.signature = data.signature;
    table.replaceChildren();
    table.setAttribute("aria-label", data.alt);
    make("caption", data.caption, table);
    const head = make("tr", undefined, make("thead", undefined, table));
    make("td", undefined, head);
    for (const name of data.columns) {
      const cell = make("th", name, head);
      cell.scope = "col";
      cell.title = name;
    }
    const body = make("tbody", undefined, table);
    data.cells.forEach((cells, row) => {
      const line = make("tr", undefined, body), name = make("th", data.rows[row], line);
      name.scope = "row";
      name.title = data.rows[row];
      cells.forEach(([text, said, background, colour], column) => {
        const button = make(of, text, make("td", undefined, line));
        button.type = "button";
        button.title = said;
        button.setAttribute("aria-label", said);
        button.style.background = background;
        button.style.color = colour;
        button.dataset.at = row + "," + column;
      });
    });
  }
  const buttons = [...table.querySelectorAll(of)], width = data.columns.length;
  const marked = data.marked ? data.marked[0] * width + data.marked[1] : -1;
  const focused = buttons.findIndex((button) => button.matches(":focus"));
  buttons.forEach((button, at) => {
    button.setAttribute("aria-pressed", at === marked ? "true" : "false");
    button.tabIndex = at === Math.max(0, focused >= 0 ? focused : marked) ? 0 : -1;
    button.onclick = () => setTriggerValue("clicked", [Math.floor(at / width), at % width]);
    button.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -width, ArrowDown: width }[event.key];
      const next = buttons[at + (step ?? 0)];
      if (step === undefined || !next || (Math.abs(step) === 1 && width > 1
          && Math.floor(at / width) !== Math.floor((at + step) / width))) return;
      event.preventDefault();
      button.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    };
  });
}
"""


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    return st.components.v2.component("cnnviz_matrix", html=_HTML, css=_CSS, js=_JS)


def matrix(
    counts: np.ndarray,
    classes: Sequence[str],
    *,
    key: str,
    on_click: Callable[[int, int], None],
    marked: tuple[int, int] | None = None,
) -> None:
    """Draws the matrix; of more classes than `MOST` those with the most mistakes.

    Args:
        counts: pictures by true class (rows) and answer (columns), int (classes, classes).
        classes: their names.
        key: of the element.
        on_click: called with the true class and the answer of the cell that was chosen.
        marked: the cell that has a frame.
    """
    shown = _shown(counts)
    part = counts[np.ix_(shown, shown)]
    names = [classes[at][:_LONGEST] for at in shown]
    colours = cell_colours(part)
    cells = [
        [
            [f"{count:,}" if count else "·", f"labelled {true}, answered {said}: {count:,}", *colours[row][column]]
            for column, (said, count) in enumerate(zip(names, line, strict=True))
        ]
        for row, (true, line) in enumerate(zip(names, part.tolist(), strict=True))
    ]
    caption = "Rows: the labels. Columns: the answers. Bright: much of its row."
    if len(shown) < len(classes):
        caption += f" The {len(shown)} of {len(classes):,} classes with the most mistakes."
    at = {index: place for place, index in enumerate(shown)}
    data = {
        "rows": names, "columns": names, "cells": cells, "caption": caption, "alt": "Confusion matrix",
        "signature": str(hash((tuple(names), part.tobytes()))),
        "marked": [at[one] for one in marked] if marked and all(one in at for one in marked) else None,
    }  # fmt: skip
    _component()(data=data, key=key, on_clicked_change=lambda: _take(key, shown, on_click))


def _shown(counts: np.ndarray) -> list[int]:
    if len(counts) <= MOST:
        return list(range(len(counts)))
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
    return sorted(np.argsort(-wrong, kind="stable")[:MOST].tolist())


def _take(key: str, shown: Sequence[int], on_click: Callable[[int, int], None]) -> None:
    """Hands on what the browser said, if it is a cell."""
    said = getattr(st.session_state.get(key), "clicked", None)
    if isinstance(said, (list, tuple)) and len(said) == 2 and all(type(one) is int for one in said):
        row, column = said
        if 0 <= row < len(shown) and 0 <= column < len(shown):
            on_click(shown[row], shown[column])
