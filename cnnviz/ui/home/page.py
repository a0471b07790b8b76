"""What the Home page shows: a run that learns, three ways in, and the runs that there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from cnnviz import runs
from cnnviz.errors import CnnvizError
from cnnviz.recipe import Recipe
from cnnviz.runs import Run, metrics, snapshots
from cnnviz.runs.compare import name_of
from cnnviz.runs.progress import progress
from cnnviz.runs.snapshots import Probe
from cnnviz.ui.components.learning import learning
from cnnviz.ui.home.learning import film_data, shown_run
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.actions import badge, percent

__all__ = ["STYLE", "home"]

LATEST = 4
"""How many runs are shown."""
SECONDS = 2.0
"""How often they are drawn anew while one goes on."""
STYLE = """
<style>
[class*="st-key-home_door_"] { position: relative; gap: 0.2rem; }
[class*="st-key-home_door_"]:hover { background: var(--st-secondary-background-color, #8881); }
[class*="st-key-home_door_"] a { position: static; padding: 0; background: none !important; }
[class*="st-key-home_door_"] a::after { content: ""; position: absolute; inset: 0; border-radius: 0.5rem; }
[class*="st-key-home_door_"] a:focus-visible { box-shadow: none; outline: none; }
[class*="st-key-home_door_"] a:focus-visible::after { outline: 3px solid currentColor; outline-offset: 2px; }
[class*="st-key-home_door_"] a p { font-size: 1.15rem; font-weight: 600; }
</style>
"""
"""All of a card leads where its link does."""


def home() -> None:
    """Draws the page."""
    try:
        listed = runs.listing()
    except CnnvizError as error:
        st.error(plain(error), icon=":material/error:")
        listed = []
    _film()
    _doors(listed)
    if listed:
        active = {run.id: run.state for run in listed if run.active}
        st.fragment(run_every=SECONDS if active else None)(_runs)(active)


def _film() -> None:
    found = shown_run()
    if found is None:
        return
    run, probe = found
    film = _film_data(run, probe, len(snapshots.moments(run)), metrics.last(run / "metrics.jsonl"))
    if film is None:
        return
    name = _name(run)
    learning(film, f"{name}: a model learning", key="home_film")
    st.caption(f"{plain(name)}, while it learns: bright is evidence for the true class (Grad-CAM).")


@st.cache_data(show_spinner=False, max_entries=2)
def _film_data(run: Path, _probe: Probe, count: int, last: dict[str, Any] | None) -> dict[str, Any] | None:
    return film_data(run, _probe)


def _name(folder: Path) -> str:
    return name_of(runs.open_run(folder.name, folder.parent))


def _doors(listed: Sequence[Run]) -> None:
    trained = [run for run in listed if run.best_path.is_file() and run.recipe is not None]
    run = _first(trained, ("cats-and-dogs", "shapes"))
    named = {"run": run.id} if run else {}
    train, inside, predict = st.columns(3)
    with train:
        _door(
            "train", "Train in 20 seconds", "model_training", {"preset": "Q"}, "Handwritten digits, from zero to 97 %."
        )
    with inside:
        image = _image(run.recipe) if run else {}
        _door("inside", "Look inside", "layers", {**named, **image}, "An image on its way through a model.")
    with predict:
        _door("predict", "Ask about your photo", "image_search", named, "What is it, and what made the model say so?")


def _door(page: str, label: str, icon: str, values: dict[str, str], words: str) -> None:
    with st.container(border=True, key=f"home_door_{page}"):
        st.page_link(f"pages/{page}.py", label=label, icon=f":material/{icon}:", query_params=values)
        st.caption(words)


def _first(trained: Sequence[Run], names: Sequence[str]) -> Run | None:
    """The run of the first of these names that there is, else the newest."""
    named = {run.id: run for run in trained}
    return next((named[name] for name in names if name in named), trained[0] if trained else None)


def _image(recipe: Recipe | None) -> dict[str, str]:
    """What a model is looked into with: a sample photo where it knows photos, else an image of its own data."""
    return {"sample": "chelsea"} if recipe is not None and recipe.data.dataset == "cats_and_dogs" else {"item": "1"}


def _runs(expected: Mapping[str, str]) -> None:
    try:
        listed = runs.listing()
    except CnnvizError:
        return  # the page says so
    if {run.id: run.state for run in listed if run.active} != expected:
        st.rerun(scope="app")
    st.header("Runs", anchor=False)
    for run in sorted(listed, key=lambda run: not run.active)[:LATEST]:
        with st.container(horizontal=True, vertical_alignment="center", key=f"home_run_{run.id}"):
            st.page_link("pages/runs.py", label=plain(name_of(run)), query_params={"run": run.id}, width="content")
            badge(run)
            st.caption(_state(run), width="content")


def _state(run: Run) -> str:
    """How far it is, and its best validation accuracy."""
    words = []
    if run.active:
        now = progress(run)
        words.append(f"epoch {now.epoch} of {now.epochs}" if not now.message else plain(now.message))
    if (best := run.written.metrics.get("val_accuracy")) is not None:
        words.append(f"validation accuracy {percent(best)}")
    return " · ".join(words)
