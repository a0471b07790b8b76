"""A run's model in other formats, made on demand, and the run as a Keras script."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from cnnviz.codegen.script import keras_script
from cnnviz.data.resolve import place_of
from cnnviz.errors import CnnvizError
from cnnviz.models.export.export_process import OFFERED, Written, available_formats, export_apart
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run
from cnnviz.runs.results_cache import model_digest
from cnnviz.ui.download_button import download_button
from cnnviz.ui.file_names import file_name
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import background_job

__all__ = ["formats", "script"]

_MADE = "runs_exported"
"""Of this session: what was made last, as it may be large, and of what; or why it wasn't, and of which run."""


def formats(run: Run, head: str | None = None) -> None:
    """Draws the choice of a format, a button that writes it, and the file once it is written.

    Args:
        run: whose model.
        head: the only head to keep; all of them without it.
    """
    kind = st.selectbox(
        "Other formats",
        available_formats(),
        format_func=lambda kind: f"{OFFERED[kind][0]} ({OFFERED[kind][1]})",
        key="runs_get_format",
        help="SavedModel is TensorFlow's, as one archive; LiteRT is for phones and small computers, with float16 or "
        "int8 smaller and a little less exact; ONNX, for many other programs, is offered where tf2onnx and onnxruntime "
        "are installed.",
    )
    which = (run.id, model_digest(run.best_path), kind, head)
    name = f"runs_export_{run.id}"
    if (work := background_job.ended_job(name)) is not None:
        st.session_state[_MADE] = work.result or (run.id, work.message)
    elif background_job.has_job(name):
        return
    made_of, made = st.session_state.get(_MADE, (None, None))
    if made_of == run.id and made:
        st.error(plain(made), icon=":material/error:")
    if made_of != which:
        st.button(
            f"Write as {OFFERED[kind][0]}",
            icon=":material/deployed_code:",
            key="runs_make_format",
            disabled=not run.best_path.is_file() or run.active,
            on_click=_begin,
            args=(name, run, which),
            help="Writes the best epoch's model and asks the file, in a process without cnnviz, about stored "
            "images: it is offered only if it predicts alike.",
        )
        return
    download_button(
        f"Model as {OFFERED[kind][0]} ({OFFERED[kind][1]})",
        lambda: made.data,
        file_name(run.id, head or "", kind.partition("-")[2], "network", ending=OFFERED[kind][1]),
        type="secondary",
        key="runs_get_made",
        help="Takes float32 pixels, 0 to 255, of the recipe's size; its scaling is inside.",
    )
    st.caption(
        f"{len(made.data) / 2**20:,.1f} MB; its predictions differ by at most {made.difference:.1g}.",
        help="Measured in a process without cnnviz.",
    )
    if made.accuracy:
        st.caption(plain(made.accuracy), help="Of the model and of the file, about the same images.")


def _begin(name: str, run: Run, which: tuple) -> None:
    st.session_state.pop(_MADE, None)
    background_job.start(name, partial(_make, run, which), "Starting")


def _make(run: Run, which: tuple, progress: Progress, cancelled: CancelCheck) -> tuple[tuple, Written] | None:
    *_, kind, head = which
    made = export_apart(run, kind, head, progress=progress, cancelled=cancelled)
    return (which, made) if made is not None else None


def script(run: Run) -> None:
    """Draws the button for the run as a script, or the sentence why there can't be one."""
    text, message = _script(run)
    if message:
        st.caption(plain(message))
        return
    download_button(
        "Keras script (.py)",
        text,
        file_name(run.id, "script", ending=".py"),
        icon=None,
        type="secondary",
        key="runs_get_script",
        help="The same model, data and settings with Keras alone: it trains without cnnviz.",
    )


def _script(run: Run) -> tuple[Any, str]:
    if run.written.imported:
        return "", f"It was read from {run.written.imported}: there is no recipe to make a script of."
    if run.recipe is None:
        return "", "The recipe can't be read, so there is no script."
    try:
        return keras_script(run.recipe, place_of(run.recipe.data.dataset)), ""
    except CnnvizError as error:
        return "", str(error)
