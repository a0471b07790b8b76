"""A run's files: its recipe, its figures and its model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path

import streamlit as st

from cnnviz.errors import CnnvizError
from cnnviz.runs import Run, metrics
from cnnviz.tracking.model_card import model_card
from cnnviz.ui.download_button import download_button
from cnnviz.ui.file_names import file_name
from cnnviz.ui.inputs.model_cache import head_file, heads_of
from cnnviz.ui.runs.exports import formats, script
from cnnviz.ui.runs.rest_examples import rest_examples

__all__ = ["downloads"]


def downloads(run: Run) -> None:
    """Draws a button for each file."""
    download_button(
        "Recipe (JSON)",
        run.recipe.to_json() if run.recipe else "",
        file_name(run.id, "recipe", ending=".json"),
        icon=None,
        type="secondary",
        disabled=run.recipe is None,
        key="runs_get_recipe",
        help="All it takes to train it again: `python -m cnnviz train` reads it.",
    )
    epochs = metrics.epochs(run.metrics_path)
    download_button(
        "Metrics of all epochs (CSV)",
        metrics.to_csv(epochs),
        file_name(run.id, "epochs", ending=".csv"),
        icon=None,
        type="secondary",
        disabled=not epochs,
        key="runs_get_figures",
        help="A line per epoch with every metric, for a spreadsheet.",
    )
    heads = list(heads_of(run).values())
    head = (
        st.selectbox(
            "Heads of the model",
            heads,
            index=None,
            placeholder="All",
            key="runs_get_head",
            help="One head alone makes a model of its own, on the trunk that all of them share.",
        )
        if heads
        else None
    )
    download_button(
        "Model of the best epoch (.keras)",
        _reader(run.best_path) if head is None else partial(head_file, run, head),
        file_name(run.id, head or "", "network", ending=".keras"),
        icon=None,
        type="secondary",
        disabled=not run.best_path.is_file(),
        key="runs_get_network",
        help="Takes raw pixels, 0 to 255, of the recipe's size; its scaling is inside.",
    )
    formats(run, head)
    script(run)
    download_button(
        "Report (HTML)",
        partial(_page, run),
        file_name(run.id, "report", ending=".html"),
        icon=None,
        type="secondary",
        disabled=not (run.folder / "report.json").is_file(),
        key="runs_get_report",
        help="One page with curves, confusion matrix, calibration and the recipe; it opens without a model.",
    )
    download_button(
        "Model card (README.md)",
        partial(model_card, run),
        file_name(run.id, "README", ending=".md"),
        icon=None,
        type="secondary",
        disabled=run.recipe is None or not run.best_path.is_file(),
        key="runs_get_card",
        help="What the model is, was trained on and reaches, in Hugging Face's format, with what is not known of it.",
    )
    if run.best_path.is_file():
        rest_examples(run)


def _page(run: Run) -> str:
    from cnnviz.figures.html_report import html_page  # brings Plotly

    try:
        return html_page(run)
    except CnnvizError as error:
        return escape(str(error))


def _reader(path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return path.read_bytes()
        except OSError:
            return b""

    return read
