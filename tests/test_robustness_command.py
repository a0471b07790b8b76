"""`robustness` as scripts meet it: one JSON object, plain lines, kept with the run, and one line for bad input."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from cnnviz.explain.inspection.top_activations_of_run import samples
from cnnviz.explain.robustness import robustness_of_run
from cnnviz.explain.robustness.adversarial import EPSILONS, robust_accuracy
from cnnviz.explain.robustness.corruptions.accuracy import corrupted_accuracy, mean_corruption_error
from cnnviz.explain.robustness.corruptions.registry import CORRUPTIONS
from cnnviz.models.build.model import build
from cnnviz.models.load.load import load_run
from cnnviz.presets import PRESETS
from cnnviz.runs import Run
from cnnviz.runs.robustness import read_robustness
from tests.made_runs import make_run


@pytest.fixture
def run(checkpoints: Path) -> Run:
    return with_model(1)


def with_model(seed: int) -> Run:
    """A run on the bundled digits, with a model that has learned nothing."""
    made = make_run(PRESETS["Q"])
    keras.utils.set_random_seed(seed)
    build(PRESETS["Q"]).save(made.best_path)
    return made


def test_json_is_one_object_of_what_is_measured(run: Run, command) -> None:
    done = command("robustness", run.id, "--images", "10", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    told = json.loads(done.stdout)
    assert (told["run"], told["images"], told["baseline"], list(told["heads"])) == (run.id, 10, None, ["label"])
    head, classifier, given = told["heads"]["label"], load_run(run), samples(run, limit=10)
    labels = given.labels["label"]
    assert head["accuracy"] == np.mean(classifier.predict(given.images)[0].argmax(1) == labels)
    attacked = robust_accuracy(classifier, given.images, labels)
    assert [one["epsilon"] for one in head["robust_accuracy"]] == list(EPSILONS)
    assert [one["accuracy"] for one in head["robust_accuracy"]] == list(attacked.accuracy)
    assert list(head["corruptions"]) == list(CORRUPTIONS)
    corrupted = corrupted_accuracy(classifier, given.images, given.labels)["label"]
    assert head["corruptions"] == {kind: list(found) for kind, found in corrupted.accuracy.items()}
    assert head["mean_corruption_error"] == pytest.approx(mean_corruption_error(corrupted.errors))


def test_it_is_measured_once_and_read_again(run: Run, command, monkeypatch: pytest.MonkeyPatch) -> None:
    first = command("robustness", run.id, "--images", "10", "--json").stdout
    assert read_robustness(run.folder) is not None
    with monkeypatch.context() as patched:
        patched.setattr(robustness_of_run, "samples", None)  # nothing is read again
        assert command("robustness", run.id, "--images", "10", "--json").stdout == first
    other = json.loads(command("robustness", run.id, "--images", "12", "--json").stdout)
    assert other["images"] == 12
    keras.utils.set_random_seed(9)
    build(PRESETS["Q"]).save(run.best_path)
    again = json.loads(command("robustness", run.id, "--images", "12", "--json").stdout)
    assert again["heads"] != other["heads"]


def test_plain_lines_say_the_same_and_a_baseline_counts(run: Run, command) -> None:
    told = json.loads(command("robustness", run.id, "--images", "10", "--json").stdout)["heads"]["label"]
    done = command("robustness", run.id, "--images", "10", "--baseline", run.id)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == f"label on 10 held-out images: accuracy {told['accuracy']:.4f}"
    assert lines[1].split() == ["ε", "(L∞)", "0/255", "0.5/255", "1/255", "2/255", "4/255", "8/255"]
    assert lines[2].split()[-6:] == [f"{one['accuracy']:.4f}" for one in told["robust_accuracy"]]
    fog = next(line for line in lines if line.strip().startswith("Fog"))
    assert fog.split()[1:6] == [f"{one:.4f}" for one in told["corruptions"]["fog"]]
    assert lines[-1] == f"mean corruption error 1.0000 relative to {run.id}"
    plain = command("robustness", run.id, "--images", "10").stdout.splitlines()
    assert plain[-1] == f"mean corruption error {told['mean_corruption_error']:.4f}, the mean of all errors"


def test_bad_input_is_one_line(run: Run, command) -> None:
    other = with_model(2)
    wrong = {
        ("robustness", "no-such-run"): "no-such-run",
        ("robustness", run.id, "--images", "0"): "--images is 0",
        ("robustness", run.id, "--images", "few"): "invalid int value",
        ("robustness", str(run.best_path)): "give a run's id",
        ("robustness", run.id, "--baseline", other.id): f"robustness {other.id}",
        ("robustness", run.id, "--baseline", "no-such-run"): "no-such-run",
    }
    for words, said in wrong.items():
        done = command(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert said in done.stderr
    assert read_robustness(run.folder) is None  # nothing was measured for a command that is wrong
