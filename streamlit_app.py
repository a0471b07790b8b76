"""The app's entry: `streamlit run streamlit_app.py`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from cnnviz.errors import ModelError
from cnnviz.models.load.archive_check import require_keras
from cnnviz.ui.session import query_params
from cnnviz.ui.session.app_entry import enter, leads_to_train, missing, page_menu, requested_page
from cnnviz.ui.session.readiness import get_ready

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
wanted = requested_page()
pages = [
    st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
    st.Page("pages/data.py", title="Data", icon=":material/photo_library:"),
    st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
    st.Page("pages/runs.py", title="Runs", icon=":material/monitoring:"),
    st.Page("pages/augment.py", title="Augment", icon=":material/auto_awesome_motion:"),
    st.Page("pages/inside.py", title="Inside", icon=":material/layers:"),
    st.Page("pages/predict.py", title="Predict", icon=":material/image_search:"),
    st.Page("pages/learn.py", title="Learn", icon=":material/school:"),
]
paths = [page.url_path for page in pages]
if wanted and wanted not in (*paths, "home"):  # Streamlit opens the default page by its file's name too
    pages.append(st.Page(missing, url_path=wanted, title="No such page", visibility="hidden"))
page = st.navigation(pages, position="top")
query_params.enter(page.url_path)
if leads_to_train(page.url_path):
    query_params.go("pages/train.py", **st.query_params.to_dict())
page_menu(pages[: len(paths)])
page.run()
query_params.push_url(paths)
get_ready(page.url_path)
