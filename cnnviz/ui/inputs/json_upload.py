"""A recipe or policy that a person opens from a JSON file, and what is said of one that can't be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st
from pydantic import BaseModel

from cnnviz.errors import CnnvizError
from cnnviz.recipe import parse
from cnnviz.ui.markdown import plain

__all__ = ["draw_refusal", "drop_refusal", "uploader"]

MEGABYTES = 1


def uploader(label: str, model: type[BaseModel], load: Callable[[Any], None], *, key: str, help: str) -> None:
    """Draws the field for a file, which is read as this kind of record and given to `load`."""
    st.file_uploader(
        label, type="json", key=key, on_change=_take, args=(key, model, load), max_upload_size=MEGABYTES, help=help
    )


def draw_refusal(key: str) -> None:
    """Says what was wrong with the file that was opened last in the field of this key."""
    if message := st.session_state.get(_refused(key)):
        st.error(f"{plain(message)} What stands below is as before.", icon=":material/error:")


def drop_refusal(key: str) -> None:
    """Takes that sentence away."""
    st.session_state.pop(_refused(key), None)


def _refused(key: str) -> str:
    return f"{key}_refused"


def _take(key: str, model: type[BaseModel], load: Callable[[Any], None]) -> None:
    file = st.session_state[key]
    drop_refusal(key)
    if file is None:
        return
    try:
        load(parse(file.getvalue(), model))
    except CnnvizError as error:
        st.session_state[_refused(key)] = str(error)
