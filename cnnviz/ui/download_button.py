"""One button for every file that a page gives away."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from typing import Any

import streamlit as st

__all__ = ["download_button"]


def download_button(
    label: str, data: str | bytes | Callable[[], Any], file: str, *, key: str, help: str, **options: Any
) -> None:
    """Draws a button that downloads a file and leaves the page as it is.

    Args:
        label: what it says.
        data: what is in the file, or a function that returns it once the button is pressed.
        file: its name, see `file_names.file_name`; its type follows from the ending.
        key: of the widget.
        help: the tooltip.
        options: further ones of `st.download_button`; without them it is quiet and has an arrow.
    """
    mime = mimetypes.guess_type(file)[0] or "application/octet-stream"
    options = {"icon": ":material/download:", "type": "tertiary", **options}
    st.download_button(label, data, file, mime, key=key, help=help, on_click="ignore", **options)
