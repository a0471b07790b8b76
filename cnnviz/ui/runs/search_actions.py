"""What can be done with a search, and how it is called."""

from __future__ import annotations

import streamlit as st

from cnnviz import search as searches
from cnnviz.errors import RunError
from cnnviz.runs import open_run
from cnnviz.runs.compare import data_name, short_model
from cnnviz.runs.status import RESUMABLE
from cnnviz.search.store import Search, delete
from cnnviz.ui.runs.actions import ask, percent
from cnnviz.ui.runs.selection import choose, choose_search, note

__all__ = ["continue_search_button", "open_trial", "search_buttons", "search_name", "shown_value", "stop_search_button"]


def search_name(search: Search) -> str:
    """Returns what a search is called: as its recipe, else by data and model."""
    recipe = search.spec.recipe
    return recipe.name.strip() or f"{data_name(recipe)} · {short_model(recipe.network)}"


def shown_value(metric: str, value: float) -> str:
    """Returns a metric's value as it is read: "98.9 %", or "0.0312" for a loss."""
    return percent(value) if metric.endswith("accuracy") else f"{value:.4f}"


def open_trial(run: str) -> None:
    """Shows the run of a trial, where it is still there."""
    try:
        open_run(run)
    except RunError:
        note("The run of this trial has been deleted.", "warning")
        return
    choose_search("")
    choose([run])


def stop_search_button(search: Search) -> None:
    """Draws the button that asks a search to stop."""
    st.button(
        "Stop",
        icon=":material/stop_circle:",
        key=f"runs_search_stop_{search.id}",
        on_click=ask,
        args=(searches.request_stop, search.id),
        disabled=search.state == "stopping",
        help="Pauses the trials that learn at their next batch; Continue goes on with them.",
    )


def continue_search_button(search: Search) -> None:
    """Draws the button that goes on with a search that has been stopped, or whose process was killed."""
    st.button(
        "Continue",
        icon=":material/resume:",
        type="primary",
        key="runs_search_continue",
        on_click=ask,
        args=(searches.resume, search.id),
        help="Goes on with the trials that it left in the middle, and makes the rest. Pruned trials stay paused.",
    )


def search_buttons(search: Search) -> None:
    """Draws what can be done with a search."""
    if search.active:
        stop_search_button(search)
    elif search.state in RESUMABLE:
        continue_search_button(search)
    if (best := search.result.best) is not None:
        st.button(
            "Open the best run",
            icon=":material/trophy:",
            key="runs_search_best",
            on_click=open_trial,
            args=(best.run,),
            help="Its curves, report and model, as of any other run.",
        )


def delete_search_popover(search: Search) -> None:
    """Draws what takes a search away; one that goes on can't be."""
    with st.popover(
        "Delete …", icon=":material/delete:", type="tertiary", disabled=search.active, help="Takes the search away."
    ):
        st.write("The search and its table of trials are removed; the runs that it made stay in the list.")
        st.button(
            "Delete the search",
            key="runs_search_delete",
            on_click=_delete,
            args=(search.id,),
            help="Removes it now, for good; its runs stay.",
        )


def _delete(search: str) -> None:
    ask(delete, search)
    choose_search("")
