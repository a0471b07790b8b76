"""Robustness on the Runs page: of one run, and of several side by side, measured when asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.explain.robustness.adversarial import EPSILONS
from cnnviz.explain.robustness.corruptions.registry import CORRUPTIONS
from cnnviz.explain.robustness.robustness_of_run import measure
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run
from cnnviz.runs.results_cache import model_digest
from cnnviz.runs.robustness import HeadRobustness, Robustness, read_robustness, save
from cnnviz.ui.runs import robustness_view
from tests.app.pages import app_on, shown, words_of
from tests.made_runs import give_model, make_run
from tests.pages_run import rested

LAYERS = [{"type": "Conv2D", "filters": 2, "padding": "same"}, {"type": "GAP"}]
RECIPE = replace(PRESETS["Q"], {"network.layers": LAYERS})


@pytest.fixture
def visit(checkpoints) -> Callable[..., AppTest]:
    """Opens the page of these runs, of one its tab."""

    def go(*chosen: Run) -> AppTest:
        app = app_on("runs")
        app.query_params["run"] = ",".join(run.id for run in chosen)
        if len(chosen) == 1:
            app.query_params["show"] = "robustness"
        return shown(app, errors=False)

    return go


def measured(run: Run, **heads: HeadRobustness) -> Run:
    """Gives a run what would have been measured of it."""
    run.best_path.write_bytes(run.id.encode())
    save(run.folder, Robustness(model_digest(run.best_path), 20, 200, 10, 0, heads, 1.5))
    return run


def head(*corrupted: float, attacked: tuple[float, ...] = (0.9, 0.5)) -> HeadRobustness:
    found = dict(zip(("fog", "snow"), (corrupted[:2], corrupted[2:]), strict=True))
    return HeadRobustness(0.9, (0.0, 8 / 255), attacked, found)


def charts(app: AppTest) -> list[dict]:
    """The charts of robustness, a run's curves left out."""
    drawn = [json.loads(chart.proto.spec)["data"] for chart in app.get("plotly_chart")]
    return [data for data in drawn if data[0]["type"] == "heatmap" or "ε" in data[0].get("hovertemplate", "")]


def test_a_run_shows_what_is_kept_of_each_head(visit) -> None:
    run = measured(make_run(), shape=head(0.8, 0.6, 0.7, 0.5), colour=head(1, 1, 1, 0.9, attacked=(1.0, 0.25)))
    app = visit(run)
    curve, map_ = charts(app)
    assert (curve[0]["x"], curve[0]["y"]) == ([0, 8], [0.9, 0.5])
    assert (map_[0]["y"], map_[0]["z"]) == (["Fog", "Snow"], [[0.8, 0.6], [0.7, 0.5]])
    assert "Mean error over all corruptions 35.0 %, without 10.0 %; on 20 held-out images." in words_of(app, "caption")
    app.segmented_control(key="runs_robustness_head").set_value("colour")
    shown(app)
    assert charts(app)[0][0]["y"] == [1, 0.25]
    assert not [one for one in app.button if one.key == "runs_robustness_measure"]


def test_runs_stand_side_by_side_with_the_mean_corruption_error_of_a_baseline(visit) -> None:
    first = measured(make_run(created=1.7e9), label=head(0.8, 0.6, 0.7, 0.5))
    second = measured(make_run(created=1.8e9), label=head(0.9, 0.8, 0.9, 0.9))
    app = visit(first, second)
    curves, *maps = charts(app)
    assert [one["y"] for one in curves] == [[0.9, 0.5], [0.9, 0.5]]
    assert [one[0]["z"] for one in maps] == [[[0.8, 0.6], [0.7, 0.5]], [[0.9, 0.8], [0.9, 0.9]]]

    def errors() -> list[float]:
        [found] = [frame.value for frame in app.dataframe if "mCE" in frame.value]
        assert found["Corrupted"].tolist() == pytest.approx([65, 87.5])
        return found["mCE"].tolist()

    app.selectbox(key="runs_robustness_baseline").set_value(first.id)
    shown(app)
    assert errors() == pytest.approx([100, 100 * (0.3 / 0.6 + 0.2 / 0.8) / 2])  # of the kinds' sums, then their mean
    app.selectbox(key="runs_robustness_baseline").set_value(second.id)
    shown(app)
    assert errors() == pytest.approx([100 * (0.6 / 0.3 + 0.8 / 0.2) / 2, 100])


def test_a_baseline_without_errors_is_told(visit) -> None:
    first = measured(make_run(created=1.7e9), label=head(1, 1, 0.7, 0.5))
    second = measured(make_run(created=1.8e9), label=head(0.9, 0.8, 0.9, 0.9))
    app = visit(first, second)
    app.selectbox(key="runs_robustness_baseline").set_value(first.id)
    shown(app)
    assert "The baseline makes no error with fog" in words_of(app, "caption")


def test_runs_without_a_head_in_common_each_show_their_first(visit) -> None:
    first = measured(make_run(created=1.7e9), shape=head(0.8, 0.6, 0.7, 0.5), colour=head(1, 1, 1, 1))
    second = measured(make_run(created=1.8e9), label=head(0.9, 0.8, 0.9, 0.9))
    maps = charts(visit(first, second))[1:]
    assert sorted(one[0]["z"][0][0] for one in maps) == [0.8, 0.9]


def test_runs_with_heads_in_common_show_the_chosen_one(visit) -> None:
    both = {"shape": head(0.8, 0.6, 0.7, 0.5), "colour": head(0.4, 0.3, 0.2, 0.1)}
    app = visit(measured(make_run(created=1.7e9), **both), measured(make_run(created=1.8e9), **both))
    assert [one[0]["z"][0][0] for one in charts(app)[1:]] == [0.8, 0.8]
    app.segmented_control(key="runs_robustness_head").set_value("colour")
    shown(app)
    assert [one[0]["z"][0][0] for one in charts(app)[1:]] == [0.4, 0.4]


def test_it_is_measured_when_asked_and_kept(visit, until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robustness_view, "measure", partial(measure, limit=3))
    run = give_model(make_run(RECIPE))
    app = visit(run)
    assert not charts(app)
    assert read_robustness(run.folder) is None
    app.button(key="runs_robustness_measure").click()
    rested(app, until)
    found = read_robustness(run.folder)
    assert found is not None
    assert found.images == 3
    curve, map_ = charts(app)
    assert curve[0]["x"] == [round(255 * one, 6) for one in EPSILONS]
    assert map_[0]["y"] == [one.title for one in CORRUPTIONS.values()]
    monkeypatch.setattr(robustness_view, "measure", None)
    assert charts(visit(run)) == [curve, map_]


def test_only_what_is_missing_is_measured(visit, until, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        robustness_view,
        "measure",
        lambda run, *_, **more: asked.append(run.id) or measured(run, label=head(1, 1, 0, 0)),
    )
    known = measured(make_run(RECIPE, created=1.7e9), label=head(0.8, 0.6, 0.7, 0.5))
    missing = give_model(make_run(RECIPE, created=1.8e9))
    app = visit(known, missing)
    assert app.button(key="runs_robustness_measure").label == "Measure the other 1"
    app.button(key="runs_robustness_measure").click()
    rested(app, until)
    assert asked == [missing.id]
    assert len(charts(app)) == 3
    assert not [one for one in app.button if one.key == "runs_robustness_measure"]


def test_a_run_without_a_model_says_what_is_missing(visit) -> None:
    app = visit(make_run(state="failed"))
    assert "It can be measured once the run has ended with a model." in words_of(app, "caption")
