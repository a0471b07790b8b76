"""Images of a person's own as one file, for the Train page's data card."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from cnnviz.data.archive import keep
from cnnviz.errors import DataError
from cnnviz.ui.markdown import plain
from cnnviz.ui.train.recipe_draft import Draft

__all__ = ["data_upload", "upload_error"]

_REFUSED = "refused"


def upload_error(draft: Draft) -> str:
    """Returns what was wrong with the file that lies in the field; "" where it was taken, or there is none."""
    return draft.shown.get(_REFUSED, "")


def data_upload(draft: Draft, use: Callable[[str], None]) -> None:
    """Draws the field for a file and what was wrong with the last one.

    Args:
        draft: what it is for; data chosen in any other way empties the field (`recipe_draft.forget("file")`).
        use: called with the path of what the file held, before the page is drawn.
    """
    name = draft.name("file")
    st.file_uploader(  # takes any file: one that the browser turned away would not be heard of
        "Or upload them",
        key=name,
        on_change=_take,
        args=(draft, name, use),
        help="A .zip with one folder of images per class, or an .npz file with images and labels. "
        "What is too large for an upload can be put where CNNVIZ_DATA says.",
    )
    if message := upload_error(draft):
        st.error(plain(message), icon=":material/error:")


def _take(draft: Draft, name: str, use: Callable[[str], None]) -> None:
    file = st.session_state[name]
    draft.shown.pop(_REFUSED, None)
    if file is None:
        return
    try:
        path = keep(file, file.name)
    except DataError as error:
        draft.shown[_REFUSED] = f"{error} Nothing is chosen now: remove the file for the data before, or choose other."
        return
    use(str(path))
