"""The Augment page's policy as a file, in and out, and as Keras code."""

from __future__ import annotations

import streamlit as st

from cnnviz.augment import keras_snippet
from cnnviz.errors import CnnvizError
from cnnviz.policy import POLICIES, Policy
from cnnviz.ui.augment import policy_draft as policy_state
from cnnviz.ui.augment.policy_draft import Draft
from cnnviz.ui.download_button import download_button
from cnnviz.ui.file_names import file_name
from cnnviz.ui.inputs import json_upload
from cnnviz.ui.markdown import plain

__all__ = ["UPLOAD", "policy_files"]

UPLOAD = "augment_upload"


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
                named = policy_state.with_name(policy, name)
            except CnnvizError as error:
                named = policy
                st.error(plain(error), icon=":material/error:")
            download_button(
                "Save this policy",
                named.model_dump_json(indent=1) + "\n",
                file_name(named.name, "policy", ending=".json"),
                type="secondary",
                key="augment_download",
                help="`python -m cnnviz augment IMAGE --policy FILE --out draws.png` reads it too.",
            )
            json_upload.uploader(
                "Open a policy", Policy, policy_state.load, key=UPLOAD, help="A JSON file as saved here."
            )
        with st.popover("As Keras code", icon=":material/code:", help="The nearest Keras layers, to copy."):
            st.code(keras_snippet(policy), language="python", wrap_lines=True)
