"""Which runs the Runs page shows in full: kept in the session and in the address, so that a link can be shared."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

import streamlit as st

from cnnviz.ui.markdown import plain
from cnnviz.ui.session import query_params

__all__ = ["MOST", "choose", "chosen_runs", "messages", "note"]

MOST = 12
"""How many runs are shown beside each other."""
NOTE_SECONDS = 15.0

_SELECTED, _NOTES = "runs_selected", "runs_notes"


def chosen_runs(known: Collection[str]) -> list[str]:
    """Returns the ids that are selected, after taking over those that the address names; unknown ones are told.

    Args:
        known: the ids of all runs there are.
    """
    session = st.session_state
    if named := query_params.new_values("runs", ("run",)):
        wanted = [part.strip() for part in named["run"].split(",") if part.strip()][:MOST]
    else:
        wanted = session.get(_SELECTED) or []
        wanted = [wanted] if isinstance(wanted, str) else list(wanted)
    kept = [run for run in dict.fromkeys(wanted) if run in known]
    for gone in list(dict.fromkeys(run for run in wanted if run not in known))[:3]:
        note(f"There is no run {gone[:60]!r} any more; it may have been deleted.", "warning")
    return choose(kept)


def choose(ids: Sequence[str]) -> list[str]:
    """Selects runs, at most `MOST`, in session and address; returns them, in the order given."""
    if len(ids) > MOST:
        note(f"The first {MOST} of {len(ids):,} selected runs are shown.", "info")
        ids = ids[:MOST]
    st.session_state[_SELECTED] = list(ids)
    query_params.write("runs", {"run": ",".join(ids)})
    return list(ids)


def note(message: str, kind: str = "info") -> None:
    """Keeps a sentence for the head of the page; `kind` is info, success, warning or error."""
    st.session_state.setdefault(_NOTES, {})[message] = (kind, None)


def messages() -> None:
    """Draws the sentences that were kept; they leave with the first drawing after `NOTE_SECONDS`."""
    now = time.monotonic()
    notes = st.session_state.get(_NOTES, {})
    for message, (kind, since) in list(notes.items()):
        if since is not None and now - since > NOTE_SECONDS:
            del notes[message]
            continue
        notes[message] = (kind, now if since is None else since)
        getattr(st, kind)(plain(message), icon=_ICONS[kind])


_ICONS = {
    "info": ":material/info:",
    "success": ":material/check_circle:",
    "warning": ":material/warning:",
    "error": ":material/error:",
}
