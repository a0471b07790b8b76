"""Which process is which: one can't be mistaken for another, whatever happens to clock and pids; and how one that is
started finds this package."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

__all__ = ["Process", "alive", "boot_id", "import_path", "is_here", "process_of", "this_host", "this_process"]


class Process(BaseModel):
    """A process that can't be mistaken for another: its pid, when it started and the machine's boot.

    `started` is in seconds since 1970, as the clock says; whoever sets the clock moves it. `ticks`, where the system
    tells (Linux), count from the boot on and stay. `host` is its machine's name; "" of a process that was written down
    before names were.
    """

    model_config = ConfigDict(frozen=True)

    pid: int
    started: float
    boot: str
    ticks: int | None = None
    host: str = ""


def import_path() -> str:
    """Returns the `PYTHONPATH` with which another Python imports this very package, from wherever it is started."""
    return os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), os.getenv("PYTHONPATH")]))


def boot_id() -> str:
    """Returns what tells this boot of the machine from all others."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"{psutil.boot_time():.0f}"


def this_host() -> str:
    """Returns this machine's name: `CNNVIZ_HOST` where machines that share runs have the same, else the system's."""
    return re.sub(r"[^\w.-]+", "-", os.environ.get("CNNVIZ_HOST") or socket.gethostname())[:100] or "host"


def is_here(process: Process) -> bool:
    """Returns whether a process is, or was, of this boot of this machine, where `alive` can tell."""
    return process.boot == boot_id() and process.host in ("", this_host())


def process_of(pid: int) -> Process:
    """Returns the identity of the process that has this pid now.

    Raises:
        psutil.NoSuchProcess: none has.
    """
    began = psutil.Process(pid).create_time()
    return Process(pid=pid, started=began, boot=boot_id(), ticks=_ticks(pid), host=this_host())


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
    """Returns whether this very process still runs: not a zombie, not another with its pid, not of an earlier boot.

    Of a process of another machine it isn't known, and `False` is returned; see `cnnviz.runs.lease.in_force`.
    """
    if not is_here(process):
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
