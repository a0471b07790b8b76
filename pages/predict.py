"""The Predict page: what is it, and why?"""

from __future__ import annotations

import streamlit as st

from cnnviz import runs
from cnnviz.errors import CnnvizError
from cnnviz.runs.compare import labels
from cnnviz.ui.inputs import selection
from cnnviz.ui.inputs.image_source import image_choice, settle_images
from cnnviz.ui.inputs.model_cache import runs_with_model
from cnnviz.ui.inputs.model_picker import model_choice, run_of
from cnnviz.ui.markdown import plain
from cnnviz.ui.predict.page import results
from cnnviz.ui.session.app_entry import through_the_app

through_the_app()

STYLE = """
<style>
:root { --cnnviz-tall: clamp(16rem, 100vh - 31rem, 34rem); }
.st-key-predict_photos [data-testid="stFileUploaderDropzoneInstructions"] { display: none; }
.st-key-predict_photos [data-testid="stFileUploaderDropzone"]::after {
  content: "JPEG, PNG, WebP, GIF, BMP or TIFF"; font-size: 0.875rem; opacity: 0.7; align-self: center;
}
.st-key-predict_photos [data-testid="stFileChips"] > div > div:not(:has([aria-invalid="true"])) { display: none; }
.st-key-predict_photos button[aria-label="Add files"] { width: auto; padding: 0 0.75rem; align-self: center; }
.st-key-predict_photos button[aria-label="Add files"]::after { content: "Add files"; white-space: nowrap; }
[class*="st-key-predict_said"], [class*="st-key-predict_cover_said"], [class*="st-key-predict_training_said"],
[class*="st-key-predict_flip_said"] {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
}
.st-key-predict_grid { grid-auto-flow: row dense; }
.st-key-predict_grid > .stGridCell:has(> * .st-key-predict_panel) { grid-column: 1 / -1; }
.st-key-predict_grid h2:not(.st-key-predict_panel *), [class*="st-key-predict_single_"] h2 {
  font-size: 1rem; padding: 0 0 0.4rem;
}
.st-key-predict_photos [data-testid="stFileUploader"]:has([aria-invalid="true"])::after {
  content: "A file of more than 20 MB can't be used: save the image smaller."; display: block; padding-top: 0.4rem;
  color: #bd4043;
}
:is([class*="st-key-predict_single"], .st-key-predict_grid) [data-testid="stElementToolbar"] {
  top: 0.4rem !important; right: 0.4rem;
}
@media (max-width: 640px) {
  .st-key-predict_sources, .st-key-predict_row { flex-wrap: nowrap; overflow-x: auto; padding-bottom: 0.4rem; }
  .st-key-predict_sources > *, .st-key-predict_row > * { flex-shrink: 0; }
  :is(.st-key-predict_top, [class*="st-key-predict_single"]) > [data-testid="stLayoutWrapper"] > * {
    gap: 1rem;
  }
  [class*="st-key-predict_single"] > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] {
    flex-direction: column-reverse;
  }
  [class*="st-key-predict_single"] [data-testid="stColumn"] { width: 100%; }
}
</style>
"""
"""An image's buttons lie on it, where they cover no choice. The open panel has a row of the grid, whose next cells fill
the one above it; the button for more files keeps its words. On narrow windows choices stand in rows that scroll
sideways, and the prediction comes first."""

st.html(STYLE)
with st.container(gap=None):
    st.title("Predict", anchor=False)
    st.caption("What is it, and why?")

try:
    listed = runs.listing()
except CnnvizError as error:
    st.error(plain(error), icon=":material/error:")
    listed = []
known = {run.id: run for run in runs_with_model(listed)}
choice = selection.open_choice(known)
with st.container(key="predict_top"):
    left, right = st.columns([3, 2], gap="large")
with right:
    sources = model_choice(choice, known, labels(listed))
run = run_of(choice, known)
settle_images(choice, run)
results(choice, sources)
with left, st.container(key="predict_photos"):  # after the prediction, which is what is waited for
    image_choice(choice, run, sources[0] if sources else None)
selection.write_address(choice)
