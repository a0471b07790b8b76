"""Which runs the Runs page shows in full: kept in the session and in the address, so that a link can be shared.

All runs of a group together stand there by the group's id.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from cnnviz.runs import Run
from cnnviz.runs.groups import groups
from cnnviz.search.store import Search
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import query_params

__all__ = ["MOST", "choose", "choose_search", "chosen_runs", "chosen_search", "messages", "note"]

MOST = 12
"""How many runs, or whole groups of them, are shown beside each other."""
NOTE_SECONDS = 15.0

_SELECTED, _NOTES, _SEARCH = "runs_selected", "runs_notes", "runs_search"


def chosen_runs(listed: Sequence[Run]) -> list[str]:
    """Returns the ids of the runs that are selected, after taking over those, and those groups, that the address names;
    unknown ones are told.

    Args:
        listed: all runs there are.
    """
    session = st.session_state
    known = {group: [run.id for run in members] for group, members in groups(listed).items()}
    single = {run.id for run in listed}
    if named := query_params.new_values("runs", ("run",)):
        wanted = [part.strip() for part in named["run"].split(",") if part.strip()]
    else:
        wanted = session.get(_SELECTED) or []
        wanted = [wanted] if isinstance(wanted, str) else list(wanted)
    for gone in list(dict.fromkeys(one for one in wanted if one not in single and one not in known))[:3]:
        note(f"There is no run {gone[:60]!r} any more; it may have been deleted.", "warning")
    kept = dict.fromkeys(run for one in wanted for run in (known.get(one) or [one]) if run in single)
    entries = _entries(list(kept), known)
    if len(entries) > MOST:
        note(f"The first {MOST} of {len(entries):,} selected runs are shown.", "info")
        entries = entries[:MOST]
    choose(entries)
    return [run for one in entries for run in known.get(one, [one])]


def _entries(ids: Sequence[str], known: dict[str, list[str]]) -> list[str]:
    """The ids with that of a group in the place of the first of its runs, where all of them are there."""
    whole = {run: group for group, members in known.items() if set(members) <= set(ids) for run in members}
    return list(dict.fromkeys(whole.get(run, run) for run in ids))


def choose(ids: Sequence[str]) -> list[str]:
    """Selects runs and groups, by their ids, in session and address; returns them, in the order given."""
    st.session_state[_SELECTED] = list(ids)
    query_params.write("runs", {"run": ",".join(ids)})
    return list(ids)


def chosen_search(searches: Sequence[Search]) -> Search | None:
    """Returns the search that is shown instead of runs, after taking over the one that the address names; an unknown
    one is told.

    Args:
        searches: all there are.
    """
    session = st.session_state
    if named := query_params.new_values("runs_search", ("search",)):
        session[_SEARCH] = named["search"].strip()
    wanted = session.get(_SEARCH) or ""
    found = next((search for search in searches if search.id == wanted), None)
    if wanted and found is None:
        note(f"There is no search {wanted[:60]!r} any more; it may have been deleted.", "warning")
    choose_search("" if found is None else found.id)
    return found


def choose_search(search: str) -> None:
    """Shows a search, by its id, instead of runs; "" shows the runs again."""
    st.session_state[_SEARCH] = search
    query_params.write("runs_search", {"search": search})
    if search:
        query_params.write("runs", {})


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
