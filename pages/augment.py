"""The Augment page: what will the model see?"""

from __future__ import annotations

import streamlit as st

from cnnviz.ui.augment import policy_draft
from cnnviz.ui.augment.policy_editor import policy_editor
from cnnviz.ui.augment.preview import views
from cnnviz.ui.augment.robustness import robustness_part
from cnnviz.ui.inputs.image_picker import image_picker, train_data
from cnnviz.ui.session import query_params
from cnnviz.ui.session.app_entry import through_the_app

through_the_app()

STYLE = """
<style>
[class*="st-key-augment_row_"] > * > * { overflow: visible; }
.st-key-augment_result { position: sticky; top: 4.5rem; }
@media (max-width: 640px) {
  [class*="st-key-augment_row_"] > * > * { overflow: visible; }
.st-key-augment_result { position: static; }
  .st-key-augment_parts > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] {
    flex-direction: column-reverse;
  }
}
</style>
"""
"""On wide windows the image stays in sight while steps further down are set; on narrow ones it comes first. A row's
button is a little wider than its box, which is no reason to scroll."""

draft = policy_draft.open_draft()
st.html(STYLE)
with st.container(horizontal=True, vertical_alignment="bottom"):
    with st.container(width="stretch", gap=None):
        st.title("Augment", anchor=False)
        st.caption("What will it see? Every epoch sees other variations of each training image.")
    st.button(
        "Use for training",
        type="primary",
        icon=":material/model_training:",
        key="augment_use",
        on_click=policy_draft.ask_to_hand_over,
        help="Takes this policy over to the Train page; everything else there stays as it is.",
    )

with st.container(key="augment_parts"):
    left, right = st.columns([1, 2], gap="medium")
with left:
    policy = policy_editor(draft)
if policy_draft.handed_over(policy):
    query_params.go("pages/train.py")
with right, st.container(key="augment_result"):
    image = image_picker()
    if image is not None:
        views(image, policy, train_data())
robustness_part(image, policy)
