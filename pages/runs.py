"""The Runs page: how is it going, and which is best?"""

from __future__ import annotations

import streamlit as st

from cnnviz import runs
from cnnviz.errors import CnnvizError
from cnnviz.presets import preset
from cnnviz.runs.compare import labels
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.actions import confirm_deletion
from cnnviz.ui.runs.comparison import comparison
from cnnviz.ui.runs.detail import detail
from cnnviz.ui.runs.live_cards import cards, tell_endings
from cnnviz.ui.runs.selection import choose, chosen_runs, note
from cnnviz.ui.runs.table import runs_table, selection
from cnnviz.ui.session.app_entry import through_the_app

through_the_app()


def try_digits() -> None:
    """Starts the preset that is done in about twenty seconds."""
    try:
        choose([runs.start(preset("Q")).id])
    except CnnvizError as error:
        note(str(error), "error")


st.title("Runs", anchor=False)
st.caption("How is it going, and which is best?")

try:
    listed = runs.listing()
except CnnvizError as error:
    st.error(plain(error), icon=":material/error:")
    st.stop()
selected = tell_endings(listed, chosen_runs({run.id for run in listed}))
cards(listed)
if not listed:
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
    if any(run.active for run in listed):
        st.subheader("All so far", anchor=False)
    shown = selection(listed, names, runs_table(listed, selected))
    if len(shown) > 1:
        comparison(shown)
    elif shown:
        detail(shown[0])
    elif not any(run.active for run in listed):
        detail(listed[0])
