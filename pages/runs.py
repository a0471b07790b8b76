"""The Runs page: how is it going, and which is best?"""

from __future__ import annotations

import streamlit as st

from cnnviz import runs, search
from cnnviz.errors import CnnvizError
from cnnviz.presets import preset
from cnnviz.runs.compare import labels, run_before
from cnnviz.runs.groups import members
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.actions import confirm_deletion
from cnnviz.ui.runs.comparison import comparison
from cnnviz.ui.runs.detail import detail
from cnnviz.ui.runs.live_cards import cards, tell_endings
from cnnviz.ui.runs.search_view import search_view
from cnnviz.ui.runs.selection import choose, chosen_runs, chosen_search, note
from cnnviz.ui.runs.side_list import side_list
from cnnviz.ui.runs.table import all_runs
from cnnviz.ui.session import query_params
from cnnviz.ui.session.app_entry import through_the_app

through_the_app()


def try_digits() -> None:
    """Starts the preset that is done in about twenty seconds."""
    try:
        choose([runs.start(preset("Q")).id])
    except CnnvizError as error:
        note(str(error), "error")


st.title("Runs", anchor=False)
try:
    listed, searches = runs.listing(), search.listing()
except CnnvizError as error:
    st.error(plain(error), icon=":material/error:")
    st.stop()
selected = tell_endings(listed, chosen_runs(listed), searches)
opened = chosen_search(searches)
for part in ("runs_pair", "runs_report"):
    query_params.write(part, {})  # what is drawn below says what it shows
by_id = {run.id: run for run in listed}
# Without a choice it is the run that goes on, or the newest.
shown = [by_id[run] for run in selected] or [run for run in listed[::-1] if run.active][:1] or listed[:1]
cards(listed, opened.id if opened else shown[0].id if len(shown) == 1 else "", searches)
if not listed and not searches:
    st.write("No runs yet. Each training leaves one here: its curves, its recipe and the model that it made.")
    with st.container(horizontal=True):
        st.button(
            "Train digits (about 20 seconds)",
            type="primary",
            icon=":material/play_arrow:",
            key="runs_try",
            on_click=try_digits,
            help="Trains a small model on 1,797 handwritten digits, here on this machine.",
        )
        st.page_link("pages/train.py", label="Choose data and model on Train", icon=":material/tune:")
else:
    names = labels(listed)
    confirm_deletion(names)
    if len(listed) > 1 or searches:
        side, main = st.columns([0.26, 0.74], gap="medium")
        with side:
            side_list(listed, names, shown, searches, opened.id if opened else "")
    else:
        main = st.container()
    with main:
        if opened:
            search_view(opened)
        elif not shown:
            st.caption("The first run is about to begin.")
        elif len(shown) > 1:
            comparison(shown, names, listed)
        else:
            detail(shown[0], names[shown[0].id], run_before(shown[0], listed), members(shown[0], listed))
        if len(listed) > 1:
            all_runs(listed, names)
