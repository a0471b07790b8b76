"""Slow work in a thread of its own: it shows how far it is, can be stopped, and goes on while the page is used."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import streamlit as st

from cnnviz.errors import CnnvizError
from cnnviz.ui.markdown import plain

__all__ = ["BackgroundJob", "drop_job", "ended_job", "has_job", "start"]

SECONDS = 0.5
_KEPT = "background_"

Progress = Callable[[str, int, int], None]


class BackgroundJob:
    """A function at work. It is called as `function(progress, cancelled)`.

    `result` is what it returned and `message` what went wrong; both are `None` while it works and after a stop.
    """

    def __init__(self, function: Callable[[Progress, Callable[[], bool]], Any], what: str):
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

    def _carry_out(self, function: Callable[[Progress, Callable[[], bool]], Any]) -> None:
        try:
            self.result = function(lambda *said: setattr(self, "_said", said), self._stop.is_set)
        except CnnvizError as error:
            self.message = str(error)
        except Exception as error:  # the page must not fall with it; the terminal gets the whole story
            if not self.stopped:
                logging.getLogger(__name__).exception("Work in the background failed")
                self.message = f"This went wrong unexpectedly ({type(error).__name__}); the server's log says more."


def start(name: str, function: Callable[[Progress, Callable[[], bool]], Any], what: str) -> None:
    """Starts work under a name of this session, in place of what that name stood for."""
    if (old := st.session_state.get(_KEPT + name)) is not None:
        old.stop()
    st.session_state[_KEPT + name] = BackgroundJob(function, what)


def ended_job(name: str, patience: float = 0.0) -> BackgroundJob | None:
    """Returns the ended work of this name, once; shows a bar with a Stop while it goes on; `None` otherwise.

    Args:
        name: as it was started.
        patience: seconds to wait for its end before a bar is shown, so that short work shows none.
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
