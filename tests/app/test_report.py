"""A run's evaluation on the Runs page, as a person uses it, without a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz import runs
from cnnviz.data import open_dataset
from cnnviz.data.edits import names_of
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import flags
from cnnviz.runs import predictions as evaluated
from cnnviz.runs.predictions import Predictions
from cnnviz.runs.results_cache import model_digest
from cnnviz.ui.runs.evaluation_gallery import chosen_samples
from tests.app.pages import app_on, shown, words_of
from tests.made_runs import give_model, make_run

RECIPE = replace(PRESETS["Q"], {"data.limits": {"train": 60, "validation": 40, "test": 40}})


@pytest.fixture(scope="module")
def run(shared_checkpoints: Path) -> runs.Run:
    """A run whose predictions about its test images are invented: right but for four, which are taken for the next."""
    made = make_run(RECIPE)
    made.best_path.write_bytes(b"never opened here")
    split = open_dataset(RECIPE.data).splits["test"]
    labels = split.labels["label"]
    predictions = np.where(np.arange(40) % 10 == 3, (labels + 1) % 10, labels)
    sure = np.linspace(0.5, 0.98, 40)
    probabilities = np.full((40, 10), 1e-3, np.float32)
    probabilities[np.arange(40), predictions] = sure
    found = Predictions(
        "test",
        model_digest(made.best_path),
        "x",
        np.arange(40),
        {"label": labels},
        {"label": probabilities},
        {"label": np.ones(40, np.float32)},
        {"label": tuple("0123456789")},
    )
    evaluated.save(made.folder, found)
    return made


@pytest.fixture
def visit(shared_checkpoints: Path) -> Callable[..., AppTest]:
    """Opens a run's report."""

    def go(run: runs.Run) -> AppTest:
        return shown(app_on("runs", runs_selected=[run.id], runs_show="Report"))

    return go


def told(app: AppTest) -> str:
    return words_of(app, "markdown", "caption", "info", "warning", "error", "html")


def test_figures_matrix_and_the_surest_mistakes(visit, run):
    app = visit(run)
    assert "90.00 %" in told(app)
    assert "4 of 40 predictions are wrong" in told(app)
    assert len(app.get("plotly_chart")) >= 1
    table = next(frame.value for frame in app.dataframe if "Recall" in frame.value)
    assert table["Images"].sum() == 40
    assert all(button.help for button in app.button)


def test_a_class_without_images_counts_in_no_mean_and_is_named(visit):
    made = make_run(RECIPE)
    made.best_path.write_bytes(b"never opened here")
    labels = open_dataset(RECIPE.data).splits["test"].labels["label"]
    seen = np.flatnonzero(labels != 9)
    found = Predictions(
        "test",
        model_digest(made.best_path),
        "x",
        seen,
        {"label": labels[seen]},
        {"label": np.eye(10, dtype=np.float32)[labels[seen]]},
        {"label": np.zeros(len(seen), np.float32)},
        {"label": tuple("0123456789")},
    )
    evaluated.save(made.folder, found)
    app = visit(made)
    assert re.search(r"Mean F1\W.*?1\.0000", re.sub("<[^>]*>", " ", told(app)), re.S)
    assert "in no mean: 9." in told(app)
    table = next(frame.value for frame in app.dataframe if "Recall" in frame.value)
    assert table[["Precision", "Recall", "F1"]].isna().all(axis=1).tolist() == [False] * 9 + [True]


def test_a_cell_is_chosen_without_a_pointer(visit, run):
    found = evaluated.read_predictions(run.folder, "test")
    wrong = chosen_samples(found, "label", "mistakes", (0, 0))
    true, said = int(found.labels["label"][wrong[0]]), int(found.probabilities["label"][wrong[0]].argmax())
    app = visit(run)
    app.selectbox(key="runs_report_true_label").set_value(true)
    shown(app)
    app.selectbox(key="runs_report_predicted_label").set_value(said)
    shown(app)
    assert f"True label {true}, predicted {said}: " in told(app)


def test_views_show_the_most_telling_first(run):
    found = evaluated.read_predictions(run.folder, "test")
    mistakes = chosen_samples(found, "label", "mistakes", (0, 0))
    assert mistakes.tolist() == [33, 23, 13, 3]  # the surest first
    assert chosen_samples(found, "label", "unsure", (0, 0))[:3].tolist() == [0, 1, 2]
    labels, predictions = found.labels["label"], found.probabilities["label"].argmax(axis=1)
    for true, said in {(int(labels[at]), int(predictions[at])) for at in mistakes}:
        cell = chosen_samples(found, "label", "cell", (true, said))
        assert set(cell.tolist()) == set(np.flatnonzero((labels == true) & (predictions == said)).tolist())


def test_flagged_images_are_left_out_of_the_next_recipe(visit, run):
    names = names_of(open_dataset(RECIPE.data), "test", [3, 13])
    flags.write(run.folder, {names[0]: "wrong label", names[1]: "unclear"})
    app = visit(run)
    assert "2 images flagged" in told(app)
    app.button(key="runs_report_again").click()
    shown(app)
    assert "2 images left out" in told(app)
    assert app.session_state["train_draft"].get("data.without") == names
    app.button(key="train_without").click()
    shown(app)
    assert "left out" not in told(app)
    flags.write(run.folder, {})
    assert "Flag an image" in told(visit(run))


def said_by_a_browser() -> None:
    """A page on which the browser says `said` of three images and of a matrix of two classes."""
    from types import SimpleNamespace

    import streamlit as st

    from cnnviz.runs.flags import FLAGS
    from cnnviz.ui.components.confusion_matrix import _take
    from cnnviz.ui.components.image_gallery import _flagged, _opened

    st.session_state["one"] = SimpleNamespace(**st.session_state["said"])
    st.session_state["heard"] = heard = []
    _take("one", [4, 7], lambda *cell: heard.append(cell))
    _opened("one", 3, heard.append)
    _flagged("one", 3, FLAGS, lambda *flag: heard.append(flag))


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ({"clicked": [0, 1]}, [(4, 7)]),
        ({"opened": 2}, [2]),
        ({"flagged": [1, "unclear"]}, [(1, "unclear")]),
        ({"flagged": [1, ""]}, [(1, "")]),
        ({"clicked": [2, 0], "opened": 3, "flagged": [3, "unclear"]}, []),
        ({"clicked": [True, 0], "opened": "1", "flagged": [1, "<b>"]}, []),
        ({"clicked": None, "opened": -1, "flagged": {"0": 1}}, []),
    ],
)
def test_only_what_is_there_can_be_chosen(said, heard):
    app = AppTest.from_function(said_by_a_browser)
    app.session_state["said"] = said
    assert shown(app).session_state["heard"] == heard


def test_a_flag_is_a_decision_of_the_review_on_data_too(run, tmp_path, monkeypatch):
    from cnnviz.data.review import Decision
    from cnnviz.ui.data import review_draft
    from cnnviz.ui.runs.evaluation_gallery import _flag

    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path))
    dataset = run.recipe.data.dataset
    _flag(run, "test:#3", "wrong label")
    assert review_draft.read(dataset).decisions == {"test:#3": Decision(leave_out=True)}
    _flag(run, "test:#3", "")
    assert not review_draft.read(dataset).decisions
    assert flags.read(run.folder) == {}


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"flags": 3}', b'{"flags": {"#1": "nonsense", "": "unclear"}}'])
def test_broken_flags_count_as_none(visit, run, content):
    (run.folder / "flags.json").write_bytes(content)
    assert flags.read(run.folder) == {}
    assert "Flag an image" in told(visit(run))
    (run.folder / "flags.json").unlink()


def test_a_recipe_without_flagged_images_says_so_once():
    once = flags.without_flagged(RECIPE, {"#1": "unclear"})
    twice = flags.without_flagged(once, {"#2": "wrong label", "#1": "unclear"})
    assert once.name == f"{RECIPE.name} · without 1"
    assert twice.name == f"{RECIPE.name} · without 2"
    assert twice.data.without == ("#1", "#2")


def test_any_split_is_evaluated_on_demand(visit):
    run = give_model(make_run(RECIPE))
    app = visit(run)
    app.segmented_control(key="runs_report_split").set_value("train")
    shown(app)
    app.button(key="runs_report_evaluate").click()
    for _ in range(200):
        shown(app)
        if evaluated.read_predictions(run.folder, "train") is not None:
            break
    shown(app)
    assert "predictions are wrong" in told(app)
    assert json.loads((run.folder / "report.json").read_text())["splits"]["train"]["samples"] == 60


def test_data_that_have_changed_are_not_shown(visit, run):
    other = make_run(RECIPE)
    other.best_path.write_bytes(b"never opened here")
    found = evaluated.read_predictions(run.folder, "test")
    wrong = {"label": (found.labels["label"] + 1) % 10}
    stamp = model_digest(other.best_path)
    evaluated.save(other.folder, Predictions(**{**vars(found), "labels": wrong, "stamp": stamp}))
    assert "The data have changed" in told(visit(other))
