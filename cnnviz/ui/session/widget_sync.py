"""Values that the app gives to widgets, told again until the browser has them.

Streamlit tells a browser once. Where the page runs again before the browser has drawn what it was told, the second
drawing, in which nothing is told, takes the first one's place: the widget then shows what it shows by itself, and the
browser's next message says so as if a person had chosen it.
"""

from __future__ import annotations

import time
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

__all__ = ["repeat_widget_value", "seed", "set_widget_value", "set_widget_value_first"]

CROSSING_SECONDS = 1.5
"""For how long after saying a thing once more a message may arrive that was sent before the browser heard it."""
_UNHEARD = "told_unheard"


def set_widget_value(key: str, value: Any) -> None:
    """Gives a widget, before it is drawn, its value; the browser is told with this drawing and the next ones."""
    _say(key, value, again=False)


def set_widget_value_first(key: str, value: Any) -> None:
    """Gives a widget that wasn't there yet its value; for use before it is drawn, each time."""
    if key in st.session_state:
        repeat_widget_value(key)
    else:
        set_widget_value(key, value)


def repeat_widget_value(key: str) -> None:
    """Says once more what `set_widget_value` said, unless the browser has spoken of the widget; for use before it is
    drawn again.

    A person may have chosen something else while it was said once more, which has then undone that on their screen;
    so the browser is told what they chose.
    """
    unheard = _pending_values()
    if key not in unheard or key not in st.session_state:
        return
    value, (told, again_at) = st.session_state[key], unheard[key]
    if not _has_arrived(key) or (value != told and time.monotonic() - again_at < CROSSING_SECONDS):
        _say(key, value, again=True)
    else:
        del unheard[key]


def seed(key: str, value: object) -> str:
    """Gives a widget the value that it is to show, and returns its key; for use before it is drawn.

    Nothing is set where it shows that already: a value that is set anew would overtake what a person does meanwhile.
    """
    if key not in st.session_state or st.session_state[key] != value:
        set_widget_value(key, value)
    else:
        repeat_widget_value(key)
    return key


def _say(key: str, value: Any, *, again: bool) -> None:
    st.session_state[key] = value
    _pending_values()[key] = value, time.monotonic() if again else -CROSSING_SECONDS


def _pending_values() -> dict[str, tuple[Any, float]]:
    """What browsers were told and have not spoken of yet, with the time when it was last said again."""
    return st.session_state.setdefault(_UNHEARD, {})


def _has_arrived(key: str) -> bool:
    """Whether the message that this run answers holds the widget's state, which Streamlit tells nobody."""
    context = get_script_run_ctx()
    if context is None:
        return True
    state = context.session_state._state
    return state._get_widget_id(key) in state._new_widget_state.states
