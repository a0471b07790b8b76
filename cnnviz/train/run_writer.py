"""What a worker writes of its run: state, figures and messages. No TensorFlow, so that a queued run costs little."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from cnnviz.files import write_bytes
from cnnviz.progress import check_cancelled
from cnnviz.runs.launch import pause_requested, stop_requested
from cnnviz.runs.lease import Lease
from cnnviz.runs.metrics import Writer, rewind
from cnnviz.runs.status import State
from cnnviz.runs.store import write_state
from cnnviz.train.priority import give_way

__all__ = ["RunWriter"]

NOTE_SECONDS = 0.25
RESERVE_BYTES = 65_536


class RunWriter:
    """The one writer of a run's folder while its worker lives."""

    def __init__(self, folder: Path, state: State, lease: Lease | None = None):
        self.folder = folder
        self._lease = lease
        self.state = state
        self.figures = Writer(folder / "metrics.jsonl")
        self._signalled = False
        self._noted = 0.0
        self._spare = folder / ".spare"

    def write(self, **changes: Any) -> None:
        """Replaces the run's state by one with these changes."""
        self.state = self.state.model_copy(update=changes)
        write_state(self.folder, self.state)

    def say(self, message: str) -> None:
        """Adds a line to the log; where the disk is full, the log does without."""
        with suppress(OSError):
            print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)

    def rewind(self, epoch: int) -> None:
        """Takes the figures back to the end of an epoch, that the next may be repeated."""
        self.figures.close()
        rewind(self.folder / "metrics.jsonl", epoch)
        self.figures = Writer(self.folder / "metrics.jsonl")

    def reserve(self) -> None:
        """Lays by a little room on the disk, so that a run can say that the disk is full."""
        write_bytes(self._spare, os.urandom(RESERVE_BYTES))

    def end(self, **changes: Any) -> None:
        """Writes the run's last state, on the room that was laid by."""
        self._spare.unlink(missing_ok=True)
        self.write(ended=time.time(), **changes)

    def note(self, message: str, done: int = 0, total: int = 0) -> None:
        """Tells what is being done; of quick repetitions only a few are written, but always the last."""
        now = time.monotonic()
        under_way = 0 < done < total
        if under_way and now - self._noted < NOTE_SECONDS:
            return
        self._noted = now
        if under_way:
            give_way()
        self.figures.append("note", message=message, done=done, total=total, time=time.time())
        if done in (0, total):
            self.say(message if not total else f"{message}: {done:,} of {total:,}")

    def progress(self, message: str, done: int, total: int) -> None:
        """As `note`, and the place where long preparations can be stopped.

        Raises:
            Cancelled: somebody asked the run to stop.
        """
        self.note(message, done, total)
        check_cancelled(self.stopping)

    def stop(self) -> None:
        """Makes the run stop as if somebody had asked it to."""
        self._signalled = True

    def stopping(self) -> bool:
        """Returns whether the run should stop."""
        return self._signalled or stop_requested(self.folder) or (self._lease is not None and self._lease.lost())

    def pausing(self) -> bool:
        """Returns whether the run should stop only for a while."""
        return not self._signalled and pause_requested(self.folder)
