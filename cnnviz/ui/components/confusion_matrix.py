"""A confusion matrix whose cells are buttons: by pointer, or by the arrow keys and Enter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from cnnviz.figures.evaluation import cell_colours
from cnnviz.ui.components.component import component

__all__ = ["MOST", "matrix"]

MOST = 20
"""Up to so many classes are drawn; of more, those with the most mistakes."""
_LONGEST = 40


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
        counts: images by true class (rows) and prediction (columns), int (classes, classes).
        classes: their names.
        key: of the element.
        on_click: called with the true class and the prediction of the cell that was chosen.
        marked: the cell that has a frame.
    """
    shown = _shown(counts)
    part = counts[np.ix_(shown, shown)]
    names = [classes[at][:_LONGEST] for at in shown]
    colours = cell_colours(part)
    cells = [
        [
            [f"{count:,}" if count else "·", f"true label {true}, predicted {said}: {count:,}", *colours[row][column]]
            for column, (said, count) in enumerate(zip(names, line, strict=True))
        ]
        for row, (true, line) in enumerate(zip(names, part.tolist(), strict=True))
    ]
    caption = "Rows: the labels. Columns: the predictions. Bright: much of its row."
    if len(shown) < len(classes):
        caption += f" The {len(shown)} of {len(classes):,} classes with the most mistakes."
    at = {index: position for position, index in enumerate(shown)}
    data = {
        "rows": names,
        "columns": names,
        "cells": cells,
        "caption": caption,
        "alt": "Confusion matrix",
        "signature": str(hash((tuple(names), part.tobytes()))),
        "marked": [at[one] for one in marked] if marked and all(one in at for one in marked) else None,
    }
    component("confusion_matrix")(data=data, key=key, on_clicked_change=lambda: _take(key, shown, on_click))


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
