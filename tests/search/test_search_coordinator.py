"""The coordinator: real runs of a small recipe, ended at any moment, continued, and never told twice."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from cnnviz import runs, search
from cnnviz.errors import RunError
from cnnviz.files import read_json, write_json
from cnnviz.presets import PRESETS
from cnnviz.processes import Process, alive
from cnnviz.recipe import Recipe, replace
from cnnviz.runs import metrics
from cnnviz.search.coordinator import conduct
from cnnviz.search.store import Search, create, delete, trials_of
from cnnviz.search.study import mend_journal, open_study, read_study
from tests.conftest import kill_worker, wait_until
from tests.made_runs import make_run

TINY = replace(
    PRESETS["Q"],
    {
        "network.layers": [{"type": "Conv2D", "filters": 4}, {"type": "Flatten"}],
        "data.limits.train": 100,
        "data.limits.validation": 50,
        "data.limits.test": 20,
        "fit.epochs": 2,
    },
)
SPACE = {"fit.learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}, "network.layers.0.filters": [4, 6]}
_FINISHED = {int(state) for state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)}


def spec_of(recipe: Recipe = TINY, **more: object) -> search.SearchSpec:
    """A search of few trials."""
    return search.parse_spec({"recipe": recipe, "space": SPACE, "trials": 3, **more})


def told(found: Search) -> Counter:
    """How many times each trial was given a result, by the journal's own lines."""
    lines = [json.loads(line) for line in found.journal.read_text().splitlines()]
    return Counter(line["trial_id"] for line in lines if line.get("state") in _FINISHED and "trial_id" in line)


def reported(found: Search) -> Counter:
    """How many times each epoch of each trial was reported, by the journal's own lines."""
    lines = [json.loads(line) for line in found.journal.read_text().splitlines()]
    return Counter((line["trial_id"], line["step"]) for line in lines if "intermediate_value" in line)


def check_whole(found: Search, trials: int) -> None:
    """Each trial has one run, one result, and each of its epochs once."""
    study = read_study(found)
    made = trials_of(found)
    assert [trial.number for trial in study.trials] == list(range(trials))
    assert [run.written.trial for run in made] == list(range(trials))
    assert [trial.user_attrs["run"] for trial in study.trials] == [run.id for run in made]
    assert set(told(found).values()) == {1}
    assert len(told(found)) == trials
    assert set(reported(found).values()) == {1}
    for trial, run in zip(study.trials, made, strict=True):
        epochs = metrics.epochs(run.metrics_path)
        assert trial.intermediate_values == {one["epoch"]: one["val_accuracy"] for one in epochs}
        if trial.state == TrialState.COMPLETE:
            assert run.state == "finished"
            assert trial.value == run.written.metrics["val_accuracy"]
        assert {key: recipe_value(run.recipe, key) for key in SPACE} == trial.params


def recipe_value(recipe: Recipe, key: str) -> object:
    return search.space.value_at(recipe, key)


def now(found: Search) -> Search:
    return search.open_search(found.id)


def ended(found: Search) -> bool:
    return not now(found).active


def kill_coordinator(found: Search) -> None:
    """Ends the coordinator as a failing machine would, wherever it is."""
    launched = read_json(found.folder / "launched.json")
    process = launched and Process.model_validate(launched)
    if process and alive(process):
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not alive(process))


@pytest.fixture
def two_slots(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runs folder of this test's own where two runs may train at once; coordinators left at work are ended first."""
    monkeypatch.setenv("CNNVIZ_SLOTS", "2")
    yield checkpoints
    for found in search.listing(checkpoints):
        kill_coordinator(found)


@pytest.mark.slow
def test_a_search_makes_its_trials_and_tells_the_best(two_slots: Path) -> None:
    found = search.start(spec_of())
    assert found.active
    assert runs.listing() == []  # a search is none
    wait_until(lambda: ended(found))
    found = now(found)
    assert found.state == "finished", found.run.log_tail()
    check_whole(found, 3)
    study, result = read_study(found), found.result
    first = study.trials[0]
    assert first.params == {"fit.learning_rate": 3e-3, "network.layers.0.filters": 4}  # the recipe as it is
    assert (result.trials, result.pruned, result.failed) == (3, 0, 0)
    best = max(trials_of(found), key=lambda run: run.written.metrics["val_accuracy"])
    assert result.best is not None
    assert result.best.value == best.written.metrics["val_accuracy"] == study.best_value
    assert replace(TINY, result.best.settings) == runs.open_run(result.best.run).recipe
    assert {run.written.search for run in runs.listing()} == {found.id}
    with pytest.raises(RunError, match="is finished; only one that was"):
        search.resume(found.id)
    with pytest.raises(RunError, match="only one that goes on can be stopped"):
        search.request_stop(found.id)
    delete(found.id)
    assert search.listing() == []
    assert len(runs.listing()) == 3


@pytest.mark.slow
def test_a_coordinator_that_is_killed_at_any_moment_loses_no_trial_and_tells_none_twice(
    two_slots: Path,
) -> None:
    found = search.start(spec_of(trials=4))
    chance = random.Random(20)
    for _ in range(6):
        time.sleep(chance.uniform(0.3, 6))
        kill_coordinator(found)
        if now(found).state == "finished":
            break
        assert now(found).state == "crashed"
        search.resume(found.id)
    wait_until(lambda: ended(found))
    assert now(found).state == "finished", now(found).run.log_tail()
    check_whole(now(found), 4)


class Killed(BaseException):
    """What ends a coordinator in the middle, within this process."""


@pytest.mark.parametrize("at", ["ask", "start", "attr", "tell"])
def test_the_next_coordinator_takes_over_whichever_step_was_the_last(
    at: str, checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step of a trial is the last of a coordinator once, before and after it is done; runs end at once."""
    for done_first in (False, True):
        found = create(spec_of(trials=3))
        with monkeypatch.context() as patched:
            die_at(at, done_first, patched)
            with pytest.raises(Killed):
                go_on(found)
        monkeypatch.setattr(runs, "start", finished_run)
        assert go_on(found)
        study = read_study(found)
        assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 3
        made = trials_of(found)
        assert [run.written.trial for run in made] == [0, 1, 2]
        assert [trial.user_attrs["run"] for trial in study.trials] == [run.id for run in made]
        assert set(told(found).values()) == {1}
        assert set(reported(found).values()) == {1}


def finished_run(recipe: Recipe, folder: Path, engine: None, resources: object, *, search: str, trial: int) -> runs.Run:
    """A run that has ended as soon as it is there."""
    return make_run(recipe, runs=folder, search=search, trial=trial)


def die_at(at: str, done_first: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the second call of a step be the last that happens, before or after it is done."""
    owner, name, original = {
        "ask": (optuna.Study, "ask", optuna.Study.ask),
        "start": (runs, "start", finished_run),
        "attr": (optuna.Trial, "set_user_attr", optuna.Trial.set_user_attr),
        "tell": (optuna.Study, "tell", optuna.Study.tell),
    }[at]
    calls = 0

    def dying(*arguments: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 2 and not done_first:
            raise Killed
        result = original(*arguments, **named)
        if calls == 2:
            raise Killed
        return result

    monkeypatch.setattr(runs, "start", finished_run)
    monkeypatch.setattr(owner, name, dying)


def go_on(found: Search, **more: Callable) -> bool:
    """Conducts a search within this process."""
    silent: dict[str, Callable] = {"cancelled": lambda: False, "seconds": lambda: 1.0, "say": lambda _: None}
    return conduct(found, **{**silent, **more})


def test_a_run_that_fails_or_is_deleted_or_stopped_by_hand_fails_its_trial_or_prunes_it_and_says_why(
    checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = create(spec_of(trials=4))

    def start(recipe: Recipe, folder: Path, engine: None, resources: object, *, search: str, trial: int) -> runs.Run:
        facts = [("failed", "The loss became infinite."), ("stopped", ""), ("finished", ""), ("finished", "")][trial]
        run = make_run(recipe, runs=folder, search=search, trial=trial, state=facts[0], message=facts[1])
        if trial == 2:
            runs.delete(run.id)
        return run

    monkeypatch.setattr(runs, "start", start)
    assert go_on(found)
    trials = read_study(found).trials
    states = [TrialState.FAIL, TrialState.PRUNED, TrialState.FAIL, TrialState.COMPLETE]
    assert [trial.state for trial in trials] == states
    assert trials[0].user_attrs["message"] == "The loss became infinite."
    assert trials[1].user_attrs["message"] == "Somebody has ended its run."
    assert "There is no run" in trials[2].user_attrs["message"]
    assert (found.result.trials, found.result.failed, found.result.pruned) == (4, 2, 1)


def test_settings_that_make_no_recipe_together_fail_their_trial_and_the_search_goes_on(
    checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = {"network.layers.0.kernel_size": [3, 8], "data.image_size": [4, 8]}
    found = create(spec_of(space=space, trials=8))
    monkeypatch.setattr(runs, "start", finished_run)
    assert go_on(found)
    trials = read_study(found).trials
    impossible = [
        trial for trial in trials if trial.params == {"network.layers.0.kernel_size": 8, "data.image_size": 4}
    ]
    assert impossible
    assert [trial for trial in trials if trial.state == TrialState.FAIL] == impossible
    assert all("window but gets only 4×4 pixels" in trial.user_attrs["message"] for trial in impossible)
    assert len(trials) == 8


def test_time_that_is_up_begins_no_trial(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = create(spec_of(trials=5, minutes=1))
    clock = iter([1.0, 61.0, 61.0, 61.0, 61.0, 61.0, 61.0, 61.0])
    monkeypatch.setattr(runs, "start", finished_run)
    assert go_on(found, seconds=lambda: next(clock, 99.0))
    assert len(read_study(found).trials) < 5


def test_a_search_draws_the_same_again_and_continued_nothing_twice(
    checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "start", finished_run)

    def drawn(found: Search, stop_after: int = 0) -> list[dict]:
        looks = iter(range(1000))
        if stop_after:
            assert not go_on(found, cancelled=lambda: next(looks) >= stop_after)
        assert go_on(found)
        return [trial.params for trial in read_study(found).trials]

    one, two, three = (drawn(create(spec_of(trials=6)), stop) for stop in (0, 0, 3))
    assert one == two == three
    assert len({json.dumps(params) for params in one}) == 6
    assert drawn(create(spec_of(trials=6, seed=1))) != one


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stopped", "late"])
def test_stopping_pauses_what_learns_and_only_that_goes_on_with_the_search(how: str, two_slots: Path) -> None:
    long = replace(TINY, {"fit.epochs": 400})
    found = search.start(spec_of(long, trials=2, parallel=1))
    wait_until(lambda: any(run.written.epoch > 1 for run in trials_of(found)))
    search.request_stop(found.id)
    wait_until(lambda: ended(found))
    assert now(found).state == "stopped"
    [run] = trials_of(found)
    assert run.state == "paused"
    assert told(found) == {}
    if how == "late":  # continued beyond its time: what learns is pruned, which is the end of it
        spec = now(found).spec.model_copy(update={"minutes": 0.0001})
        write_json(found.folder / "search.json", spec.model_dump(mode="json"))
        search.resume(found.id)
        wait_until(lambda: ended(found))
        assert now(found).state == "finished", now(found).run.log_tail()
        assert [trial.state for trial in read_study(found).trials] == [TrialState.PRUNED]
        assert trials_of(found)[0].state == "paused"
        return
    epoch = run.written.epoch
    search.resume(found.id)
    wait_until(lambda: trials_of(found)[0].written.epoch > epoch)
    assert len(trials_of(found)) == 1
    search.request_stop(found.id)
    wait_until(lambda: ended(found))
    for run in trials_of(found):
        kill_worker(run)


@pytest.mark.slow
def test_a_pruned_trial_is_paused_and_continued_ends_as_if_never_pruned(two_slots: Path) -> None:
    recipe = replace(
        TINY,
        {
            "fit.epochs": 40,
            "network.layers": [
                *TINY.model_dump()["network"]["layers"][:1],
                {"type": "Dropout", "rate": 0.3},
                {"type": "Flatten"},
            ],
        },
    )
    space = {"fit.learning_rate": [3e-3, 1e-6]}
    found = create(search.parse_spec({"recipe": recipe, "space": space, "trials": 3, "pruner": "median"}))
    study = open_study(found)
    for value in (0.9, 0.8, 0.9, 0.8, 0.9):  # what the median is of
        study.add_trial(optuna.trial.create_trial(value=value, intermediate_values=dict.fromkeys(range(1, 41), value)))
    study.enqueue_trial({"fit.learning_rate": 1e-6})
    found = Search(found.run, found.spec.model_copy(update={"trials": 6}))
    assert go_on(found)
    [run] = trials_of(found)
    assert read_study(found).trials[-1].state == TrialState.PRUNED
    assert run.state == "paused"
    assert 10 <= run.written.epoch < 40
    runs.resume(run.id)
    alone = runs.start(run.recipe)
    wait_until(lambda: all(not runs.open_run(one).active for one in (run.id, alone.id)))
    reports = [read_json(runs.open_run(one).folder / "report.json") for one in (run.id, alone.id)]
    assert reports[0]["last_weights_sha256"] == reports[1]["last_weights_sha256"]
    assert reports[0]["best_weights_sha256"] == reports[1]["best_weights_sha256"]
    assert runs.open_run(run.id).state == "finished"
    assert told(found) == {5: 1}  # its result, whatever its run has done since


def test_a_torn_last_line_of_the_journal_is_taken_away(checkpoints: Path) -> None:
    found = create(spec_of())
    open_study(found).ask()
    whole = found.journal.read_bytes()
    found.journal.write_bytes(whole + b'{"op_code":6,"tri')
    mend_journal(found.journal)
    assert found.journal.read_bytes() == whole
    open_study(found).ask()
    assert len(read_study(found).trials) == 2


def test_optunas_dashboard_lists_the_study(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from optuna_dashboard import wsgi

    monkeypatch.setattr(runs, "start", finished_run)
    found = create(spec_of())
    assert go_on(found)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(found.journal)))
    app = wsgi(storage)
    heads: list[str] = []
    body = b"".join(
        app(
            {
                "REQUEST_METHOD": "GET",
                "PATH_INFO": "/api/studies",
                "wsgi.input": None,
                "SERVER_NAME": "x",
                "SERVER_PORT": "1",
                "wsgi.url_scheme": "http",
                "QUERY_STRING": "",
                "SCRIPT_NAME": "",
            },
            lambda status, headers, error=None: heads.append(status),
        )
    )
    assert heads == ["200 OK"]
    [study] = json.loads(body)["study_summaries"]
    assert study["study_name"] == found.id
    assert study["directions"] == ["maximize"]
