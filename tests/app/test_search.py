"""A search on Runs and on Train: found, watched, stopped, continued, opened; and one started from marked fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz import runs, search
from cnnviz.presets import PRESETS
from cnnviz.processes import this_process
from cnnviz.runs.launch import stop_requested
from cnnviz.search.store import Search
from cnnviz.search.study import read_study
from cnnviz.ui.session.packed_state import pack, unpack
from tests.app.pages import app_on, sentences, shown
from tests.conftest import kill_worker, wait_until
from tests.made_runs import make_run
from tests.made_searches import SPACE, make_search
from tests.search.test_search_coordinator import kill_coordinator


@pytest.fixture(scope="module")
def made(shared_checkpoints: Path) -> Search:
    """A finished search, and a run that has nothing to do with it."""
    make_run(PRESETS["S"])
    return make_search()


def opened(found: Search, **address: str) -> AppTest:
    """Runs with this search in its address."""
    app = app_on("runs")
    app.query_params.update({"search": found.id, **address})
    return shown(app)


def told(app: AppTest) -> str:
    """All that is said on the page."""
    parts = [app.markdown, app.caption, app.info, app.warning, app.error]
    return "\n".join(sentence for part in parts for sentence in sentences(part))


def test_a_search_is_one_row_and_stands_with_best_and_table(made: Search) -> None:
    app = opened(made)
    words = told(app)
    assert "Search · Digits, small and quick" in words
    result = made.result
    assert f"**24 of 24 trials** · {result.pruned} pruned · 1 failed · best {100 * result.best.value:.1f} %" in words
    [table] = [one for one in app.dataframe if "Trial" in one.value.columns]
    assert len(table.value) == 24
    first = table.value.iloc[0]
    assert first["Value"] == pytest.approx(100 * result.best.value)
    assert table.value["State"].value_counts().to_dict() == {"complete": 19, "pruned": 4, "failed": 1}
    assert {"Learning rate", "Optimizer", "Size in row 1 (Conv2D)", "Augmentation"} <= set(table.value.columns)
    assert app.query_params["search"] == made.id
    assert "run" not in app.query_params


def rows(app: AppTest) -> dict[str, str]:
    """The names in the list of runs, by id."""
    (part,) = [one.proto for one in app.get("bidi_component") if one.proto.component_name == "cnnviz_run_list"]
    return {row["id"]: row["name"] for row in json.loads(part.json)["rows"]}


def test_the_trials_of_a_search_are_one_row_but_for_the_one_that_is_shown(made: Search) -> None:
    listed = rows(opened(made))
    assert listed[made.id] == "Search · Digits, small and quick"
    assert len(listed) == 2  # and the run that has nothing to do with it
    best = made.result.best.run
    app = app_on("runs")
    app.query_params["run"] = best
    assert set(rows(shown(app))) == {*listed, best}


@pytest.mark.parametrize("chart", ["", "parallel", "importance", "slices", "timeline"])
def test_each_chart_is_drawn_and_stands_in_the_address(made: Search, chart: str) -> None:
    app = opened(made, chart=chart)
    [drawn] = app.get("plotly_chart")
    assert len(json.loads(drawn.proto.spec)["data"]) > 0
    assert app.query_params.get("chart", "") == chart


def test_the_best_run_is_opened_and_leads_back(made: Search) -> None:
    app = opened(made)
    app.button(key="runs_search_best").click()
    shown(app)
    best = made.result.best.run
    assert app.session_state["runs_selected"] == [best]
    assert app.query_params["run"] == best
    assert "search" not in app.query_params
    number = runs.open_run(best).written.trial
    assert app.button(key="runs_of_search").label == f"Trial {number} of a search"
    app.button(key="runs_of_search").click()
    shown(app)
    assert app.query_params["search"] == made.id


def test_a_search_that_is_gone_is_said(made: Search) -> None:
    app = app_on("runs")
    app.query_params["search"] = "20200101-gone"
    assert "There is no search '20200101-gone' any more" in told(shown(app))


def test_one_that_goes_on_has_a_card_and_a_stop(checkpoints: Path) -> None:
    make_run(PRESETS["S"])
    found = make_search(done=4, state="running", process=this_process(), ended=None)
    app = shown(app_on("runs"))
    texts = [bar.proto.text for bar in app.get("progress")]
    assert len(texts) == 1
    assert texts[0].startswith("**4 of 24 trials** · best ")
    app.button(key=f"runs_search_stop_{found.id}").click()
    shown(app)
    assert stop_requested(found.folder)
    app.button(key=f"runs_search_watch_{found.id}").click()
    app = shown(app)
    assert "are paused at their next batch" in told(app)
    make_search(done=3, state="stopped")


def test_importances_wait_for_complete_trials(checkpoints: Path) -> None:
    found = make_search(done=4, state="stopped")
    assert "Importances are told from 8 complete trials on; there are 4." in told(opened(found, chart="importance"))


def test_a_search_without_a_trial_says_so(checkpoints: Path) -> None:
    from cnnviz.search.store import create

    found = create(search.parse_spec({"recipe": PRESETS["Q"], "space": SPACE, "trials": 2}))
    assert "The first trial is about to begin." in told(opened(found))


def test_deleting_takes_the_search_alone(checkpoints: Path) -> None:
    found = make_search(done=3)
    app = opened(found)
    app.button(key="runs_search_delete").click()
    shown(app)
    assert search.listing() == []
    assert len(runs.listing()) == 3


@pytest.fixture
def train(app: AppTest) -> Iterator[AppTest]:
    """Train with the card for a search open."""
    shown(app)
    app.button(key="train_search").click()
    yield shown(app)
    for found in search.listing():
        kill_coordinator(found)
    for run in runs.listing():
        kill_worker(run)


def field(app: AppTest, kind: str, part: str) -> object:
    """The card's widget for a part, whatever the draft's number."""
    return next(one for one in getattr(app, kind) if (one.key or "").endswith(f"_{part}"))


def test_fields_are_marked_with_sensible_ranges_and_the_search_starts(train: AppTest) -> None:
    assert field(train, "multiselect", "fields").value == ["fit.learning_rate", "fit.optimizer"]
    assert field(train, "number_input", "fit.learning_rate.low").value == pytest.approx(3e-4)
    assert field(train, "toggle", "fit.learning_rate.log").value is True
    field(train, "multiselect", "fields").set_value(["fit.learning_rate", "network.layers.0.filters"])
    shown(train)
    assert [json.loads(one) for one in field(train, "multiselect", "network.layers.0.filters").value] == [16, 32, 64]
    field(train, "number_input", "trials").set_value(2)
    train.button(key="train_search_start").click()
    shown(train)
    [found] = search.listing()
    assert found.spec.trials == 2
    assert found.spec.pruner == "median"
    assert found.spec.space["fit.learning_rate"].log
    assert found.spec.space["network.layers.0.filters"] == (16, 32, 64)
    wait_until(lambda: bool(runs.listing()))
    assert read_study(found).study_name == found.id


def test_what_is_wrong_is_one_sentence_and_nothing_can_be_started(train: AppTest) -> None:
    field(train, "number_input", "fit.learning_rate.low").set_value(0.5)
    shown(train)
    assert "Learning rate has the empty range 0.5 to 0.03: low must be below high." in told(train)
    assert train.button(key="train_search_start").disabled
    field(train, "number_input", "fit.learning_rate.low").set_value(1e-3)
    field(train, "multiselect", "fit.optimizer").set_value(['"adam"'])
    shown(train)
    assert "Optimizer has 1 choices: give 2 to 100." in told(train)
    field(train, "multiselect", "fields").set_value([])
    shown(train)
    assert "Choose at least one field" in told(train)


def test_the_card_stands_in_the_address_and_comes_back_from_it(app: AppTest) -> None:
    space = {"fit.learning_rate": {"low": 0.001, "high": 0.02}, "fit.optimizer": ["sgd", "adam"]}
    app.query_params["search"] = pack({"space": space, "trials": 7, "minutes": 30.0, "pruner": "hyperband"})
    shown(app)
    assert field(app, "number_input", "trials").value == 7
    assert field(app, "number_input", "minutes").value == 30
    assert field(app, "number_input", "fit.learning_rate.high").value == 0.02
    found = unpack(app.query_params["search"])
    assert found["space"] == space
    assert found["pruner"] == "hyperband"
    app.button(key="train_search").click()
    shown(app)
    assert "search" not in app.query_params


def test_a_damaged_link_is_one_sentence(app: AppTest) -> None:
    app.query_params["search"] = "nonsense"
    assert "What the link holds can't be read" in told(shown(app))


def test_every_preset_has_fields_that_can_be_searched(app: AppTest) -> None:
    from cnnviz.search.fields import fields_of

    for name, recipe in PRESETS.items():
        fields = fields_of(recipe)
        assert [one.key for one in fields[:2]] == ["fit.learning_rate", "fit.optimizer"], name
        space = {
            one.key: one.suggestion.model_dump() if hasattr(one.suggestion, "low") else list(one.suggestion)
            for one in fields[:8]
        }
        space = {key: part for key, part in space.items() if not any(key.startswith(f"{other}.") for other in space)}
        assert search.parse_space(space, recipe)
