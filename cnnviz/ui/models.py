"""Networks of runs for pages: loaded in the background, kept for all sessions, asked by one at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

from cnnviz import runs
from cnnviz.runs import Run
from cnnviz.ui import background
from cnnviz.ui.text import plain

if TYPE_CHECKING:
    from cnnviz.models.load import Loaded

__all__ = ["Network", "networks", "usable"]

KEPT = 4


@dataclass(frozen=True, eq=False)
class Network:
    """A loaded network with its lock: `ask` it, and TensorFlow is used by one thread at a time."""

    loaded: Loaded
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, images: Any, training: bool = False) -> list[Any]:
        """Returns the outputs for float32 pictures 0..255 as arrays."""
        with self.lock:
            found = self.loaded.model(images, training=False)
        return [one.numpy() for one in (found if isinstance(found, (list, tuple)) else [found])]


def usable(listed: Sequence[Run] | None = None) -> list[Run]:
    """Returns the runs that have a network to ask, the newest first."""
    listed = runs.listing() if listed is None else listed
    return [run for run in listed if run.recipe is not None and not run.active and run.best_path.is_file()]


def _stamp(run: Run) -> tuple[str, int, int]:
    try:
        status = run.best_path.stat()
    except OSError:
        return str(run.best_path), 0, 0
    return str(run.best_path), status.st_mtime_ns, status.st_size


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def _network(path: str, mtime_ns: int, size: int, _run: Run) -> Network:
    _prepared()
    from cnnviz.models.load import load_run

    return Network(load_run(_run))


@st.cache_resource(show_spinner=False)
def _prepared() -> None:
    from cnnviz.models.load import keep_state  # brings TensorFlow, which no page should load before it is needed

    keep_state()


def networks(chosen: Sequence[Run]) -> list[Network] | None:
    """Returns the runs' networks, or `None` while they are being loaded or after saying why they can't be."""
    stamps = tuple(map(_stamp, chosen))
    known: dict[tuple, str] = st.session_state.setdefault("networks_known", {})

    def load(*_: object) -> list[Network]:
        return [_network(*stamp, run) for stamp, run in zip(stamps, chosen, strict=True)]

    name = "networks_" + "_".join(run.id for run in chosen)
    if stamps not in known:
        if not background.known(name):
            background.start(name, load, "Loading the network" if len(chosen) == 1 else "Loading the networks")
        if (work := background.finished(name)) is None:
            return None
        known[stamps] = "Loading was stopped; choose the network again." if work.stopped else work.sentence or ""
    if known[stamps]:
        st.error(plain(known[stamps]), icon=":material/error:")
        return None
    return load()
