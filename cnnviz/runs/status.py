"""What a run's state is, from what its worker wrote and whether that very process still lives."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated, Literal

import psutil
from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "ACTIVE", "ENDED", "RESUMABLE", "STATES", "Process", "State", "StateName", "alive", "boot_id", "current",
    "process_of", "this_process",
]  # fmt: skip

StateName = Literal["queued", "starting", "running", "paused", "stopping", "finished", "stopped", "failed", "crashed"]
STATES: tuple[StateName, ...] = (
    "queued", "starting", "running", "paused", "stopping", "finished", "stopped", "failed", "crashed",
)  # fmt: skip
ACTIVE = frozenset({"queued", "starting", "running", "stopping"})
ENDED = frozenset(STATES) - ACTIVE
RESUMABLE = frozenset({"paused", "stopped", "failed", "crashed"})

# A launched worker needs a moment before it writes who it is; a run without a process is given this long.
START_GRACE_SECONDS = 20.0


class Process(BaseModel):
    """A process that can't be mistaken for another: its pid, when it started and the machine's boot.

    `started` is in seconds since 1970, as the clock says; whoever sets the clock moves it. `ticks`, where the system
    tells (Linux), count from the boot on and stay.
    """

    model_config = ConfigDict(frozen=True)

    pid: int
    started: float
    boot: str
    ticks: int | None = None


Moment = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]


class State(BaseModel):
    """What `state.json` holds. Times are seconds since 1970; `metrics` are the best epoch's, by Keras's names.

    `sentence` says why a run failed; `test` holds the test split's metrics, once evaluated. `launched` is when its
    worker was started last, `earlier_seconds` how long it had trained before, and `oom_kills` how many processes the
    system had ended for lack of memory when the worker began.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: StateName = "queued"
    process: Process | None = None
    created: Moment = 0.0
    started: Moment | None = None
    ended: Moment | None = None
    epoch: int = 0
    best_epoch: int | None = None
    metrics: dict[str, float] = {}
    test: dict[str, float] = {}
    sentence: str = ""
    launched: Moment | None = None
    earlier_seconds: Moment = 0.0
    oom_kills: int | None = None


def boot_id() -> str:
    """Returns what tells this boot of the machine from all others."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"{psutil.boot_time():.0f}"


def process_of(pid: int) -> Process:
    """Returns the identity of the process that has this pid now.

    Raises:
        psutil.NoSuchProcess: none has.
    """
    return Process(pid=pid, started=psutil.Process(pid).create_time(), boot=boot_id(), ticks=_ticks(pid))


def _ticks(pid: int) -> int | None:
    """How long after the boot a process started; the 22nd number of proc(5)'s stat, whose second may hold spaces."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def this_process() -> Process:
    """Returns the identity of the calling process."""
    return process_of(os.getpid())


def alive(process: Process) -> bool:
    """Returns whether this very process still runs: not a zombie, not another with its pid, not of an earlier boot."""
    if process.boot != boot_id():
        return False
    try:
        found = psutil.Process(process.pid)
        if process.ticks is not None:
            same = _ticks(process.pid) == process.ticks
        else:
            same = abs(found.create_time() - process.started) < 1.0
        return same and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def current(
    written: State, *, lives: bool, stop_requested: bool, launched: Process | None = None, now: float | None = None
) -> StateName:
    """Returns the true state: what was written, corrected by whether the worker lives.

    Args:
        written: what the worker wrote last.
        lives: whether the process that wrote it still runs.
        stop_requested: whether somebody asked it to stop.
        launched: who its worker is by the one that started it, for the time until the worker itself says so.
        now: seconds since 1970; the clock's by default.
    """
    if written.state in ENDED:
        return written.state
    if written.process is None and launched is not None:
        lives = alive(launched)
    elif written.process is None:
        age = (time.time() if now is None else now) - (written.launched or written.created)
        lives = abs(age) < START_GRACE_SECONDS  # a time to come is a clock that was put back
    if not lives:
        return "stopped" if stop_requested and written.state == "queued" else "crashed"
    return "stopping" if stop_requested else written.state
