"""Groups of runs on the Runs page and on Train, without a browser."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz import runs
from cnnviz.presets import PRESETS
from cnnviz.processes import this_process
from cnnviz.recipe import replace
from cnnviz.runs import Run
from cnnviz.runs.groups import fold_recipes, seed_recipes
from cnnviz.runs.launch import stop_requested
from cnnviz.runs.store import write_state
from tests.addresses import address_of
from tests.app.pages import app_on, sentences, shown, words_of
from tests.conftest import kill_worker
from tests.made_runs import figures_of, make_run

Q = PRESETS["Q"]
TEST = [0.9, 0.92, 0.97]


@pytest.fixture
def seeds(checkpoints: Path) -> list[Run]:
    """Three runs that differ in the seed and in how many epochs they have."""
    recipes = seed_recipes(Q, 3)
    more = [{"test": {"accuracy": value, "loss": 1 - value}, "group": "group-1"} for value in TEST]
    return [make_run(recipes[at], 3 + at, created=1.7e9 + at, **more[at]) for at in range(3)]


def opened(*named: str) -> AppTest:
    app = app_on("runs")
    app.query_params["run"] = ",".join(named)
    return shown(app)


def told(app: AppTest) -> str:
    return words_of(app, "markdown", "caption", "warning")


def means(app: AppTest):
    return next(frame.value for frame in app.dataframe if "Test loss" in frame.value)


def chart(app: AppTest) -> list[dict]:
    [figure] = app.get("plotly_chart")
    return json.loads(figure.proto.spec)["data"]


def named(app: AppTest) -> list[dict]:
    """The lines of the chart, which have names, without the bands."""
    return [trace for trace in chart(app) if "name" in trace]


def test_a_runs_group_is_opened_by_a_button_and_stands_in_the_address(seeds: list[Run]) -> None:
    app = opened(seeds[1].id)
    assert app.button(key="runs_group").label == "All 3 seeds"
    app.button(key="runs_group").click()
    shown(app)
    assert address_of(app)["run"] == "group-1"
    assert f"{Q.name} · 3 seeds" in told(app)
    assert shown(opened("group-1")).session_state["runs_selected"] == ["group-1"]


def test_a_group_is_one_line_with_a_band_of_one_deviation(seeds: list[Run]) -> None:
    app = opened("group-1")
    assert {trace["name"] for trace in named(app)} == {f"{Q.name} · 3 seeds"}
    assert len(named(app)) == 4, "training and validation, loss and accuracy"
    bands = [trace for trace in chart(app) if trace.get("fill") == "toself"]
    assert len(bands) == 4
    assert "Line: mean; band: ± one standard deviation; dashed: training." in told(app)
    assert "After epoch 3 of 2 of 3 runs at most." in told(app)


def test_the_table_has_mean_and_deviation_beside_the_single_runs(seeds: list[Run]) -> None:
    app = opened("group-1")
    [row] = means(app).to_dict("records")
    assert row["Test"] == f"{100 * np.mean(TEST):.2f} ± {100 * np.std(TEST, ddof=1):.2f} %" == "93.00 ± 3.61 %"
    losses = [figures_of(3 + at)["val_loss"] for at in range(3)]
    assert row["Validation loss"] == f"{np.mean(losses):.3f} ± {np.std(losses, ddof=1):.3f}"
    assert row["Runs"] == 3
    single = next(frame.value for frame in app.dataframe if "Best epoch" in frame.value)
    assert list(single["Run"]) == [f"{Q.name} · seed {seed}" for seed in range(3)]


def test_the_list_says_whose_runs_are_of_a_group(seeds: list[Run]) -> None:
    alone = make_run(replace(Q, {"fit.epochs": 7}), created=1.7e9 + 9)
    app = opened(alone.id)
    [part] = [one.proto for one in app.get("bidi_component") if one.proto.component_name == "cnnviz_run_list"]
    lines = {row["id"]: row["line"] for row in json.loads(part.json)["rows"]}
    assert all("one of 3 seeds" in lines[run.id] for run in seeds)
    assert "one of" not in lines[alone.id]
    assert "runs_group" not in [button.key for button in app.button]


def test_groups_and_runs_are_compared_a_line_each(seeds: list[Run]) -> None:
    others = [make_run(one, group="group-2") for one in seed_recipes(replace(Q, {"fit.learning_rate": 0.003}), 2)]
    alone = make_run(replace(Q, {"fit.epochs": 7}), created=1.7e9 + 9)
    app = opened("group-1", "group-2", alone.id)
    names = list(dict.fromkeys(trace["name"] for trace in named(app)))
    assert len(names) == 3
    assert [name.rpartition(" · ")[2] for name in names[:2]] == ["3 seeds", "2 seeds"]
    assert "6 runs compared" in told(app)
    assert list(means(app)["Runs"]) == [3, 2]
    app.session_state["runs_selected"] = ["group-1", others[0].id]
    assert address_of(shown(app))["run"] == f"group-1,{others[0].id}"


def test_some_runs_of_a_group_are_told_as_such(seeds: list[Run]) -> None:
    app = opened(seeds[0].id, seeds[1].id)
    assert f"{Q.name} · 2 of 3 seeds" in told(app)
    assert address_of(app)["run"] == f"{seeds[0].id},{seeds[1].id}"


def test_folds_are_no_different_data_within_their_group(checkpoints: Path) -> None:
    made = [make_run(recipe, group="group-3") for recipe in fold_recipes(Q, 3)]
    app = opened("group-3")
    assert f"{Q.name} · 3 folds" in told(app)
    assert not app.warning
    alone = make_run(Q, created=1.7e9 + 9)
    assert "different folds for validation" in told(opened(made[0].id, alone.id))


def test_twenty_runs_of_a_group_are_all_shown(checkpoints: Path) -> None:
    for recipe in fold_recipes(Q, 20):
        make_run(recipe, 1, group="group-4")
    app = opened("group-4")
    assert f"{Q.name} · 20 folds" in told(app)
    assert means(app)["Runs"].tolist() == [20]


def test_a_group_that_is_gone_is_said_and_a_deleted_one_is_forgotten(seeds: list[Run]) -> None:
    assert "There is no run 'group-9' any more" in told(opened("group-9"))
    make_run(replace(Q, {"fit.epochs": 7}), created=1.7e9 + 9)
    app = opened("group-1")
    app.button(key="runs_delete").click()
    shown(app)
    app.button(key="runs_delete_yes").click()
    shown(app)
    assert len(runs.listing()) == 1
    assert "There is no run" not in told(app)


def test_runs_without_an_epoch_have_no_curve_yet(checkpoints: Path) -> None:
    for recipe in seed_recipes(Q, 2):
        make_run(recipe, 0, state="stopped", group="group-5")
    app = opened("group-5")
    assert "no curve yet" in told(app)
    assert "Mean ± standard deviation" not in told(app)


@pytest.mark.parametrize(("choice", "count"), [("3 seeds", 3), ("5 folds", 5)])
def test_train_starts_a_group_and_leads_to_it(app: AppTest, checkpoints: Path, choice: str, count: int) -> None:
    shown(app)
    app.selectbox(key="train_repeat").set_value(choice)
    shown(app)
    assert app.button(key="train_start").label == f"Start {count} runs"
    app.button(key="train_start").click()
    shown(app)
    made = runs.listing()
    try:
        assert len(made) == count
        assert len({run.written.group for run in made}) == 1
        assert {run.recipe.seed for run in made} == (set(range(3)) if "seeds" in choice else {0})
        wanted = {None} if "seeds" in choice else {(number, 5) for number in range(1, 6)}
        assert {run.recipe.data.fold for run in made} == wanted
        assert app.session_state["runs_selected"] == [made[0].written.group]
    finally:
        for run in made:
            kill_worker(run)


def test_folds_that_the_data_cant_give_are_one_sentence(app: AppTest, checkpoints: Path) -> None:
    app.session_state["train_recipe"] = replace(Q, {"data.validation_share": 0})
    shown(app)
    app.selectbox(key="train_repeat").set_value("5 folds")
    shown(app)
    app.button(key="train_start").click()
    shown(app)
    assert "the test split of Digits (8×8) serves as validation" in "\n".join(sentences(app.error))
    assert runs.listing() == []


def test_the_fold_of_a_duplicated_run_is_said_and_taken_back(app: AppTest) -> None:
    app.session_state["train_recipe"] = replace(Q, {"data.fold": [2, 5]})
    assert "Validates on fold 2 of 5" in told(shown(app))
    app.button(key="train_fold").click()
    assert "Validates on fold" not in told(shown(app))


def test_runs_of_a_group_that_wait_are_counted_on_one_card_and_stopped_together(checkpoints: Path) -> None:
    state = {"process": this_process(), "group": "group-6"}
    made = [make_run(one, 1, created=1.7e9 + one.seed, state="queued", **state) for one in seed_recipes(Q, 3)]
    app = opened("group-6")
    cards = [button.key for button in app.button if (button.key or "").startswith("runs_pause_")]
    assert cards == [f"runs_pause_{made[0].id}"]
    assert [bar.proto.text for bar in app.get("progress")] == ["Starting a process for it · 2 more of its group wait"]
    app.button(key="runs_stop_all_group-6").click()
    shown(app)
    assert all(stop_requested(run.folder) for run in made)
    for run in made:
        write_state(run.folder, run.written.model_copy(update={"state": "stopped", "ended": 1.7e9 + 60}))
