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
[class*="st-key-augment_tiles_"] [data-testid="stImage"] {
  --gap: 0.5rem; display: grid; gap: var(--gap);
  grid-template-columns: repeat(
    auto-fill, minmax(max(5.6rem, (100% - var(--gap) * (var(--columns) - 1)) / var(--columns)), 1fr));
}
[class*="st-key-augment_tiles_3"] { --columns: 3; }
[class*="st-key-augment_tiles_5"] { --columns: 5; }
[class*="st-key-augment_tiles_6"] { --columns: 6; }
[class*="st-key-augment_tiles_7"] { --columns: 7; }
[data-testid="stColumn"]:has(.st-key-augment_result) { position: sticky; top: 4rem; align-self: flex-start; }
@media (max-width: 640px) {
  .st-key-augment_parts > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] { flex-flow: column; }
  .st-key-augment_parts > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] > * {
    order: 1; flex: none; width: 100%;
  }
  [data-testid="stColumn"]:has(.st-key-augment_result),
  [data-testid="stColumn"]:has(.st-key-augment_result) > *,
  [data-testid="stLayoutWrapper"]:has(> .st-key-augment_result),
  .st-key-augment_result { display: contents; }
  .st-key-augment_result > * { flex: none; }
  .st-key-augment_result
    > [data-testid="stLayoutWrapper"]:has(.st-key-augment_tiles_3_grid, .st-key-augment_tiles_6_pair) {
    position: sticky; top: 3.75rem; z-index: 3; padding: 0.25rem 0; background: light-dark(#ffffff, #10171a);
  }
  [data-testid="stHorizontalBlock"]:has(.st-key-augment_tiles_3_grid) { flex-wrap: nowrap; }
  [data-testid="stHorizontalBlock"]:has(.st-key-augment_tiles_3_grid) > * { min-width: 0; }
  :is(.st-key-augment_tiles_3_grid, .st-key-augment_tiles_6_pair) [data-testid="stImage"] {
    grid-template-columns: repeat(var(--columns), minmax(0, 1fr));
  }
  .st-key-augment_tiles_3_grid [data-testid="stImageCaption"],
  .st-key-augment_tiles_6_pair :not(:nth-child(6n + 1)) > [data-testid="stImageCaption"] { display: none; }
  .st-key-augment_tiles_6_pair [data-testid="stImageCaption"] { white-space: nowrap; }
}
</style>
"""
"""The image stays in sight while steps further down are set: beside them, or above them on a phone, where the
draws lose their captions for it. A row's button is a little wider than its box, which is no reason to scroll."""

draft = policy_draft.open_draft()
st.html(STYLE)
with st.container(horizontal=True, vertical_alignment="bottom"):
    with st.container(width="stretch", gap=None):
        st.title("Augment", anchor=False)
        st.caption("What will it see?")
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
policy = policy_draft.to_policy(draft)
if policy_draft.handed_over(policy):
    query_params.go("pages/train.py")
with right, st.container(key="augment_result"):  # drawn first, as it is what is waited for
    image = image_picker()
    if image is not None:
        views(image, policy, train_data())
with left:
    policy_editor(draft, policy)
robustness_part(image, policy)
