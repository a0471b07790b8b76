"""Downloads of a run that are made on demand, as a person uses them, without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run
from tests.app.pages import app_on, shown
from tests.made_runs import give_model, make_run

SMALL = {"network.layers": [{"type": "Conv2D", "filters": 2}, {"type": "GAP"}]}


def opened(run: Run) -> AppTest:
    app = app_on("runs")
    app.query_params["run"] = run.id
    return shown(app)


def labels(app: AppTest) -> list[str]:
    return [one.proto.label for one in app.get("download_button")]


def test_another_format_is_written_when_asked_for(checkpoints: Path, until) -> None:
    app = opened(give_model(make_run(replace(PRESETS["Q"], SMALL))))
    assert "Model as SavedModel (.zip)" not in labels(app)
    app.selectbox(key="runs_get_format").set_value("savedmodel")
    shown(app).button(key="runs_make_format").click()
    until(lambda: "Model as SavedModel (.zip)" in labels(shown(app)), seconds=120)
    assert any("its predictions differ by at most" in one.value for one in app.caption)
    app.selectbox(key="runs_get_format").set_value("tflite")
    assert "Model as SavedModel (.zip)" not in labels(shown(app)), "what is offered is what is chosen"


def test_the_script_is_offered_or_it_is_said_why_not(checkpoints: Path) -> None:
    assert "Keras script (.py)" in labels(opened(make_run(PRESETS["D1"])))
    app = opened(make_run(PRESETS["S"]))
    assert "Keras script (.py)" not in labels(app)
    assert any("which only cnnviz makes or knows" in one.value for one in app.caption)


@pytest.mark.parametrize("state", ["running", "finished"])
def test_a_run_without_a_model_offers_no_format(checkpoints: Path, state: str) -> None:
    app = opened(make_run(PRESETS["D1"], state=state))
    assert app.button(key="runs_make_format").disabled
