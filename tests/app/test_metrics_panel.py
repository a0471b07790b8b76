"""The explanation metrics panel, as a person uses it, without a browser: small untrained models, real measurements."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.explain.metrics.deletion_insertion import DeletionInsertion
from cnnviz.explain.metrics.parameter_randomization import ParameterRandomization
from cnnviz.explain.metrics.pointing_game_of_run import cached_pointing
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run
from cnnviz.ui.predict import metrics_job, metrics_view
from cnnviz.ui.predict.metrics_panel import _json
from tests.app.pages import page_about, words_of
from tests.made_runs import give_model, make_run
from tests.pages_run import rested

LAYERS = [{"type": "Conv2D", "filters": 4, "padding": "same"}, {"type": "MaxPool", "pool_size": 4}, {"type": "GAP"}]


def script() -> None:
    """A page that is nothing but the panel."""
    import numpy as np
    import streamlit as st

    from cnnviz import runs
    from cnnviz.explain import Explanation, Target, explain
    from cnnviz.ui.inputs.model_cache import models_of_runs
    from cnnviz.ui.predict.metrics_panel import metrics_panel

    run = runs.open_run(st.session_state["run"])
    if found := models_of_runs([run]):
        classifier = found[0].classifier
        image = np.random.default_rng(0).integers(0, 256, (*classifier.image_size, classifier.channels), np.uint8)
        made = explain(
            classifier.model,
            classifier.pixels(image[None]),
            method=st.session_state.get("method", "gradient"),
            target=Target(st.session_state.get("head", 0), 2),
        )
        if st.session_state.get("empty"):
            made = Explanation(
                made.method,
                made.layer,
                made.target,
                0 * made.map,
                made.scores,
                0 * made.strength,
                ("Nothing in this image speaks for it.",),
            )
        metrics_panel(found[0], image, made, key="trust", run=run if st.session_state.get("with_run", True) else None)


@pytest.fixture
def shapes(checkpoints: Path) -> Run:
    """A run of shapes with two heads, small."""
    recipe = replace(PRESETS["S"], {"data.image_size": [16, 16], "network.layers": LAYERS})
    return give_model(make_run(recipe))


@pytest.fixture
def digits(checkpoints: Path) -> Run:
    """A run of digits: no masks."""
    return give_model(make_run(replace(PRESETS["Q"], {"network.layers": LAYERS})))


@pytest.fixture
def shown(until: Callable[..., None]) -> Callable[..., AppTest]:
    """Opens the panel of a run and runs the page until nothing is being measured any more."""

    def run(app: AppTest | Run, **state: object) -> AppTest:
        return rested(page_about(script, app, **state), until)

    return run


def said(app: AppTest) -> str:
    """All that is said, without the marks that keep it from being read as Markdown."""
    return words_of(app, "markdown", "caption", "warning")


def findings(app: AppTest) -> metrics_view.Findings:
    [found] = app.session_state["trust_found"].values()
    return found


def test_it_measures_the_map_and_says_how_to_read_it(digits: Run, shown) -> None:
    app = shown(digits)
    found, words = findings(app), said(app)
    tooltips = "\n".join(caption.help or "" for caption in app.caption)
    curves, changed = found.results["faithful"], found.results["randomized"]
    assert isinstance(curves, DeletionInsertion)
    assert list(curves.curves) == ["Gradient", "Grad-CAM"]
    assert len(curves.random) == 10
    own = curves.curves["Gradient"]
    assert f"(area {own.deletion_area:.2f}, theirs {curves.random_mean.deletion_area:.2f})" in words
    assert "arXiv:1806.07421" in tooltips
    assert isinstance(changed, ParameterRandomization)
    assert [stage.layers for stage in changed.stages] == [("label",), ("conv2d",)]
    assert "rank correlation" in words
    assert "arXiv:1810.03292" in tooltips
    assert len(app.get("plotly_chart")) == 3
    assert "find the object" not in words
    again = shown(app)
    assert findings(again).results["faithful"] is curves


def test_another_method_can_stand_beside_it(digits: Run, shown) -> None:
    app = shown(digits)
    changed = findings(app).results["randomized"]
    app.selectbox(key="trust_beside").set_value("occlusion")
    shown(app)
    assert list(findings(app).results["faithful"].curves) == ["Gradient", "Occlusion"]
    assert findings(app).results["randomized"] is changed
    app.selectbox(key="trust_beside").set_value("")
    shown(app)
    assert list(findings(app).results["faithful"].curves) == ["Gradient"]


def test_an_empty_map_is_not_measured(digits: Run, shown) -> None:
    app = shown(digits, empty=True)
    assert "nothing of it can be measured" in said(app)
    assert not app.get("plotly_chart")
    assert findings(app).results == {}


def test_objects_are_measured_on_the_whole_test_split_when_asked_and_kept(shapes: Run, shown) -> None:
    app = shown(shapes, head=1)
    assert any("in every test image the prediction for colour is explained" in one.proto.help for one in app.caption)
    assert cached_pointing(shapes, "gradient", "colour", None) is None
    assert set(app.multiselect[0].value) == {
        "gradient",
        "grad-cam",
        "grad-cam++",
        "hires-cam",
        "layer-cam",
        "eigen-cam",
    }
    app.multiselect[0].set_value(["gradient", "grad-cam"])
    shown(app)
    app.button(key="trust_measure").click()
    shown(app)
    gradient, cam = (
        cached_pointing(shapes, "gradient", "colour", None),
        cached_pointing(shapes, "grad-cam", "colour", "conv2d"),
    )
    assert (gradient.images, cam.images) == (500, 500)
    table = app.dataframe[0].value
    assert list(table["Method"]) == ["Gradient", "Grad-CAM"]
    assert list(table["Points at it"]) == pytest.approx([100 * gradient.hits, 100 * cam.hits])
    assert list(table["Lies on it"]) == pytest.approx([100 * gradient.energy, 100 * cam.energy])
    assert f"a random position hits it in {gradient.area:.0%}" in said(app)
    assert "gradient" not in app.multiselect[0].options
    other = shown(shapes, head=1)  # another session reads what is kept
    assert list(other.dataframe[0].value["Method"]) == ["Gradient", "Grad-CAM"]
    assert not shown(shapes, head=0).dataframe


def test_a_model_from_elsewhere_has_no_objects_to_find(shapes: Run, shown) -> None:
    assert "find the object" not in said(shown(shapes, with_run=False))


def test_when_time_is_up_what_is_done_is_shown_and_can_be_measured_again(
    digits: Run, shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(metrics_job.SECONDS, "faithful", -1.0)
    monkeypatch.setitem(metrics_job.SECONDS, "randomized", -1.0)
    app = shown(digits)
    assert "There was no time for a random map" in said(app)
    assert "The time was up after 1 of 2 stages" in said(app)
    monkeypatch.setitem(metrics_job.SECONDS, "faithful", 60.0)
    app.button(key="trust_faithful_again").click()
    shown(app)
    assert "no time for a random map" not in said(app)
    assert len(findings(app).results["faithful"].random) == 10


def test_a_map_that_cannot_be_made_again_is_a_sentence(digits: Run, shown, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: object) -> None:
        raise metrics_job.ModelError("The model can't be copied.")

    monkeypatch.setattr(metrics_view, "measure_parameter_randomization", fails)
    app = shown(digits)
    assert "The model can't be copied." in said(app)
    assert len(app.get("plotly_chart")) == 2


def test_all_figures_can_be_saved(shapes: Run, shown) -> None:
    app = shown(shapes)
    assert app.get("download_button")
    [found] = app.session_state["trust_found"].values()
    case = metrics_job.Case(*_parts(app, shapes))
    told = json.loads(_json(case, found))
    curves = found.results["faithful"].curves["Gradient"]
    assert told["class"] == "triangle"
    assert told["curves"][0]["deletion_area"] == pytest.approx(curves.deletion_area)
    assert told["curves"][0]["insertion"] == pytest.approx(curves.insertion)
    assert [row["map"] for row in told["curves"]][:3] == ["Gradient", "Grad-CAM", "random 1"]
    assert [row["layers"] for row in told["randomized"]] == [["shape"], ["conv2d"]]
    assert told["objects"] == []


def _parts(app: AppTest, run: Run) -> tuple:
    """The model, image and map that the page has."""
    import numpy as np

    from cnnviz.explain import Target, explain
    from cnnviz.models.load.load import load_run
    from cnnviz.ui.inputs.model_cache import LockedModel

    classifier = load_run(run)
    image = np.zeros((16, 16, 3), np.uint8)
    made = explain(classifier.model, classifier.pixels(image[None]), method="gradient", target=Target(0, 2))
    return LockedModel(classifier), image, made, run


def test_after_a_stop_nothing_begins_by_itself(digits: Run, shown, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = metrics_view.measure_deletion_insertion

    def stopped(*arguments) -> DeletionInsertion:
        return dataclasses.replace(whole(*arguments), ended="stop")

    monkeypatch.setattr(metrics_view, "measure_deletion_insertion", stopped)
    app = shown(digits)
    assert "It was stopped before all was measured" in said(app)
    assert list(findings(app).results) == ["faithful"]
    app.button(key="trust_randomise").click()
    shown(app)
    assert isinstance(findings(app).results["randomized"], ParameterRandomization)
    assert "trust_randomise" not in [button.key for button in app.button]
