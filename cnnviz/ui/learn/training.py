"""Runs that a question needs: found where they were trained before, or trained on press."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from cnnviz import runs
from cnnviz.errors import CnnvizError
from cnnviz.recipe import Recipe
from cnnviz.runs import Run
from cnnviz.runs.progress import progress
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.actions import stop_button
from cnnviz.ui.runs.selection import messages, note

__all__ = ["trained_runs"]

SECONDS = 0.5


def trained_runs(
    recipes: Mapping[str, Recipe], listed: Sequence[Run], *, label: str, key: str, draw: Callable[..., None]
) -> None:
    """Draws the newest runs of these recipes, anew while one goes on, and the button that trains what is missing.

    Args:
        recipes: by what each is called.
        listed: all runs.
        label: of the button.
        key: of what is drawn here.
        draw: called with the runs by name, those that have begun.
    """
    found = {name: run for name, recipe in recipes.items() if (run := _newest(recipe, listed)) is not None}
    missing = [recipe for name, recipe in recipes.items() if name not in found]
    if missing:
        st.button(
            label,
            key=key,
            type="primary",
            icon=":material/play_arrow:",
            on_click=_start,
            args=(missing,),
            help="Each is a run as any other, and stays on Runs.",
        )
        messages()
    going_on = [run.id for run in found.values() if run.active]
    st.fragment(run_every=SECONDS if going_on else None)(_part)(
        {name: run.id for name, run in found.items()}, going_on, draw
    )


def _newest(recipe: Recipe, listed: Sequence[Run]) -> Run | None:
    """The newest run of this recipe that came, or may come, to an end."""
    return next(
        (run for run in listed if run.recipe == recipe and (run.active or run.state == "finished")),
        None,
    )


def _start(missing: Sequence[Recipe]) -> None:
    try:
        for recipe in missing:
            runs.start(recipe)
    except CnnvizError as error:
        note(str(error), "error")


def _part(found: Mapping[str, str], going_on: Sequence[str], draw: Callable[..., None]) -> None:
    now = {name: runs.open_run(run) for name, run in found.items()}
    active = [run for run in now.values() if run.active]
    if [run.id for run in active] != list(going_on):
        st.rerun(scope="app")
    for name, run in now.items():
        if run.active:
            said = progress(run)
            with st.container(horizontal=True, vertical_alignment="center"):
                words = said.message or (f"epoch {said.epoch} of {said.epochs}" if said.epoch else run.state)
                with st.container(width="stretch"):
                    st.progress(said.fraction, f"{plain(name)}: {plain(words)}")
                stop_button(run)
    draw(now)
