"""Fixtures that tests of several parts share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real pictures; without `CNNVIZ_DATA` the test is skipped."""
    root = os.environ.get("CNNVIZ_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("Needs real pictures: set CNNVIZ_DATA to the folder that holds them.")
    return Path(root).absolute()


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty runs folder of this test's own, named by `CNNVIZ_CHECKPOINTS`."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    monkeypatch.setenv("CNNVIZ_CHECKPOINTS", str(folder))
    return folder
