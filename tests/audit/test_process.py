"""An audit in a process of its own: how far it is, how it ends, and that it can be ended."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cnnviz.audit.audit import kept_audit
from cnnviz.audit.process import audit_elsewhere
from cnnviz.data import open_dataset
from cnnviz.errors import DataError
from cnnviz.progress import Cancelled
from cnnviz.recipe import Data
from tests.audit.test_notes import folder  # noqa: F401  # a fixture


def test_it_is_kept_for_whoever_asked(folder: Path) -> None:  # noqa: F811
    data, said = Data(dataset=str(folder), image_size=(8, 8)), []
    audit_elsewhere(data, progress=lambda *words: said.append(words))
    found = kept_audit(open_dataset(data))
    assert found is not None
    assert found.splits == {"train": 10, "validation": 2, "test": 6}
    assert any(what == "Training a small network" and whole for what, _, whole in said)


def test_what_is_wrong_is_said_in_its_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no dataset"):
        audit_elsewhere(Data(dataset=str(tmp_path / "nowhere"), image_size=(8, 8)))


def test_it_ends_when_it_is_to_stop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    started, begin = [], subprocess.Popen

    def noted(*command: object, **how: object) -> subprocess.Popen:
        started.append(begin(*command, **how))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", noted)
    with pytest.raises(Cancelled):
        audit_elsewhere(Data(dataset=str(folder), image_size=(8, 8)), cancelled=lambda: True)
    assert started[0].returncode == -signal.SIGKILL


def test_a_process_that_dies_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    start = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda command, **how: start([sys.executable, "-c", "import os; os._exit(9)"], **how)
    )
    with pytest.raises(DataError, match="ended unexpectedly"):
        audit_elsewhere(Data(dataset=str(folder), image_size=(8, 8)))


def test_asking_loads_no_tensorflow() -> None:
    script = "import cnnviz.audit.process, cnnviz.audit.audit, sys; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
