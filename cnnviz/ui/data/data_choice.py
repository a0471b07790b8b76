"""Which data set is looked at: one of the list, the one of Train, or one that a link names."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from cnnviz.data import Entry
from cnnviz.data.dataset import printable
from cnnviz.data.resolve import at_hand
from cnnviz.ui.data.findings import FINDINGS
from cnnviz.ui.data.map_view import BY
from cnnviz.ui.session import query_params
from cnnviz.ui.session.widget_sync import set_widget_value, set_widget_value_first
from cnnviz.ui.train.recipe_draft import dataset_of_draft

__all__ = ["data_choice"]

_KEY, _EXTRA = "data_name", "data_extra"
FIRST = "digits"


def data_choice(entries: Sequence[Entry]) -> str:
    """Draws the page's head with the list, and returns the chosen name or path."""
    titles = {entry.name: entry.title for entry in entries if entry.ready and at_hand(entry.name)}
    session = st.session_state
    linked = query_params.new_values("data", ("data", "show", "colour"))
    for extra in ((linked or {}).get("data", ""), dataset_of_draft()):
        if extra and extra not in titles:
            session[_EXTRA] = [*dict.fromkeys([*session.get(_EXTRA, []), extra])]
    for extra in session.get(_EXTRA, []):
        titles.setdefault(extra, printable(extra))
    if linked is not None:
        if linked["data"]:
            set_widget_value(_KEY, linked["data"])
        for name, known in (("show", FINDINGS), ("colour", BY)):
            if linked[name] in known:
                set_widget_value(f"data_{name}", linked[name])
    if session.get(_KEY) not in titles:
        session.pop(_KEY, None)
    draft = dataset_of_draft()
    set_widget_value_first(_KEY, draft if draft in titles else FIRST if FIRST in titles else next(iter(titles)))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container(width="stretch", gap=None):
            st.title("Data", anchor=False)
            st.caption("Can these images be trusted?")
        chosen = st.selectbox(
            "Images",
            list(titles),
            format_func=titles.__getitem__,
            key=_KEY,
            width=280,
            help="What lies in CNNVIZ_DATA, what comes with cnnviz, and what you chose on Train.",
            on_change=_forget,
        )
    return str(chosen)


def _forget() -> None:
    """What was shown of the data before says nothing of the new."""
    for name in ("data_show", "data_chosen", "data_head", "data_relabel_head", "data_relabel_as", "data_move_to"):
        st.session_state.pop(name, None)
