"""What a run's state is, from what its worker wrote and whether that very process still lives."""

from __future__ import annotations

import time
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from cnnviz.processes import Process, alive

__all__ = ["ACTIVE", "ENDED", "RESUMABLE", "STATES", "State", "StateName", "current"]

StateName = Literal["queued", "starting", "running", "paused", "stopping", "finished", "stopped", "failed", "crashed"]
STATES: tuple[StateName, ...] = (
    "queued",
    "starting",
    "running",
    "paused",
    "stopping",
    "finished",
    "stopped",
    "failed",
    "crashed",
)
ACTIVE = frozenset({"queued", "starting", "running", "stopping"})
ENDED = frozenset(STATES) - ACTIVE
RESUMABLE = frozenset({"paused", "stopped", "failed", "crashed"})

# A launched worker needs a moment before it writes who it is; a run without a process is given this long.
START_GRACE_SECONDS = 20.0


Moment = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]


class State(BaseModel):
    """What `state.json` holds. Times are seconds since 1970; `metrics` are the best epoch's, by Keras's names.

    `message` says why a run failed; `test` holds the test split's metrics, once evaluated. `launched` is when its
    worker was started last, `earlier_seconds` how long it had trained before, and `oom_kills` how many processes the
    system had ended for lack of memory when the worker began. `group` is the id that it shares with the runs that were
    started with it, see `cnnviz.runs.groups`; "" where it was started alone.
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
    message: str = Field("", validation_alias=AliasChoices("message", "sentence"))  # its name in older runs
    launched: Moment | None = None
    earlier_seconds: Moment = 0.0
    oom_kills: int | None = None
    group: str = Field("", max_length=100)


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
