"""Where what is started on the Train page runs: on this machine, or wherever Ray or Slurm put it."""

from __future__ import annotations

import importlib.util
import os

import streamlit as st

from cnnviz.engines import engine_named
from cnnviz.errors import RunError
from cnnviz.runs.launch import default_engine
from cnnviz.runs.status import ENGINES, EngineName, Resources

__all__ = ["engine_choice", "engine_chosen"]


def engine_chosen() -> tuple[EngineName | None, Resources]:
    """Returns what was chosen last, wherever on the page the choice stands."""
    engine, state = st.session_state.get("train_engine"), st.session_state
    if engine in (None, "local"):
        return engine, Resources()
    cpus, gpus, memory = (state.get(f"train_{name}") for name in ("cpus", "gpus", "memory"))
    return engine, Resources(cpus=int(cpus or 1), gpus=int(gpus or 0), memory_gb=float(memory or 0))


def engine_choice() -> tuple[EngineName | None, Resources]:
    """Draws the choice of an engine, where one is installed, and what a worker asks it for; returns both.

    `None` is the default engine, whose errors are said where a run is started.
    """
    titles = {
        name: one.TITLE
        for name, one in ((name, engine_named(name)) for name in ENGINES)
        if not one.PACKAGE or importlib.util.find_spec(one.PACKAGE)
    }
    if len(titles) < 2 and not os.environ.get("CNNVIZ_ENGINE"):
        return None, Resources()
    try:
        default = default_engine()
    except RunError:
        return None, Resources()
    chosen = st.session_state.get("train_engine") or (default if default in titles else "local")
    with st.popover(
        titles[chosen], icon=":material/dns:", key="train_where", help="Where the workers of what you start run."
    ):
        engine = st.segmented_control(
            "Engine",
            list(titles),
            default=chosen,
            required=True,
            format_func=titles.__getitem__,
            key="train_engine",
            persist_state="session",
            help="Ray and Slurm start workers on a cluster's machines, which have to share the folder of runs.",
        )
        if engine not in (None, "local"):
            _resources()
    return engine_chosen()


def _resources() -> None:
    with st.container(horizontal=True):
        st.number_input(
            "CPUs",
            1,
            1024,
            1,
            key="train_cpus",
            persist_state="session",
            help="Processors for each worker.",
        )
        st.number_input(
            "GPUs",
            0,
            64,
            0,
            key="train_gpus",
            persist_state="session",
            help="Graphics cards for each worker.",
        )
        st.number_input(
            "Memory (GB)",
            0,
            65_536,
            0,
            key="train_memory",
            persist_state="session",
            help="For each worker; 0 leaves it to the engine.",
        )
