"""Which runs are listed: by words, state, data and tags, all of which stand in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from cnnviz.runs import Run, notes
from cnnviz.runs.compare import no_recipe, short_model
from cnnviz.ui.runs.actions import LOOKS
from cnnviz.ui.session import query_params
from cnnviz.ui.session.widget_sync import set_widget_value

__all__ = ["filtered"]

_CHOICES = {
    "state": ("State", "every state", "Lists runs in these states only."),
    "data": ("Data", "all data", "Lists runs on these data only."),
    "tag": ("Tags", "any tag", "Lists runs that have all of these tags."),
}


def filtered(listed: Sequence[Run], names: Mapping[str, str]) -> list[Run]:
    """Draws the filters and returns the runs that pass them.

    Args:
        listed: all runs.
        names: what they are called, by id.
    """
    written = {run.id: notes.read(run.folder) for run in listed}
    options: dict[str, list[str]] = {
        "state": [state for state in LOOKS if any(run.state == state for run in listed)],
        "data": sorted({_data(run) for run in listed}),
        "tag": sorted({tag for one in written.values() for tag in one.tags}),
    }
    named = query_params.new_values("runs_filter", ("find", *options))
    for name, known in options.items():
        key = f"runs_filter_{name}"
        if named is not None:
            set_widget_value(key, [one for one in named[name].split(",") if one in known])
        else:
            kept = st.session_state.get(key) or []
            if gone := [one for one in kept if one not in known]:
                set_widget_value(key, [one for one in kept if one not in gone])
    if named is not None:
        set_widget_value("runs_filter_find", named["find"][:200])
    with st.container(horizontal=True, key="runs_filters", vertical_alignment="bottom"):
        text = st.text_input(
            "Search",
            key="runs_filter_find",
            persist_state="session",
            label_visibility="collapsed",
            max_chars=200,
            placeholder="name, tag, note, model or id",
            icon=":material/search:",
        )
        count = sum(len(st.session_state.get(f"runs_filter_{name}") or ()) for name in options)
        with st.popover(
            f"Filter ({count})" if count else "Filter", icon=":material/filter_alt:", help="By state, data and tags."
        ):
            for name, (label, placeholder, meaning) in _CHOICES.items():
                st.multiselect(
                    label,
                    options[name],
                    key=f"runs_filter_{name}",
                    persist_state="session",
                    placeholder=placeholder,
                    help=meaning,
                )
    wanted = {name: list(st.session_state.get(f"runs_filter_{name}") or ()) for name in options}
    query_params.write("runs_filter", {"find": text or "", **{name: ",".join(ones) for name, ones in wanted.items()}})

    def passes(run: Run) -> bool:
        one = written[run.id]
        model = short_model(run.recipe.network) if run.recipe else ""
        told = " ".join([names[run.id], _data(run), model, run.id, run.written.group, one.note, *one.tags]).casefold()
        return (
            (not wanted["state"] or run.state in wanted["state"])
            and (not wanted["data"] or _data(run) in wanted["data"])
            and set(wanted["tag"]) <= set(one.tags)
            and all(word in told for word in (text or "").casefold().split())
        )

    return [run for run in listed if passes(run)]


def _data(run: Run) -> str:
    return run.recipe.data.dataset if run.recipe else no_recipe(run)
