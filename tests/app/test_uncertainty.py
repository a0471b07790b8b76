"""What the Predict page and a report say of how far predictions can be relied on, without a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.explain.uncertainty.embedding import embed
from cnnviz.explain.uncertainty.judgement_of_run import judge, known_of, record_of
from cnnviz.explain.uncertainty.training_features_of_run import kept_training_features
from cnnviz.models.load.load import load_run
from cnnviz.presets import PRESETS
from cnnviz.probabilities import percent
from cnnviz.recipe import replace
from cnnviz.runs import Run
from cnnviz.train.evaluate import evaluate
from cnnviz.ui.inputs.input_image import of_item
from cnnviz.ui.inputs.model_cache import LockedModel, of_run
from cnnviz.ui.predict.downloads import numbers
from cnnviz.ui.predict.prediction_job import Pair, Prediction
from tests.addresses import address_of
from tests.app.drawn import component
from tests.app.pages import app_on, html, sentences
from tests.made_runs import give_model, make_run
from tests.pages_run import rested

RECIPE = replace(PRESETS["Q"], {"data.limits": {"train": 80, "validation": 60, "test": 60}})


@pytest.fixture
def digits(checkpoints: Path) -> Run:
    """A run with a model that never learned."""
    return give_model(make_run(RECIPE))


@pytest.fixture
def shown(until: Callable[..., None]) -> Callable[[AppTest], AppTest]:
    return lambda app: rested(app, until)


@pytest.fixture
def predict(checkpoints: Path, bundled_data_only: None) -> AppTest:
    return app_on("predict")


def buttons(app: AppTest) -> list[str]:
    return [one.label for one in app.button]


def test_what_is_unknown_is_measured_when_asked_and_kept(predict: AppTest, digits: Run, shown) -> None:
    predict.query_params.update({"run": digits.id, "item": "train-5"})
    shown(predict)
    assert "calibrated" not in html(predict)
    predict.button(key=f"predict_measure_{digits.id}").click()
    shown(predict)
    assert kept_training_features(digits) is not None
    assert "Compare with its training data" not in buttons(predict)
    classifier = load_run(digits)
    seen = classifier.fit(of_item(digits, 5, "train").whole(8))
    ((judged,),) = judge(known_of(digits, classifier), classifier, seen[None])
    assert f"{percent(judged.calibrated)} calibrated" in html(predict)
    assert "at 10 % risk: " in html(predict)
    assert [f"{one.distance:.3f}" for one in judged.neighbours] == re.findall(r">(\d\.\d{3})</div>", html(predict))
    predict.button_group(key="predict_risk").set_value(1)
    shown(predict)
    assert address_of(predict)["risk"] == "1"
    assert "at 1 % risk: can't say, " in unescape(html(predict)), "60 images can't keep so small a risk"


@pytest.mark.parametrize("where", ["panel", "rows"])
def test_a_run_is_measured_in_one_place_of_several(predict: AppTest, digits: Run, shown, where: str) -> None:
    items, view = ("train-5", "training") if where == "panel" else ("train-5,train-6", "")
    predict.query_params.update({"run": digits.id, "item": items, "view": view})
    shown(predict)
    if where == "rows":
        predict.toggle(key="predict_columns").set_value(False)
        shown(predict)
    (offered,) = [one for one in predict.button if one.label == "Compare with its training data"]
    offered.click()
    shown(predict)
    assert "Compare with its training data" not in buttons(predict)
    assert html(predict).count("calibrated") == len(items.split(","))


def test_the_saved_numbers_are_those_of_the_command(digits: Run) -> None:
    classifier, image = load_run(digits), of_item(digits, 5, "train")
    known, seen = known_of(digits, classifier), classifier.fit(image.whole(8))
    prediction = Prediction(seen, {"label": classifier.predict(seen[None])[0][0]})
    pair = Pair(
        of_run(digits),
        LockedModel(classifier),
        image,
        prediction=prediction,
        calibration=known.calibration,
        training=known.training,
        embedding=embed(classifier, seen[None]),
    )
    (saved,) = numbers(pair, 0.05)["heads"]
    ((judged,),) = judge(known, classifier, seen[None], 0.05)
    assert {name: saved[name] for name in record_of(judged)} == record_of(judged)
    assert saved["foreign"] is False
    assert saved["set"]


def test_what_is_like_the_training_data_is_not_struck_through(predict: AppTest, digits: Run, shown) -> None:
    known_of(digits, load_run(digits))
    predict.query_params.update({"run": digits.id, "item": "train-5"})
    shown(predict)
    assert "<s>" not in html(predict)
    assert not predict.warning


def test_what_is_foreign_is_struck_through(predict: AppTest, digits: Run, shown) -> None:
    known_of(digits, load_run(digits))
    predict.query_params.update({"run": digits.id, "sample": "coffee"})
    shown(predict)
    assert "<s>" in html(predict)
    (said,) = sentences(predict.warning)
    assert said.startswith("**This is like nothing in its training data**, farther from it than any")
    assert "risk" not in html(predict), "a set keeps its risk only for images such as the held-out ones"


def test_training_images_behind_an_answer_can_be_left_out(predict: AppTest, digits: Run, shown) -> None:
    known_of(digits, load_run(digits))
    predict.query_params.update({"run": digits.id, "item": "train-5", "view": "training"})
    shown(predict)
    nearest = component(predict, "predict_training_nearest")["tiles"]
    assert len(nearest) == 10
    assert re.fullmatch(rf"predict\?run={digits.id}&item=train-\d+", nearest[0]["href"])
    predict.button_group(key="predict_training_view").set_value("raised")
    shown(predict)
    raised = [float(one["lines"][0]) for one in component(predict, "predict_training_raised")["tiles"]]
    assert raised == sorted(raised, reverse=True)
    assert raised[0] > 0
    predict.button(key="predict_training_prove").click()
    shown(predict)
    before, after = re.search(r": (\S+ %) → (\S+ %) without these 10 images", html(predict)).groups()
    assert float(before.split()[0]) > float(after.split()[0])
    predict.button_group(key="predict_training_view").set_value("lowered")
    shown(predict)
    lowered = [
        float(one["lines"][0].replace("−", "-")) for one in component(predict, "predict_training_lowered")["tiles"]
    ]
    assert lowered == sorted(lowered)
    assert lowered[0] < 0


@pytest.fixture
def measured(digits: Run) -> Run:
    """A run whose predictions about held-out images are kept."""
    for split in ("validation", "test"):
        evaluate(digits, load_run(digits).model, split)
    return digits


def test_a_report_tells_coverage_calibration_and_costs(measured: Run, shown) -> None:
    app = app_on("runs")
    app.query_params.update({"run": measured.id, "show": "report", "split": "test"})
    shown(app)
    table = next(one.value for one in app.dataframe if "Set 10 %" in one.value)
    assert table["Set 10 %"].dropna().between(0, 1).all()
    assert any(text.startswith("The true class is in the prediction set of ") for text in sentences(app.caption))
    assert "Best threshold" in html(app)
    app.number_input(key="runs_report_cost_label_1").set_value(0.0)
    shown(app)
    assert re.search(r"Answered.*?>0.0 %<", html(app), re.DOTALL), "no answer costs nothing, so none is given"
    app.number_input(key="runs_report_cost_label_1").set_value(100.0)
    app.number_input(key="runs_report_cost_label_0").set_value(1.0)
    shown(app)
    assert re.search(r"Answered.*?>100.0 %<", html(app), re.DOTALL)


def test_what_calibration_was_fitted_to_is_not_told_as_its_result(measured: Run, shown) -> None:
    app = app_on("runs")
    app.query_params.update({"run": measured.id, "show": "report", "split": "validation"})
    shown(app)
    assert not any("Set 10 %" in one.value for one in app.dataframe)
    assert any("chosen on the same images" in text for text in sentences(app.caption))
