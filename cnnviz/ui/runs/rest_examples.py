"""How a run's model is served to other programs."""

from __future__ import annotations

import streamlit as st

from cnnviz.runs import Run
from cnnviz.serve.examples import command, curl, python

__all__ = ["rest_examples"]


def rest_examples(run: Run) -> None:
    """Draws the command that serves a run's model, and how it is then asked."""
    with st.expander("Over HTTP (REST)", icon=":material/api:"):
        st.code(command(run), language="sh", wrap_lines=True)
        with_what = st.segmented_control(
            "Ask it with",
            ["curl", "Python"],
            default="curl",
            required=True,
            key="runs_rest",
            help="Predictions as JSON and heat maps as PNG. With the server running, its page /docs tells all of it.",
        )
        if with_what == "curl":
            st.code(curl(), language="sh", wrap_lines=True)
        else:
            st.code(python(), language="python", wrap_lines=True)
