"""What the server gets ready before somebody asks for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cnnviz import runs
from cnnviz.ui.inputs.model_cache import loaded_model, of_run
from cnnviz.ui.session import readiness

SHIPPED = Path(__file__).parents[3] / "checkpoints"


@pytest.fixture
def run(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> runs.Run:
    """A run of which no model is loaded yet, in a server that has just started, and keeps no spare worker."""
    shutil.copytree(SHIPPED / "mnist", checkpoints / "mnist")
    monkeypatch.delenv("CNNVIZ_SPARE", raising=False)
    readiness._load.cache_clear()
    return runs.open_run("mnist")


def test_the_model_that_pages_open_with_is_loaded_ahead(run: runs.Run, until: Callable[..., object]) -> None:
    readiness.get_ready("predict")
    until(lambda: loaded_model(of_run(run)) is not None)


@pytest.mark.parametrize("why", ["large", "unwanted"])
def test_no_model_is_loaded_ahead(run: runs.Run, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    if why == "large":
        monkeypatch.setattr(readiness, "MOST_BYTES", run.best_path.stat().st_size - 1)
        readiness._first_answer()
    else:
        monkeypatch.setenv("CNNVIZ_SPARE", "0")
        readiness.get_ready("predict")
        assert not readiness._load.cache_info().currsize
    assert loaded_model(of_run(run)) is None
