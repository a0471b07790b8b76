"""The app's entry: `streamlit run streamlit_app.py`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from cnnviz.errors import ModelError
from cnnviz.models.check import require_keras
from cnnviz.ui.entry import enter

st.set_page_config(
    page_title="cnnviz",
    page_icon=str(Path(__file__).parent / "docs" / "icon.png"),
    layout="wide",
    menu_items={"About": "**cnnviz** trains image classifiers, shows how they learn and what they see."},
)
enter()
try:
    require_keras()
except ModelError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()
pages = [
    st.Page("pages/train.py", title="Train", icon=":material/model_training:", default=True),
    st.Page("pages/runs.py", title="Runs", icon=":material/monitoring:"),
    st.Page("pages/augment.py", title="Augment", icon=":material/auto_awesome_motion:"),
    st.Page("pages/inside.py", title="Inside", icon=":material/layers:"),
    st.Page("pages/predict.py", title="Predict", icon=":material/image_search:"),
    st.Page("pages/learn.py", title="Learn", icon=":material/school:"),
]
st.navigation(pages, position="top").run()
