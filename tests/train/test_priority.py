"""A worker leaves the pages the machine's first pick."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os
from pathlib import Path
from cnnviz.train.__main__ import NICENESS, _step_back
before = os.nice(0)
_step_back()
group = Path("/proc/self/autogroup")
print(min(19, before + NICENESS) == os.nice(0), group.read_text() if group.exists() else "")
"""


@pytest.mark.skipif(not hasattr(os, "nice"), reason="This system has no niceness.")
def test_its_niceness_counts_beyond_its_own_session() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, start_new_session=True)
    nicer, _, group = done.stdout.partition(" ")
    assert nicer == "True", done.stderr
    if Path("/proc/self/autogroup").exists() and Path("/proc/sys/kernel/sched_autogroup_enabled").read_text() == "1\n":
        assert group.split()[-2:] == ["nice", "10"]
