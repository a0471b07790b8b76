"""`search`: one line of JSON at the end, one line for each mistake, stopped by Ctrl-C and continued by its id."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cnnviz import runs, search
from cnnviz.processes import this_process
from cnnviz.recipe import replace
from cnnviz.runs.launch import stop_requested
from cnnviz.runs.store import write_state
from cnnviz.search.study import read_study
from tests.conftest import TESTS
from tests.made_searches import make_search
from tests.search.test_search_coordinator import kill_coordinator
from tests.test_repeated_training import COMMAND

SPACE = {"fit.learning_rate": {"low": 1e-3, "high": 1e-2, "log": True}, "fit.optimizer": ["adam", "sgd"]}
QUICK = ("--set", "fit.epochs=1", "data.limits.train=100", 'network.layers=[{"type":"Flatten"}]')


@pytest.fixture
def space(tmp_path: Path) -> str:
    """A file with a space."""
    path = tmp_path / "space.json"
    path.write_text(json.dumps(SPACE))
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Q", "--trials", "3"], "search needs --space"),
        (["Q", "--space", "FILE"], "search needs --trials"),
        (["--space", "FILE", "--trials", "3"], "search needs RECIPE"),
        (["Q", "--space", "nowhere.json", "--trials", "3"], "The space nowhere.json can't be read: No such file"),
        (["Q", "--space", "FILE", "--trials", "0"], "trials is 0"),
        (["Q", "--space", "FILE", "--trials", "3", "--minutes", "-1"], "minutes is -1"),
        (["Q", "--space", "FILE", "--trials", "3", "--metric", "acc"], "metric is 'acc': choose one of val_accuracy"),
        (["Q", "--space", "FILE", "--trials", "3", "--pruner", "asha"], "invalid choice: 'asha'"),
        (["R", "--space", "FILE", "--trials", "3"], "'R' is no preset and no file"),
        (["--continue", "20200101-nothing"], "There is no search '20200101-nothing'"),
        (["Q", "--continue", "x", "--trials", "3"], "leave out RECIPE, --trials"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(
    arguments: list[str], said: str, command: Callable, checkpoints: Path, space: str
) -> None:
    done = command("search", *(space if word == "FILE" else word for word in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert said in done.stderr
    assert not any(checkpoints.iterdir())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "The space is not JSON"),
        ('{"fit.lr": [1, 2]}', "The recipe has no key 'fit.lr'"),
        ('{"fit.learning_rate": {"low": 1, "high": 1}}', "has the empty range 1 to 1"),
        ('{"seed": [1, 2]}', "seed can't be searched"),
    ],
)
def test_what_is_wrong_in_the_file_is_one_line_and_exit_code_2(
    content: str, said: str, command: Callable, checkpoints: Path, tmp_path: Path
) -> None:
    (tmp_path / "space.json").write_text(content)
    done = command("search", "Q", "--space", str(tmp_path / "space.json"), "--trials", "3")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert said in done.stderr
    assert not any(checkpoints.iterdir())


@pytest.mark.slow
def test_a_search_ends_with_one_line_of_json(command: Callable, checkpoints: Path, space: str) -> None:
    done = command("search", "Q", "--space", space, "--trials", "2", "--json", *QUICK)
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    result = json.loads(line)
    assert list(result) == ["search", "best", "trials", "pruned", "seconds"]
    assert list(result["best"]) == ["run", "value", "settings"]
    assert (result["trials"], result["pruned"]) == (2, 0)
    assert result["seconds"] > 0
    found = search.open_search(result["search"])
    study = read_study(found)
    best = runs.open_run(result["best"]["run"])
    assert result["best"]["value"] == study.best_value == best.written.metrics["val_accuracy"]
    assert set(result["best"]["settings"]) == set(SPACE)
    assert best.recipe == replace(found.spec.recipe, result["best"]["settings"])
    assert "Trial 2/2" in done.stderr


@pytest.mark.slow
def test_ctrl_c_stops_a_search_that_then_goes_on_by_its_id(
    command: Callable, checkpoints: Path, space: str, until: Callable
) -> None:
    words = [sys.executable, "-c", COMMAND, "search", "Q", "--space", space, "--trials", "2", "--set"]
    words += ["fit.epochs=3000", "data.limits.train=100", 'network.layers=[{"type":"Flatten"}]']
    child = subprocess.Popen(
        words, cwd=TESTS.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    until(lambda: any(run.state == "running" for run in runs.listing()))
    child.send_signal(signal.SIGINT)
    out, told = child.communicate(timeout=300)
    assert child.returncode == 0, told
    result = json.loads(out)
    assert (result["best"], result["trials"]) == (None, 0)
    assert f"`cnnviz search --continue {result['search']}` goes on with it" in told
    assert [run.state for run in runs.listing()] == ["paused"]
    done = command("search", "--continue", result["search"], "--detach")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["search"] == result["search"]
    until(lambda: any(run.state == "running" for run in runs.listing()))
    assert len(runs.listing()) == 1
    kill_coordinator(search.open_search(result["search"]))


def test_stop_and_delete_take_a_search_by_its_id(command: Callable, checkpoints: Path) -> None:
    going = make_search(done=2, state="running", process=this_process(), ended=None)
    done = command("stop", going.id, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"run": going.id, "state": "stopping"}
    assert stop_requested(going.folder)
    refused = command("delete", going.id)
    assert (refused.returncode, "stop it before deleting it" in refused.stderr) == (2, True)
    write_state(going.folder, going.run.written.model_copy(update={"state": "stopped", "process": None}))
    assert command("delete", going.id).returncode == 0
    assert search.listing() == []
    listed = json.loads(command("runs", "--json").stdout)
    assert sorted((run["search"], run["trial"]) for run in listed) == [(going.id, 0), (going.id, 1)]
