"""The learning-rate finder's process: what it finds, that it leaves nothing, how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from cnnviz.errors import RunError
from cnnviz.learning_rate_range import LearningRateRange
from cnnviz.presets import PRESETS
from cnnviz.progress import Cancelled
from cnnviz.recipe import replace
from cnnviz.train.learning_rate_process import find_learning_rate, fitted_part


@pytest.fixture(scope="module")
def told() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def found(told: list, tmp_path_factory: pytest.TempPathFactory) -> LearningRateRange:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("runs")
        patch.setenv("CNNVIZ_CHECKPOINTS", str(folder))
        one = find_learning_rate(PRESETS["Q"], progress=lambda *words: told.append(words))
        assert list(folder.iterdir()) == []  # no run
    return one


def test_rates_rise_by_one_factor_and_losses_fall_and_rise_again(found: LearningRateRange) -> None:
    factors = [b / a for a, b in pairwise(found.rates)]
    assert min(factors) > 1
    assert max(factors) == pytest.approx(min(factors))
    assert found.rates[0] <= 1.1e-5
    least = min(found.smoothed)
    assert least < found.smoothed[0] / 2
    assert found.smoothed[-1] > 2 * least


def test_what_it_suggests_is_within_a_power_of_ten_of_what_trains_well(found: LearningRateRange) -> None:
    well = PRESETS["Q"].fit.learning_rate
    assert well / 10 <= found.suggestion <= well * 10


def test_each_step_is_told_of_as_many_as_there_are_at_most(found: LearningRateRange, told: list) -> None:
    steps = [(done, total) for what, done, total in told if what == "Raising the learning rate"]
    assert [done for done, _ in steps] == list(range(1, len(found.rates) + 1))
    assert {total for _, total in steps} == {max(total for _, total in steps)}
    assert steps[-1][0] <= steps[-1][1]


def test_what_does_not_shape_the_curve_is_no_part_of_what_is_tested() -> None:
    recipe = PRESETS["Q"]
    same = replace(recipe, {"fit.learning_rate": 0.5, "fit.epochs": 3, "fit.schedule": "cosine", "name": "other"})
    assert fitted_part(same) == fitted_part(recipe)
    for key, value in {"fit.batch_size": 7, "fit.optimizer": "sgd", "seed": 4, "data.limits.train": 90}.items():
        assert fitted_part(replace(recipe, {key: value})) != fitted_part(recipe)


def test_what_is_wrong_is_said_in_its_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="There is no dataset"):
        find_learning_rate(replace(PRESETS["Q"], {"data.dataset": str(tmp_path / "nowhere")}))


def test_the_process_is_killed_when_it_is_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    started, begin = [], subprocess.Popen

    def noted(*command: object, **how: object) -> subprocess.Popen:
        started.append(begin(*command, **how))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", noted)
    with pytest.raises(Cancelled):
        find_learning_rate(PRESETS["Q"], cancelled=lambda: True)
    assert started[0].returncode == -signal.SIGKILL


def test_a_process_that_dies_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    start = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda command, **how: start([sys.executable, "-c", "import os; os._exit(9)"], **how)
    )
    with pytest.raises(RunError, match="ended unexpectedly"):
        find_learning_rate(PRESETS["Q"])


def test_asking_loads_no_tensorflow() -> None:
    script = "import cnnviz.train.learning_rate_process, sys; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
