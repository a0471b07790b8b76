"""The short form of the fuzzer; `python -m tests.security.fuzzing` is the long one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SHORT = {"npz": 60, "image": 40, "keras": 6, "run": 5}
"""How many of each kind: about ten seconds each."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHORT)
def test_nothing_that_strangers_make_goes_beyond_a_limit(kind: str) -> None:
    """In a process of its own, as it forks."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.security.fuzzing", kind, "--count", str(SHORT[kind])],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert f"{SHORT[kind]} made" in done.stdout
