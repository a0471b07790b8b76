"""The coordinator's process: `python -m cnnviz.search SEARCH_FOLDER`. It conducts the search and leaves it in one of
its final states."""

from __future__ import annotations

import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from cnnviz import temporary
from cnnviz.errors import CnnvizError, RunError, disk_full, unexpected
from cnnviz.processes import this_process
from cnnviz.runs.launch import stop_requested
from cnnviz.runs.lease import take
from cnnviz.runs.store import write_state
from cnnviz.search.coordinator import conduct
from cnnviz.search.store import open_search
from cnnviz.search.study import mend_journal

__all__ = ["main"]


def main(folder: Path) -> int:
    """Conducts the search in `folder`; returns the process's exit code (0 finished or stopped, 1 failed)."""
    try:
        with take(folder):
            return _carry_out(folder)
    except RunError as error:
        print(error, file=sys.stderr)
        return 1


def _carry_out(folder: Path) -> int:
    temporary.clear(folder)
    search = open_search(folder.name, folder.parent.parent)
    state, began, signalled = search.run.written, time.time(), False
    before = max(state.earlier_seconds, search.result.seconds)  # of one that was killed only the result says so

    def write(**changes: Any) -> None:
        nonlocal state
        state = state.model_copy(update=changes)
        write_state(folder, state)

    def stop(*_: object) -> None:
        nonlocal signalled
        signalled = True

    def say(message: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)

    signal.signal(signal.SIGTERM, stop)
    try:
        write(state="running", process=this_process(), started=began, ended=None)
        mend_journal(search.journal)
        through = conduct(
            search,
            cancelled=lambda: signalled or stop_requested(folder),
            seconds=lambda: before + time.time() - began,
            say=say,
        )
        write(state="finished" if through else "stopped", ended=time.time())
    except Exception as error:
        write(state="failed", message=_message(error), ended=time.time())
        traceback.print_exc()
        return 1
    return 0


def _message(error: Exception) -> str:
    """What failed, for the page; the traceback is in the log."""
    if isinstance(error, CnnvizError):
        return str(error)
    if disk_full(error):
        return "The disk is full: free some space, then continue."
    return unexpected("The search", error, "its log")


if __name__ == "__main__":
    where = Path(sys.argv[1]).absolute() if len(sys.argv) == 2 else None
    if where is None or not (where / "search.json").is_file():
        print("usage: python -m cnnviz.search SEARCH_FOLDER (a folder with search.json)", file=sys.stderr)
        raise SystemExit(2)
    raise SystemExit(main(where))
