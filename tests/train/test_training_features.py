"""What a run keeps at its end to judge new predictions by, and when it has no time for that."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from cnnviz.explain.uncertainty.training_features_of_run import kept_training_features
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run
from cnnviz.train.training_features import SHARE, keep_training_features
from tests.made_runs import give_model, make_run

SAMPLES = {"train": 80, "validation": 40}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return give_model(make_run(replace(PRESETS["Q"], {"data.limits": SAMPLES}), runs=tmp_path))


def writer(run: Run, *, stopping: bool = False) -> SimpleNamespace:
    said: list[str] = []
    return SimpleNamespace(
        folder=run.folder, note=lambda *told: None, say=said.append, stopping=lambda: stopping, said=said
    )


def test_a_long_run_keeps_its_training_features(run: Run) -> None:
    keep_training_features(writer(run), SAMPLES, seconds=300 / SHARE, per_image=0.001)
    assert kept_training_features(run) is not None


@pytest.mark.parametrize(("seconds", "per_image"), [(20.0, 0.0), (300 / SHARE, 10.0)])
def test_a_short_run_or_a_slow_model_does_not_wait_for_them(run: Run, seconds: float, per_image: float) -> None:
    ending = writer(run)
    keep_training_features(ending, SAMPLES, seconds, per_image)
    assert kept_training_features(run) is None
    assert not ending.said


def test_whoever_stops_it_has_a_whole_run(run: Run) -> None:
    ending = writer(run, stopping=True)
    keep_training_features(ending, SAMPLES, seconds=300 / SHARE, per_image=0.001)
    assert kept_training_features(run) is None
    assert ending.said == ["Its training images were not compared: there was no time left."]


def test_data_that_are_gone_are_said_in_the_log(tmp_path: Path) -> None:
    gone = give_model(make_run(replace(PRESETS["Q"], {"data.dataset": str(tmp_path / "gone")}), runs=tmp_path / "runs"))
    ending = writer(gone)
    keep_training_features(ending, SAMPLES, seconds=300 / SHARE, per_image=0.001)
    (said,) = ending.said
    assert "gone" in said
