"""The way into a page."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

__all__ = ["through_the_app"]


def through_the_app() -> None:
    """Sends a server's very first request through `streamlit_app.py`; called at the top of every page.

    Until `st.navigation` has been called once, Streamlit (1.67) takes the folder `pages/` for its older kind of
    navigation and runs the file that an address names by itself: a shared link, or a reload after the server was
    restarted, would show the page without the top bar. Streamlit has no public setting for it.
    """
    if PagesManager.uses_pages_directory and "entry_redirected" not in st.session_state:
        st.session_state["entry_redirected"] = True  # once a session: AppTest forgets the navigation before every run
        PagesManager.uses_pages_directory = False
        st.rerun()
