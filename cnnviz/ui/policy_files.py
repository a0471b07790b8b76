"""The Augment page's policy as a file, in and out, and as Keras code."""

from __future__ import annotations

import streamlit as st

from cnnviz.augment import keras_snippet
from cnnviz.errors import CnnvizError
from cnnviz.policy import POLICIES, Policy
from cnnviz.recipe import parse
from cnnviz.ui import policy_state
from cnnviz.ui.policy_state import Draft
from cnnviz.ui.text import plain

__all__ = ["forget_refused", "policy_files", "refused"]

MEGABYTES = 1
_UPLOAD, _REFUSED = "augment_upload", "augment_refused"


def refused() -> None:
    """Says what was wrong with the file that was opened last."""
    if sentence := st.session_state.get(_REFUSED):
        st.error(plain(sentence), icon=":material/error:")


def forget_refused() -> None:
    """Takes that sentence away."""
    st.session_state.pop(_REFUSED, None)


def policy_files(draft: Draft, policy: Policy) -> None:
    """Draws what saves the policy, opens another and shows it as code."""
    with st.container(horizontal=True):
        with st.popover("Save or open", icon=":material/data_object:", help="The policy as a small JSON file."):
            own = "" if policy.name in POLICIES else policy.name
            name = st.text_input(
                "Name",
                own,
                key=f"augment_{draft.version}_name",
                max_chars=60,
                placeholder=policy.name,
                help="Stands in the file and in runs' recipes.",
            )
            try:
                named = policy_state.renamed(policy, name)
            except CnnvizError as error:
                named = policy
                st.error(plain(error), icon=":material/error:")
            st.download_button(
                "Save this policy", data=named.model_dump_json(indent=1) + "\n", file_name="policy.json",
                mime="application/json", icon=":material/download:", on_click="ignore", key="augment_download",
                help="`python -m cnnviz augment PHOTO --policy policy.json --out draws.png` reads it too.",
            )  # fmt: skip
            st.file_uploader(
                "Open a policy", type="json", key=_UPLOAD, on_change=_uploaded, max_upload_size=MEGABYTES,
                help="A JSON file as saved here.",
            )  # fmt: skip
        with st.popover("As Keras code", icon=":material/code:", help="The nearest Keras layers, to copy."):
            st.code(keras_snippet(policy), language="python")


def _uploaded() -> None:
    file = st.session_state[_UPLOAD]
    st.session_state.pop(_REFUSED, None)
    if file is None:
        return
    try:
        policy_state.load(parse(file.getvalue(), Policy))
    except CnnvizError as error:
        st.session_state[_REFUSED] = str(error)
