"""What a run's state is, from what its worker wrote and whether somebody still has it in hand."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from cnnviz.processes import Process

__all__ = [
    "ACTIVE",
    "ENDED",
    "ENGINES",
    "RESUMABLE",
    "STATES",
    "EngineName",
    "Resources",
    "State",
    "StateName",
    "current",
]

EngineName = Literal["local", "ray", "slurm"]
ENGINES: tuple[EngineName, ...] = ("local", "ray", "slurm")
"""Where a worker runs: on this machine, or wherever Ray or Slurm put it; see `cnnviz.engines`."""
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

Moment = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]


class Resources(BaseModel):
    """What a run's worker asks an engine for: processors, graphics cards and gigabytes of memory (0: the engine's own
    default)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    cpus: int = Field(1, ge=1, le=1024)
    gpus: int = Field(0, ge=0, le=64)
    memory_gb: float = Field(0, ge=0, le=65_536, allow_inf_nan=False)


class State(BaseModel):
    """What `state.json` holds. Times are seconds since 1970; `metrics` are the best epoch's, by Keras's names.

    `message` says why a run failed; `test` holds the test split's metrics, once evaluated. `launched` is when its
    worker was started last, `earlier_seconds` how long it had trained before, and `oom_kills` how many processes the
    system had ended for lack of memory when the worker began. `group` is the id that it shares with the runs that were
    started with it, see `cnnviz.runs.groups`; "" where it was started alone. It branched from
    the run `parent` after `parent_epoch`; "" where it began anew. `search` is the id of the search that it is a trial
    of, "" of most runs, and `trial` the trial's number there, from 0; see `cnnviz.search`. `engine` carries its worker,
    which asked it for `resources`. `imported` says what a run was read from that wasn't trained here, such as
    "TensorBoard"; "" for all others.
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
    search: str = Field("", max_length=100)
    trial: int | None = None
    parent: str = Field("", max_length=100)
    parent_epoch: int = Field(0, ge=0)
    engine: EngineName = "local"
    resources: Resources = Resources()
    imported: str = Field("", max_length=100)


def current(written: State, *, lives: bool, stop_requested: bool) -> StateName:
    """Returns the true state: what was written, corrected by whether somebody has the run in hand.

    Args:
        written: what the worker wrote last.
        lives: whether it, or the engine that is to start one, still has the run in hand; see `cnnviz.runs.liveness`.
        stop_requested: whether somebody asked it to stop.
    """
    if written.state in ENDED:
        return written.state
    if not lives:
        return "stopped" if stop_requested and written.state == "queued" else "crashed"
    return "stopping" if stop_requested else written.state
