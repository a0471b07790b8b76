"""`train --seeds` and `--folds`: one line of JSON for all, one line for each mistake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cnnviz import runs
from cnnviz.runs.groups import groups
from tests.conftest import TESTS, kill_worker

QUICK = ("--set", "fit.epochs=2", "data.limits.train=200")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seeds", "1"], "The number of seeds is 1: choose 2 to 20."),
        (["--seeds", "21"], "The number of seeds is 21: choose 2 to 20."),
        (["--folds", "0"], "The number of folds is 0: choose 2 to 20."),
        (["--folds", "-4"], "The number of folds is -4"),
        (["--folds", "many"], "invalid int value: 'many'"),
        (["--seeds", "3", "--folds", "3"], "not allowed with argument"),
        (["--seeds", "2", "--set", "seed=4294967295"], "seed is 4294967296"),
        (
            ["--folds", "3", "--set", "data.validation_share=0"],
            "serves as validation: set data.validation_share above 0",
        ),
        (["--set", "data.fold=[6,5]"], "data.fold is [6, 5]: expected null, or a fold"),
    ],
)
def test_bad_numbers_are_one_line_and_exit_code_2(
    arguments: list[str], said: str, command: Callable, checkpoints: Path
) -> None:
    done = command("train", "Q", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert said in done.stderr
    assert not any(checkpoints.iterdir())


@pytest.mark.parametrize(("option", "differing"), [("--seeds", "seed"), ("--folds", "fold")])
def test_a_group_ends_with_mean_and_sample_deviation(
    option: str, differing: str, command: Callable, checkpoints: Path
) -> None:
    done = command("train", "Q", option, "2", *QUICK)
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    result = json.loads(line)
    made = [runs.open_run(run) for run in result["runs"]]
    assert list(result) == ["group", "runs", "metrics", "test"]
    assert groups(runs.listing()) == {result["group"]: made}
    assert [run.state for run in made] == ["finished"] * 2
    for key, names in (("metrics", {"loss", "accuracy", "val_loss", "val_accuracy"}), ("test", {"loss", "accuracy"})):
        assert set(result[key]) == names
        for name, told in result[key].items():
            values = [getattr(run.written, key)[name] for run in made]
            assert told["mean"] == pytest.approx(np.mean(values))
            assert told["deviation"] == pytest.approx(np.std(values, ddof=1))
    assert result["metrics"]["loss"]["deviation"] > 0
    told = [run.recipe.seed if differing == "seed" else run.recipe.data.fold for run in made]
    assert told == ([0, 1] if differing == "seed" else [(1, 2), (2, 2)])
    assert "Run 2 of 2" in done.stderr


def test_detached_runs_of_a_group_go_on_by_themselves(command: Callable, checkpoints: Path) -> None:
    done = command("train", "Q", "--seeds", "3", "--detach")
    result = json.loads(done.stdout)
    assert (done.returncode, result["metrics"], result["test"]) == (0, {}, {})
    assert sorted(run.id for run in runs.listing()) == sorted(result["runs"])
    assert all(run.active for run in runs.listing())
    for run in runs.listing():
        kill_worker(run)


COMMAND = """
import signal, sys
from cnnviz.__main__ import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests that run in the background ignore it
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_stops_all(checkpoints: Path, until: Callable) -> None:
    words = [sys.executable, "-c", COMMAND, "train", "Q", "--seeds", "3", "--set", "fit.epochs=5000"]
    child = subprocess.Popen(
        words, cwd=TESTS.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    until(lambda: any(run.state == "running" for run in runs.listing()) and len(runs.listing()) == 3)
    child.send_signal(signal.SIGINT)
    out, told = child.communicate(timeout=300)
    assert child.returncode == 0, told
    assert len(json.loads(out)["runs"]) == 3
    assert {run.state for run in runs.listing()} == {"stopped"}
    assert "3 of the 3 runs were stopped early" in told
