"""Files as strangers might make them, from a seed, each through the door that they come in by.

`python -m tests.security.fuzzing [--seed N] [--count N] [KIND …]` makes them and prints, for each kind, how many were
taken and how many refused, and what went beyond a limit or ended in anything but a sentence: the seed of each, so that
it can be made again. Each is tried in a process of its own with `MEMORY_BYTES` and `SECONDS`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import re
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from cnnviz.errors import CnnvizError
from tests.conftest import slowness

__all__ = ["KINDS", "Found", "fuzzed"]

KINDS = {"npz": 500, "image": 500, "keras": 500, "run": 300}
"""How many of each kind are made by default. Each kind is a module `fuzz_KIND` with `made(draw, folder)`, which returns
the path of what it made, and `asked(path)`, which uses it as the app does; `ready()` where something can be loaded once
for all."""
MEMORY_BYTES = 3 << 30
SECONDS = 20.0
"""By the clock, of a computer that has nothing else to do; as much longer as others keep it busy."""


@dataclass
class Found:
    """What became of the files of a kind.

    Attributes:
        kind: of `KINDS`.
        outcomes: how many were "taken" and "refused".
        faults: by seed, what went wrong.
        peak_mb: the most memory that one took.
        slowest: the most seconds that one took.
        sentences: an example of each kind of refusal, by its beginning.
    """

    kind: str
    outcomes: Counter = field(default_factory=Counter)
    faults: dict[int, str] = field(default_factory=dict)
    peak_mb: int = 0
    slowest: float = 0.0
    messages: dict[str, str] = field(default_factory=dict)


def fuzzed(kind: str, seeds: range) -> Found:
    """Makes and tries one file for each seed, one after another."""
    module = importlib.import_module(f"tests.security.fuzz_{kind}")
    getattr(module, "ready", lambda: None)()
    found = Found(kind)
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            outcome, said, peak = _apart(module, seed, Path(folder))
            found.slowest = max(found.slowest, time.monotonic() - began)
        found.peak_mb = max(found.peak_mb, peak)
        if outcome in ("taken", "refused"):
            found.outcomes[outcome] += 1
            found.messages.setdefault(said[:40], said)
        else:
            found.faults[seed] = f"{outcome}: {said}"
    return found


def _apart(module: ModuleType, seed: int, folder: Path) -> tuple[str, str, int]:
    """The outcome in a process of its own, with what it said and its largest memory in MB."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _child(module, seed, folder, writing)
    os.close(writing)
    data, until = b"", time.monotonic() + SECONDS * slowness() + 5
    while (left := until - time.monotonic()) > 0 and select.select([reading], [], [], left)[0]:
        if not (part := os.read(reading, 1 << 16)):
            break
        data += part
    else:
        os.kill(child, signal.SIGKILL)
    os.close(reading)
    _, status, used = os.wait4(child, 0)
    if os.WIFSIGNALED(status):
        said = f"signal {os.WTERMSIG(status)} after {used.ru_utime:.0f} s of a processor"
        return "ended", said, used.ru_maxrss >> 10
    outcome, said, peak = json.loads(data)
    return outcome, said, peak


def _peak_mb() -> int:
    """The most memory that this process had since it was last cleared."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) >> 10


def _child(module: ModuleType, seed: int, folder: Path, writing: int) -> NoReturn:
    """Makes and tries a file; ends with the outcome in the pipe."""
    sink = os.open(folder / "printed", os.O_WRONLY | os.O_CREAT)
    os.dup2(sink, 1), os.dup2(sink, 2)
    os.environ |= {
        "CNNVIZ_CACHE": str(folder / "cache"),
        "CNNVIZ_CHECKPOINTS": str(folder / "checkpoints"),
        "CNNVIZ_DATA": str(folder / "data"),
    }
    try:
        path = module.made(random.Random(seed), folder)
        Path("/proc/self/clear_refs").write_text("5")  # the most memory so far was taken to make it
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
        outcome = _outcome(lambda: module.asked(path))
    except BaseException:
        outcome = "not made", traceback.format_exc()
    try:
        os.write(writing, json.dumps((*outcome, _peak_mb())).encode())
    finally:
        os._exit(0)


def _outcome(ask: Callable[[], None]) -> tuple[str, str]:
    try:
        ask()
    except CnnvizError as error:
        message = str(error)
        whole = message.endswith(".") and "\n" not in message and len(message) < 500
        return ("refused", message) if whole else ("no sentence", message)
    except BaseException:
        return "traceback", traceback.format_exc()[-3000:]
    return "taken", ""


def main() -> int:
    """Tries all kinds, or those that are named; returns 1 where something went wrong."""
    parser = argparse.ArgumentParser(description="Tries files as strangers might make them.")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}; all by default")
    parser.add_argument("--seed", type=int, default=0, help="of the first file; the others follow")
    parser.add_argument("--count", type=int, help="how many of each kind")
    chosen, worst = parser.parse_args(), 0
    for kind in chosen.kinds or KINDS:
        count = chosen.count or KINDS[kind]
        found = fuzzed(kind, range(chosen.seed, chosen.seed + count))
        print(
            f"{kind}: {count} made, {found.outcomes['taken']} taken, {found.outcomes['refused']} refused, "
            f"{len(found.faults)} faults; at most {found.peak_mb:,} MB and {found.slowest:.1f} s"
        )
        for message in found.messages.values():
            print(f"    {message}")
        for seed, fault in found.faults.items():
            print(f"  seed {seed}: {fault}")
        worst |= bool(found.faults)
        sys.stdout.flush()
    return worst


if __name__ == "__main__":
    raise SystemExit(main())
