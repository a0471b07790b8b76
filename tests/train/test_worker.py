"""The worker process: what it leaves behind, its queue, its repeatability."""

import hashlib
import json

import numpy as np
import pytest

from cnnviz import runs
from cnnviz.errors import RunError
from cnnviz.presets import preset
from cnnviz.recipe import replace
from cnnviz.runs import metrics, predictions
from tests.conftest import wait_until

SMALL = {"fit.epochs": 2, "data.limits.train": 300}
TURNED = {**SMALL, "augmentation": {"steps": [{"type": "rotation", "low": -9, "high": 9}]}}


def started(recipe):
    """Trains a recipe to its end in a new process, as a page or a command has it done, and returns the run."""
    run = runs.start(recipe)
    wait_until(lambda: not runs.open_run(run.id).active)
    return runs.open_run(run.id)


@pytest.fixture
def trained(checkpoints, nursery):
    """A function that does the same with a worker that is there sooner."""

    def train(recipe):
        run = runs.create(recipe)
        nursery.begin(run)
        nursery.ended()
        return runs.open_run(run.id)

    return train


@pytest.fixture(scope="module")
def small(nursery, tmp_path_factory):
    """A short run of another seed, for tests that only look at it."""
    folder = tmp_path_factory.mktemp("checkpoints")
    run = runs.create(replace(preset("Q"), {**TURNED, "seed": 1}), folder)
    nursery.begin(run)
    nursery.ended()
    return runs.open_run(run.id, folder)


def weights_hash(path):
    """The SHA-256 of a saved model's weights."""
    import keras

    digest = hashlib.sha256()
    for weight in keras.models.load_model(path, compile=False).get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def test_preset_q_learns_digits(checkpoints):
    run = started(preset("Q"))
    assert run.state == "finished"
    assert run.written.test["accuracy"] >= 0.97


def test_the_same_recipe_gives_the_same_weights(trained, small):
    recipe = replace(preset("Q"), TURNED)
    first, second = trained(recipe), started(recipe)
    assert weights_hash(first.best_path) == weights_hash(second.best_path)
    assert weights_hash(first.best_path) != weights_hash(small.best_path)


def test_figures_say_what_the_saved_model_does(small):
    import keras

    from cnnviz.data import open_dataset, pipeline
    from cnnviz.data.split_images import prepare
    from cnnviz.models.build.model import compile_for

    run = small
    records = metrics.epochs(run.metrics_path)
    assert [record["epoch"] for record in records] == [1, 2]
    best = max(records, key=lambda record: record["val_accuracy"])
    assert run.written.best_epoch == best["epoch"]
    assert {"learning_rate", "images_per_second", "memory_mb"} <= set(best)
    split = open_dataset(run.recipe.data).splits["validation"]
    model = keras.models.load_model(run.best_path)
    compile_for(model, run.recipe, 1e-3)
    batches = pipeline.evaluation(prepare(split, run.recipe.data, whole=False), split.labels, run.recipe)
    figures = model.evaluate(batches, verbose=0, return_dict=True)
    assert figures["accuracy"] == pytest.approx(best["val_accuracy"], abs=1e-5)
    assert figures["loss"] == pytest.approx(best["val_loss"], rel=1e-4)
    report = json.loads((run.folder / "report.json").read_text())
    assert report["test"] == run.written.test == report["splits"]["test"]["figures"]
    assert set(report["splits"]) == {"validation", "test"}
    assert report["test_is_validation"] is False
    assert set(report["durations"]) == {"epochs", "evaluation"}
    kept = predictions.read_predictions(run.folder, "validation")
    right = kept.probabilities["label"].argmax(axis=1) == split.labels["label"]
    assert right.mean() == pytest.approx(best["val_accuracy"], abs=1e-5)
    assert report["splits"]["validation"]["figures"]["loss"] == pytest.approx(best["val_loss"], rel=1e-4)


def test_two_heads_one_schedule_and_class_weights(trained):
    changes = {
        "data.limits": {"train": 256, "validation": 64, "test": 64},
        "fit.epochs": 2,
        "fit.learning_rate": 2e-3,
        "fit.schedule": "cosine",
        "fit.class_weight": "balanced",
        "augmentation.steps": [
            {"type": "mixup", "low": 0, "high": 0.4},
            {"type": "random_crop", "low": 0.8, "high": 1},
        ],
    }
    run = trained(replace(preset("S"), changes))
    assert run.state == "finished", run.log_tail()
    figures = run.written.metrics
    mean = (figures["val_shape_accuracy"] + figures["val_colour_accuracy"]) / 2
    assert figures["val_accuracy"] == pytest.approx(mean, abs=1e-6)
    rates = [record["learning_rate"] for record in metrics.epochs(run.metrics_path)]
    assert rates[0] == pytest.approx(1e-3, rel=0.01)
    assert rates[1] == pytest.approx(0, abs=1e-6)


def test_a_second_run_waits_for_the_first_and_says_so(checkpoints, until):
    long = replace(preset("Q"), {"fit.epochs": 5000})
    first = runs.start(long)
    until(lambda: runs.open_run(first.id).state == "running")
    second, third = runs.start(long), runs.start(long)
    for waiting in (second, third):
        until(lambda run=waiting: (metrics.last(run.metrics_path) or {}).get("message", "").startswith("Waiting for"))
        assert runs.open_run(waiting.id).state == "queued"
    with pytest.raises(RunError, match="stop it before"):
        runs.delete(second.id)
    runs.request_stop(second.id)
    until(lambda: runs.open_run(second.id).state == "stopped")
    runs.request_stop(first.id)
    until(lambda: runs.open_run(third.id).state == "running")
    assert runs.open_run(first.id).state == "stopped"
    runs.request_stop(third.id)
    until(lambda: runs.open_run(third.id).state == "stopped")


def test_a_run_whose_data_has_gone_fails_with_a_sentence(trained, tmp_path):
    run = trained(replace(preset("Q"), {"data.dataset": str(tmp_path / "gone")}))
    assert run.state == "failed"
    assert "gone" in run.written.message
    assert "Traceback" in run.log_tail(60)


def test_a_loss_that_explodes_fails_with_a_sentence(trained):
    run = trained(replace(preset("Q"), {**SMALL, "fit.optimizer": "sgd", "fit.learning_rate": 10, "fit.epochs": 30}))
    assert run.state == "failed", run.written.metrics
    assert "lower learning rate" in run.written.message
