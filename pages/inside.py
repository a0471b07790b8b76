"""The Inside page: what happens in there?"""

from __future__ import annotations

import streamlit as st

from cnnviz import runs
from cnnviz.errors import CnnvizError
from cnnviz.runs.compare import labels
from cnnviz.ui.inputs import selection as predict_state
from cnnviz.ui.inputs.image_source import image_choice, settle_images
from cnnviz.ui.inputs.model_cache import runs_with_model
from cnnviz.ui.inputs.model_picker import model_choice, run_of
from cnnviz.ui.inside import selection as inside_state
from cnnviz.ui.inside.page import STYLE, inside
from cnnviz.ui.markdown import plain
from cnnviz.ui.session.app_entry import through_the_app

through_the_app()

st.html(STYLE)
with st.container(gap=None):
    st.title("Inside", anchor=False)
    st.caption("What happens in there?")

try:
    listed = runs.listing()
except CnnvizError as error:
    st.error(plain(error), icon=":material/error:")
    listed = []
known = {run.id: run for run in runs_with_model(listed)}
choice = predict_state.open_choice(known, inside_state.SHARED, single=True)
inside_state.current_location()
with st.container(key="inside_top"):
    image, left, right = st.columns([5, 8, 12], gap="medium")
with left:
    sources = model_choice(choice, known, labels(listed))
run = run_of(choice, known)
settle_images(choice, run)
with right:
    image_choice(choice, run, sources[0] if sources else None)
inside(choice, sources[0] if sources else None, image)
predict_state.write_address(choice, inside_state.SHARED)
inside_state.write_address()
