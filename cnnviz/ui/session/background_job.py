"""Slow work in a thread of its own: it shows how far it is, can be stopped, and goes on while the page is used."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import streamlit as st

from cnnviz.errors import CnnvizError
from cnnviz.progress import CancelCheck, Progress
from cnnviz.ui.markdown import plain

__all__ = ["BackgroundJob", "drop_job", "ended_job", "has_job", "keyed_job", "run_job", "say_end", "start"]

SECONDS = 0.5
PATIENCE_SECONDS = 0.3
"""So long a page waits for work before it shows a bar, so that short work shows none."""
_KEPT = "background_"


class BackgroundJob:
    """A function at work. It is called as `function(progress, cancelled)`.

    `result` is what it returned and `message` what went wrong; both are `None` while it works and after a stop.
    """

    def __init__(self, function: Callable[[Progress, CancelCheck], Any], what: str):
        self.result: Any = None
        self.message: str | None = None
        self._said = (what, 0, 0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._carry_out, args=(function,), daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return not self._thread.is_alive()

    @property
    def said(self) -> tuple[str, int, int]:
        """What it is doing, how much is done and how much there is (0: unknown)."""
        return self._said

    @property
    def stopped(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Asks it to stop."""
        self._stop.set()

    def wait(self, seconds: float) -> None:
        """Waits until it has ended, at most so long."""
        self._thread.join(seconds)

    def _carry_out(self, function: Callable[[Progress, CancelCheck], Any]) -> None:
        try:
            self.result = function(lambda *said: setattr(self, "_said", said), self._stop.is_set)
        except CnnvizError as error:
            self.message = str(error)
        except Exception as error:  # the page must not fall with it; the terminal gets the whole story
            if not self.stopped:
                logging.getLogger(__name__).exception("Work in the background failed")
                self.message = f"This went wrong unexpectedly ({type(error).__name__}); the server's log says more."


def start(name: str, function: Callable[[Progress, CancelCheck], Any], what: str) -> None:
    """Starts work under a name of this session, in place of what that name stood for."""
    if (old := st.session_state.get(_KEPT + name)) is not None:
        old.stop()
    st.session_state[_KEPT + name] = BackgroundJob(function, what)


def run_job(
    name: str,
    function: Callable[[Progress, CancelCheck], Any],
    what: str,
    *,
    begin: bool = True,
    patience: float = PATIENCE_SECONDS,
) -> BackgroundJob | None:
    """Starts work unless it goes on already, and returns it once it has ended; see `ended_job`.

    Args:
        name: of the work, in this session.
        function: see `BackgroundJob`.
        what: what it does, until it says so itself.
        begin: whether it may be started; what goes on is shown in any case.
        patience: see `ended_job`.
    """
    if begin and not has_job(name):
        start(name, function, what)
    return ended_job(name, patience)


def keyed_job(
    name: str,
    key: tuple,
    function: Callable[[Progress, CancelCheck], Any],
    what: str,
    *,
    begin: bool = True,
    patience: float = PATIENCE_SECONDS,
) -> BackgroundJob | None:
    """As `run_job`, for the key that is wanted now: work for another one is dropped.

    Work that ended without a result isn't begun again before another key was wanted; it is returned each time.
    """
    wanted = f"{name}_wanted"
    before, ended = st.session_state.get(wanted, (None, None))
    if before != key:
        drop_job(name)
        ended = None
    if ended is None:
        ended = run_job(name, function, what, begin=begin, patience=patience)
    st.session_state[wanted] = (key, ended if ended is not None and ended.result is None else None)
    return ended


def say_end(work: BackgroundJob | None, stopped: str = "Stopped; nothing was kept of it.") -> None:
    """Says how work ended, where that isn't to be seen."""
    if work is not None and work.message:
        st.error(plain(work.message), icon=":material/error:")
    elif work is not None and work.stopped:
        st.caption(stopped)


def ended_job(name: str, patience: float = PATIENCE_SECONDS) -> BackgroundJob | None:
    """Returns the ended work of this name, once; shows a bar with a Stop while it goes on; `None` otherwise.

    Args:
        name: as it was started.
        patience: seconds to wait for its end before a bar is shown.
    """
    work: BackgroundJob | None = st.session_state.get(_KEPT + name)
    if work is None:
        return None
    work.wait(patience)
    if work.done:
        del st.session_state[_KEPT + name]
        return work
    st.fragment(run_every=SECONDS)(_bar)(name)
    return None


def drop_job(name: str) -> None:
    """Stops work of this name, if there is any, and drops what comes of it."""
    if (work := st.session_state.pop(_KEPT + name, None)) is not None:
        work.stop()


def has_job(name: str) -> bool:
    """Returns whether there is work of this name, at work or ended and not yet asked for by `ended_job`."""
    return _KEPT + name in st.session_state


def _bar(name: str) -> None:
    work: BackgroundJob | None = st.session_state.get(_KEPT + name)
    if work is None or work.done:
        st.rerun(scope="app")
    what, done, total = work.said
    with st.container(horizontal=True, vertical_alignment="center"):
        count = f": {done:,} of {total:,}" if total else "…"
        with st.container(width="stretch"):
            st.progress(min(1.0, done / total) if total else 0.0, f"{plain(what)}{count}")
        st.button(
            "Stopping…" if work.stopped else "Stop",
            icon=":material/stop:",
            key=f"stop_{name}",
            on_click=work.stop,
            disabled=work.stopped,
            help="Ends this; nothing that was there before is lost.",
        )
