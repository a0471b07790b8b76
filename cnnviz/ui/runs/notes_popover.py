"""What a person writes of a run: a name, tags and a note."""

from __future__ import annotations

import streamlit as st

from cnnviz import runs
from cnnviz.errors import CnnvizError
from cnnviz.runs import Run, notes
from cnnviz.runs.notes import LONGEST_NAME, LONGEST_NOTE, MOST_TAGS, Notes, sound_tags
from cnnviz.ui.runs.selection import note

__all__ = ["notes_popover"]


def notes_popover(run: Run, name: str) -> None:
    """Draws what opens the fields; each is kept as soon as it is left.

    Args:
        run: whose notes.
        name: what it is called where it has no name of its own.
    """
    written, keys = notes.read(run.folder), [f"runs_{field}_{run.id}" for field in ("name", "tags", "note")]
    known = {tag for one in runs.listing() for tag in notes.read(one.folder).tags}
    with st.popover("Notes and tags", icon=":material/sell:", help="A name, tags and a note, kept with the run."):
        st.text_input(
            "Name",
            written.name,
            max_chars=LONGEST_NAME,
            key=keys[0],
            on_change=_keep,
            args=(run, *keys),
            placeholder=name,
            help="What you call it; without one it is called by its recipe.",
        )
        st.multiselect(
            "Tags",
            sorted({*known, *written.tags}),
            written.tags,
            key=keys[1],
            accept_new_options=True,
            max_selections=MOST_TAGS,
            on_change=_keep,
            args=(run, *keys),
            placeholder="choose, or write a new one",
            help="Runs can be listed by them.",
        )
        st.text_area(
            "Note",
            written.note,
            max_chars=LONGEST_NOTE,
            key=keys[2],
            on_change=_keep,
            args=(run, *keys),
            help="What you want to remember of it.",
        )


def _keep(run: Run, name: str, tags: str, text: str) -> None:
    said = st.session_state
    try:
        notes.write(run.folder, Notes(said[name] or "", sound_tags(said[tags] or ()), said[text] or ""))
    except CnnvizError as error:
        note(str(error), "error")
