"""Why a worker vanished, as far as its folder and the machine can tell."""

from __future__ import annotations

import os
from pathlib import Path

from cnnviz.processes import boot_id, this_host
from cnnviz.runs.status import State, StateName

__all__ = ["oom_kills", "verdict"]

_OUT_OF_MEMORY = (
    "The machine ran out of memory while it trained, and the system ended a process to make room, most likely this "
    "one: choose a smaller batch, image or model."
)
_READ_ONLY = "Its folder can't be written any more: make it writable, then continue."


def oom_kills() -> int | None:
    """Returns how many processes the kernel has ended for lack of memory: in this process's group, else in all."""
    try:
        group = next(
            line[3:].strip().lstrip("/")
            for line in Path("/proc/self/cgroup").read_text().splitlines()
            if line.startswith("0::")
        )
        counts = Path("/sys/fs/cgroup", group, "memory.events").read_text()
    except (OSError, StopIteration):
        counts = ""
    for text in (counts, _read("/proc/vmstat")):
        for line in text.splitlines():
            name, _, number = line.partition(" ")
            if name == "oom_kill" and number.strip().isdigit():
                return int(number)
    return None


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def verdict(folder: Path, written: State) -> tuple[StateName, str]:
    """Returns what a run whose worker vanished without a word is called, and a sentence on why ("" where unknown).

    Args:
        folder: the run's; a worker that can't write there can't say that it failed.
        written: what it wrote last.
    """
    if not os.access(folder, os.W_OK):
        return "failed", _READ_ONLY
    if written.process is None:
        return "crashed", ""
    if written.process.host not in ("", this_host()):
        return "crashed", f"{written.process.host}, the machine that it trained on, gives no sign of life any more."
    if written.process.boot != boot_id():
        return "crashed", "The machine was started anew while it trained."
    before = written.oom_kills
    now = oom_kills() if before is not None else None
    if before is not None and now is not None and now > before:
        return "crashed", _OUT_OF_MEMORY
    return "crashed", ""
