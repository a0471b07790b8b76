"""A guess before the answer is seen: what surprises is remembered."""

from __future__ import annotations

import streamlit as st

__all__ = ["guess"]


def guess(question: str, *, key: str, help: str) -> float | None:
    """Draws a slider from 0 to 100 % and returns the share, 0..1, that was guessed; `None` before it was moved."""
    percent = st.slider(
        question, 0, 100, 50, 5, format="%d %%", key=key, help=help, width=420, on_change=_guessed, args=(key,)
    )
    return percent / 100 if st.session_state.get(f"{key}_made") else None


def _guessed(key: str) -> None:
    st.session_state[f"{key}_made"] = True
