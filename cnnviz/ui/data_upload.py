"""Pictures of a person's own as one file, for the Train page's data card."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from cnnviz.data.archive import keep
from cnnviz.errors import DataError
from cnnviz.ui.text import plain

__all__ = ["data_upload"]

_FILE, _REFUSED = "train_data_file", "train_data_refused"


def data_upload(use: Callable[[str], None]) -> None:
    """Draws the field for a file and what was wrong with the last one.

    Args:
        use: called with the path of what the file held, before the page is drawn.
    """
    st.file_uploader(
        "Or upload them", type=["zip", "npz"], key=_FILE, on_change=_take, args=(use,),
        help="A .zip with one folder of pictures per class, or an .npz file with images and labels. "
        "What is too large for an upload can be put where CNNVIZ_DATA says.",
    )  # fmt: skip
    if refused := st.session_state.get(_REFUSED):
        st.error(plain(refused), icon=":material/error:")


def _take(use: Callable[[str], None]) -> None:
    file = st.session_state[_FILE]
    st.session_state.pop(_REFUSED, None)
    if file is None:
        return
    try:
        path = keep(file, file.name)
    except DataError as error:
        st.session_state[_REFUSED] = str(error)
        return
    use(str(path))
