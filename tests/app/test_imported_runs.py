"""Runs that were read from event files: curves and comparison as of any, and a sentence where a model is needed."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.presets import PRESETS
from cnnviz.runs import Run, notes
from cnnviz.runs.notes import Notes
from cnnviz.runs.status import State
from cnnviz.runs.store import create_imported
from tests.app.pages import app_on, shown
from tests.made_runs import make_run


@pytest.fixture
def imported(checkpoints: Path) -> Run:
    records = [
        {"epoch": n, "seconds": 2.0 * n, "loss": 1 / n, "val_loss": 1.1 / n, "val_accuracy": 0.2 * n} for n in (1, 2, 3)
    ]
    state = State(
        state="finished",
        created=1e9,
        started=1e9,
        ended=1e9 + 6,
        epoch=3,
        best_epoch=3,
        metrics=records[-1] | {},
        imported="TensorBoard's event files",
    )
    run = create_imported("old logs", records, state)
    notes.write(run.folder, Notes(name="old logs"))
    return run


@pytest.mark.parametrize("tab", ["", "recipe", "report", "log", "epochs", "robustness"])
def test_every_tab_is_drawn_or_says_why_not(imported: Run, tab: str) -> None:
    app = app_on("runs")
    app.query_params["run"] = imported.id
    if tab:
        app.query_params["show"] = tab
    shown(app)
    assert not app.exception
    words = " ".join(one.value for one in [*app.markdown, *app.caption, *app.info, *app.error, *app.warning])
    assert "old logs" in words
    assert not app.error
    if tab in ("recipe", "report"):
        assert "It was read from TensorBoard" in words.replace("\\", "")


def test_it_is_compared_with_a_run_that_was_trained(imported: Run) -> None:
    other = make_run(PRESETS["Q"])
    app: AppTest = app_on("runs")
    app.query_params["run"] = f"{imported.id},{other.id}"
    shown(app)
    assert not app.exception
    assert not app.error


def test_pages_that_need_a_model_do_not_offer_it(imported: Run) -> None:
    for page in ("predict", "inside"):
        app = app_on(page)
        app.query_params["run"] = imported.id
        shown(app)
        assert not app.exception
