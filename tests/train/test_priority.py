"""A worker leaves the pages the machine's first pick, once it has a first figure to show."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cnnviz import runs
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import metrics

SCRIPT = """
import os
from pathlib import Path
from cnnviz.train.priority import NICENESS, give_way, lower_process
before = os.nice(0)
lower_process()
give_way()
group = Path("/proc/self/autogroup")
print(min(19, before + NICENESS) == os.nice(0), group.read_text() if group.exists() else "")
"""
# The same in a process of somebody else's session, such as a terminal's.
GUEST = """
import subprocess, sys
print(subprocess.run([sys.executable, "-c", sys.argv[1]], capture_output=True, text=True).stdout)
"""


def groups() -> bool:
    """Whether Linux gives each session its share of the processors here."""
    switch = Path("/proc/sys/kernel/sched_autogroup_enabled")
    return Path("/proc/self/autogroup").exists() and switch.exists() and switch.read_text() == "1\n"


@pytest.mark.skipif(not hasattr(os, "nice"), reason="This system has no niceness.")
def test_its_niceness_counts_beyond_its_own_session() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, start_new_session=True)
    nicer, _, group = done.stdout.partition(" ")
    assert nicer == "True", done.stderr
    if groups():
        assert group.split()[-2:] == ["nice", "10"]


@pytest.mark.skipif(not groups(), reason="This system doesn't group processes by session.")
def test_a_session_that_is_not_its_own_is_left_alone() -> None:
    done = subprocess.run([sys.executable, "-c", GUEST, SCRIPT], capture_output=True, text=True, start_new_session=True)
    nicer, _, group = done.stdout.partition(" ")
    assert nicer == "True", done.stderr
    assert group.split()[-2:] == ["nice", "0"]


@pytest.mark.skipif(not groups(), reason="This system doesn't group processes by session.")
def test_it_gives_way_only_once_its_first_figures_are_seen(checkpoints: Path, until: Callable[..., None]) -> None:
    run = runs.start(replace(PRESETS["Q"], {"fit.epochs": 5000}), checkpoints)

    def share() -> str:
        worker = runs.open_run(run.id, checkpoints).written.process
        return Path(f"/proc/{worker.pid}/autogroup").read_text().split()[-1] if worker else ""

    until(lambda: share() != "")
    assert share() == "0"
    until(lambda: any(record["kind"] == "batch" for record in metrics.history(run.metrics_path)))
    until(lambda: share() == "10", 10)
