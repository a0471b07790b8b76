"""The way into a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cnnviz.ui.markdown import plain

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

__all__ = ["enter", "leads_to_train", "missing", "page_menu", "requested_page", "through_the_app"]

_ENTERED = "entry_entered"
_STYLE = """
<style>
[data-testid="stBaseButton-primary"], [data-testid="stBaseButton-primary"]:is(:hover, :focus, :active),
[data-testid="stBaseButton-primaryFormSubmit"], [data-testid="stMultiSelect"] span[title],
[data-testid="stMultiSelect"] span[title] ~ * {
  color: light-dark(#ffffff, #10171a);
}
[data-testid="stMultiSelect"] [role="group"] { max-height: none; height: auto; }
[data-testid="stMultiSelectTagsContainer"] { flex-wrap: wrap !important; }
.katex-display { overflow: visible !important; }
.st-key-address_place, .st-key-train_dropped_place, .st-key-train_scroll_place { display: none; }
@media (min-width: 768px) { .st-key-page_menu { display: none; } }
@media (max-width: 767.9px) {
  [data-testid="stExpandSidebarButton"] { display: none; }
  [data-testid="stMainBlockContainer"] { padding-top: 4.3rem; }
  [data-testid="stButtonGroup"] [role="radiogroup"], .st-key-predict_sources {
    flex-wrap: wrap !important; overflow: visible !important; max-width: 100%; row-gap: 0.25rem;
  }
  .st-key-page_menu { flex-wrap: nowrap; gap: 0; justify-content: space-between; }
  .st-key-page_menu a { flex-direction: column; gap: 0; padding: 0.2rem; min-width: 2.75rem; min-height: 2.75rem;
    align-items: center; justify-content: center; }
  .st-key-page_menu a p { font-size: 0.7rem; }
}
</style>
"""
"""Streamlit writes white on the primary colour, which is bright in the dark theme, as it also writes in that colour; it
lets a small formula scroll, and what was chosen of a list. What is only a script takes no room. Where
Streamlit folds its bar of pages behind a sign (below 768 px), `page_menu` takes its place."""


def enter() -> None:
    """Notes that this session runs `streamlit_app.py`, and draws what every page looks like; called there."""
    st.session_state[_ENTERED] = True
    st.html(_STYLE)


def through_the_app() -> None:
    """Sends what a new server is asked first through `streamlit_app.py`; called at the top of every page.

    Until `st.navigation` has been called once, Streamlit (1.67) takes the folder `pages/` for its older kind of
    navigation and runs the file that an address names by itself: a shared link, or a reload after the server was
    restarted, would show the page without the top bar, and another page at the next click. Streamlit has no public
    setting for it. Many sessions may be asked at once, so that each is looked at by itself.
    """
    context = get_script_run_ctx()
    if context is None or Path(context.pages_manager.main_script_path).name != "streamlit_app.py":
        return  # the page alone, as in a test
    if _ENTERED not in st.session_state:
        PagesManager.uses_pages_directory = False
        st.rerun()


def requested_page() -> str:
    """Returns the last part of the path in the browser's address; "" for the app's own."""
    path = unquote(urlsplit(st.context.url or "").path).strip("/")
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    return path.removeprefix(base).strip("/").rpartition("/")[2].strip()


def leads_to_train(page: str) -> bool:
    """Returns whether a page's address is one that Train had while the app opened there: `/start`, or the app's own
    with what Train reads of an address.

    Args:
        page: the last part of its address, "" for the app's own.
    """
    return page == "start" or (page == "" and bool({"preset", "recipe"} & {*st.query_params}))


def page_menu(pages: Sequence[StreamlitPage]) -> None:
    """Draws the pages as a row of links, seen on a phone only."""
    with st.container(horizontal=True, key="page_menu"):
        for page in pages:
            st.page_link(page, label=page.title, icon=page.icon, width="content")


def missing() -> None:
    """Draws the page for an address that there is none for."""
    st.title("There is no such page", anchor=False)
    st.write(
        f"cnnviz has no page {plain(requested_page()[:60])!r}. Its pages stand in the bar at the top; a link may be "
        "mistyped, or from another version."
    )
    st.page_link("pages/train.py", label="Choose data and model on Train", icon=":material/tune:")
    st.page_link("pages/runs.py", label="See how runs are going", icon=":material/monitoring:")
