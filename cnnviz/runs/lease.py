"""The lease by which one worker has a run in hand, on whatever machine, wherever the run's folder lies.

Locks are not kept by every shared file system, pids mean nothing on another machine and clocks differ by minutes. So a
lease is a folder with a fencing number, `.lease/00000007`, that appears whole by a rename, which only one of several
can do. Its holder touches the `heartbeat` in it; whoever would take it over watches that for long enough by its own
clock.

A worker that was thought dead may wake up (a suspended machine, a network that was gone). It can't be trusted to look
first, so it is fenced: all that it writes is drafted in its lease's `drafts/` and renamed into its place from there,
see `cnnviz.temporary.drafts_in`, and whoever takes the run over takes that folder away before it begins. See
M. Kleppmann, "How to do distributed locking" (2016), on fencing tokens.
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cnnviz.errors import RunError
from cnnviz.files import read_json, write_json
from cnnviz.processes import Process, alive, is_here, this_process
from cnnviz.temporary import drafts_in

__all__ = ["LEASE_SECONDS", "Lease", "in_force", "lease_seconds", "take"]

LEASE_SECONDS = 20.0
"""How long a worker on another machine may give no sign of life before another takes its run over."""
_HEARTBEATS = 5
"""Signs of life in that time."""
_LEAVING_SECONDS = 5.0
"""How long a holder on this machine is waited for, which may be about to leave."""
_FOLDER, _DRAFTS, _HEARTBEAT, _HOLDER = ".lease", "drafts", "heartbeat", "holder.json"


class Holder(BaseModel):
    """Who took a lease, and after how many seconds without a sign of life it is another's."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    process: Process
    seconds: float = Field(gt=0, le=86_400)
    token: str = ""


def lease_seconds() -> float:
    """Returns for how long a lease holds without a sign of life: `CNNVIZ_LEASE_SECONDS`, by default `LEASE_SECONDS`.

    Raises:
        RunError: that isn't a number from 1 to 86,400.
    """
    text = os.environ.get("CNNVIZ_LEASE_SECONDS", str(LEASE_SECONDS))
    with suppress(ValueError):
        if 1 <= float(text) <= 86_400:
            return float(text)
    raise RunError(f"CNNVIZ_LEASE_SECONDS is {text!r}; expected seconds from 1 to 86,400, such as 20.")


@dataclass
class Lease:
    """A lease that this process took. `number` grows with each worker of the run."""

    folder: Path
    number: int
    _ended: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def drafts(self) -> Path:
        """Where its holder drafts what it writes; gone once another has taken the run over."""
        return _place(self.folder, self.number) / _DRAFTS

    def lost(self) -> bool:
        """Returns whether another has taken the run over, after which this process can write nothing more there."""
        return not self.drafts.is_dir()

    def _keep(self, seconds: float) -> None:
        while not self._ended.wait(seconds / _HEARTBEATS):
            with suppress(OSError):  # a storage that is away for a while
                os.utime(_place(self.folder, self.number) / _HEARTBEAT)


@contextmanager
def take(folder: Path) -> Iterator[Lease]:
    """Has the run in `folder` in hand within the block, as the only process anywhere.

    Within, this process's files in that folder are drafted so that they reach it only while the lease is in force, and
    a thread gives signs of life.

    Args:
        folder: the run's, on storage where a rename is atomic, such as a local disk or NFS.

    Raises:
        RunError: another has it in hand; one that may have died on another machine is watched for as long as its lease
            holds.
        OSError: the folder can't be written.

    Example:
        >>> with take(folder) as lease:
        ...     assert not lease.lost()
    """
    seconds = lease_seconds()
    lease = _taken(folder, seconds)
    heart = threading.Thread(target=lease._keep, args=(seconds,), daemon=True)
    heart.start()
    try:
        with drafts_in(lease.drafts, folder):
            yield lease
    finally:
        lease._ended.set()
        heart.join()
        _fence(folder, lease.number)  # released: nobody has to wait for it


def in_force(folder: Path) -> bool:
    """Returns whether some worker has the run in `folder` in hand: one on this machine that lives, or one elsewhere
    that gave a sign of life lately, by the clock of the storage."""
    if not (numbers := _numbers(folder)) or not _drafts(folder, numbers[-1]).is_dir():
        return False
    holder = _holder(folder, numbers[-1])
    if holder is not None and is_here(holder.process):
        return alive(holder.process)
    beat = _beat(folder, numbers[-1])
    return abs(storage_now(folder.parent) - beat / 1e9) < (holder.seconds if holder else LEASE_SECONDS)


def storage_now(runs: Path) -> float:
    """Returns the time in seconds since 1970 by the clock that stamps files in the folder of runs, which on shared
    storage is its server's; this machine's where nothing can be written there."""
    path = runs / ".slots" / "clock"
    try:
        path.parent.mkdir(exist_ok=True)
        with open(path, "ab") as file:
            os.utime(path)
            return os.fstat(file.fileno()).st_mtime
    except OSError:
        return time.time()


def _taken(folder: Path, seconds: float) -> Lease:
    """Makes the next lease appear once the newest is in force no longer, and fences all before it."""
    (folder / _FOLDER).mkdir(exist_ok=True)
    draft = folder / _FOLDER / f"new-{secrets.token_hex(8)}"
    draft.mkdir()
    try:
        holder = Holder(process=this_process(), seconds=seconds, token=draft.name)
        write_json(draft / _HOLDER, holder.model_dump())
        (draft / _HEARTBEAT).touch()
        (draft / _DRAFTS).mkdir()
        while True:
            newest = (_numbers(folder) or [0])[-1]
            if newest:
                _await_end(folder, newest)
            try:
                os.rename(draft, _place(folder, newest + 1))  # fails where another was first: its folder isn't empty
            except OSError:
                mine = _holder(folder, newest + 1)
                if mine is None:
                    raise
                if mine.token != holder.token:  # else it was done, and only the server's reply was lost
                    continue
            break
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    for number in _numbers(folder):
        if number <= newest:
            _fence(folder, number)
    return Lease(folder, newest + 1)


def _await_end(folder: Path, number: int) -> None:
    """Returns once a lease is in force no longer.

    Raises:
        RunError: its holder goes on.
    """
    first, began, holder = _beat(folder, number), time.monotonic(), _holder(folder, number)
    while _drafts(folder, number).is_dir():
        watched = time.monotonic() - began
        if holder is not None and is_here(holder.process):
            if not alive(holder.process):
                return
            goes_on = watched > _LEAVING_SECONDS
        else:
            if watched > (holder.seconds if holder else LEASE_SECONDS):
                return
            goes_on = _beat(folder, number) != first
        if goes_on:
            where = f" on {holder.process.host}" if holder and not is_here(holder.process) else ""
            raise RunError(f"Another worker{where} has this run in hand.")
        time.sleep(0.1)


def _fence(folder: Path, number: int) -> None:
    """Takes the drafts of a lease away, at once and whole; its holder can put nothing into the run any more."""
    grave = _place(folder, number) / f"fenced-{secrets.token_hex(8)}"
    with suppress(FileNotFoundError):
        os.rename(_drafts(folder, number), grave)
        shutil.rmtree(grave, ignore_errors=True)


def _place(folder: Path, number: int) -> Path:
    return folder / _FOLDER / f"{number:08d}"


def _drafts(folder: Path, number: int) -> Path:
    return _place(folder, number) / _DRAFTS


def _numbers(folder: Path) -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir(folder / _FOLDER) if name.isdecimal())
    except OSError:
        return []


def _holder(folder: Path, number: int) -> Holder | None:
    try:
        return Holder.model_validate(read_json(_place(folder, number) / _HOLDER))
    except (OSError, ValidationError):
        return None


def _beat(folder: Path, number: int) -> int:
    """When the last sign of life was, in nanoseconds by the storage's clock; opened, so that NFS asks its server."""
    try:
        with open(_place(folder, number) / _HEARTBEAT, "rb") as file:
            return os.fstat(file.fileno()).st_mtime_ns
    except OSError:
        return 0
