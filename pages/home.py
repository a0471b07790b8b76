"""The Home page: what is this, and where do I begin?"""

from __future__ import annotations

import streamlit as st

from cnnviz.ui.home.page import STYLE, home
from cnnviz.ui.session.app_entry import through_the_app

through_the_app()

st.html(STYLE)
with st.container(gap=None):
    st.title("cnnviz", anchor=False)
    st.caption("Train image classifiers, watch them learn, and see what they see.")
home()
