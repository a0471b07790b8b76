"""Branching from a run on Runs and Train, and the tree, without a browser."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz import runs
from cnnviz.presets import PRESETS
from cnnviz.recipe import parse, replace
from cnnviz.runs.resume_checkpoint import Saved, save
from tests.addresses import address_of, by_link
from tests.app.pages import app_on, shown
from tests.made_runs import make_run


@pytest.fixture
def parent(checkpoints):
    run = make_run(PRESETS["Q"], 12)
    for epoch in (4, 8, 12):
        save(run.folder, run.recipe, Saved(epoch, {"best_epoch": 2, "callbacks": [{"best": 1.0}]}, {"a": np.zeros(2)}))
    return run


def on_train(parent) -> AppTest:
    return by_link(app_on("train"), branch=f"{parent.id}.8")


def all_words(app: AppTest) -> str:
    return " ".join(one.value for one in (*app.markdown, *app.error)).replace("\\", "")


def test_a_run_offers_the_epochs_that_it_keeps(parent) -> None:
    app = by_link(app_on("runs"), run=parent.id)
    [group] = [group for group in app.get("button_group") if group.label == "After epoch"]
    assert group.options == ["4", "8", "12"]
    app.button(key="runs_branch_go").click()
    app.run()
    draft = app.session_state["train_draft"]
    assert (draft.branch, parse(draft.tree)) == ((parent.id, 12), parent.recipe)


def test_the_train_page_says_what_is_branched_from_and_can_begin_anew(parent) -> None:
    app = on_train(parent)
    assert "Branches from **Digits, small and quick** after epoch 8." in all_words(app)
    assert address_of(app)["branch"] == f"{parent.id}.8"
    app.button(key="train_unbranch").click()
    shown(app)
    assert "Branches from" not in all_words(app)
    assert "branch" not in address_of(app)


def test_what_has_to_stay_is_said_and_stops_the_start(parent) -> None:
    app = on_train(parent)
    draft = app.session_state["train_draft"]
    app.selectbox(key=draft.name("fit.optimizer")).select("sgd")
    shown(app, errors=True)
    assert "its optimizer has to stay as it was" in all_words(app)
    assert app.button(key="train_start").disabled


def test_a_branch_from_a_run_that_is_gone_is_said(parent) -> None:
    app = by_link(app_on("train"), branch="nothing.3")
    assert not app.exception
    assert "There is no run 'nothing'" in all_words(app)
    assert app.button(key="train_start").disabled


def test_a_tree_leads_to_its_runs(parent) -> None:
    child = make_run(
        replace(PRESETS["Q"], {"name": "slower"}), 12, created=1_700_000_500.0, parent=parent.id, parent_epoch=8
    )
    app = by_link(app_on("runs"), run=child.id)
    app.button(key=f"runs_tree_{parent.id}").click()
    shown(app)
    assert app.session_state["runs_selected"] == [parent.id]
    assert len(runs.listing()) == 2
