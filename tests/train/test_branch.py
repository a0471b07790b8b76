"""Branches: with nothing changed as the parent, with settings changed as they say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cnnviz import runs
from cnnviz.errors import RunError
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import metrics, resume_checkpoint
from cnnviz.runs.branch import branch, check_branch, tree
from cnnviz.runs.resume_checkpoint import MOST_KEPT, Saved, epochs_to_branch_from, kept_bytes, of_epoch, save
from tests.made_runs import make_run

RECIPE = replace(
    PRESETS["Q"],
    {
        "network.layers": [
            {"type": "Conv2D", "filters": 8},
            {"type": "BatchNormalization"},
            {"type": "Flatten"},
            {"type": "Dropout", "rate": 0.3},
        ],
        "augmentation.steps": [{"type": "rotation", "low": -15, "high": 15}],
        "data.limits": {"train": 160, "validation": 60, "test": 60},
        "fit.epochs": 7,
        "fit.schedule": "plateau",
        "fit.learning_rate": 0.02,
        "fit.patience": 6,
    },
)


def report(run):
    assert runs.open_run(run.id).state == "finished", run.log_tail(30)
    return json.loads((run.folder / "report.json").read_text())


@pytest.fixture(scope="module")
def parent(nursery, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNVIZ_CHECKPOINTS", str(tmp_path_factory.mktemp("branches")))
        run = runs.create(RECIPE)
        nursery.begin(run)
        nursery.ended()
        return runs.open_run(run.id)


@pytest.fixture
def grown(parent, nursery, monkeypatch):
    """Carries out a branch of the parent."""
    monkeypatch.setenv("CNNVIZ_CHECKPOINTS", str(parent.folder.parent))
    monkeypatch.setattr("cnnviz.engines.local.start", nursery.begin)

    def grow(epoch, recipe=RECIPE):
        run = branch(parent.id, epoch, recipe)
        nursery.ended()
        return runs.open_run(run.id)

    return grow


@pytest.mark.parametrize("which", [0, -1])
def test_with_nothing_changed_it_ends_with_the_weights_of_its_parent(parent, grown, which):
    kept = epochs_to_branch_from(parent.folder)
    epoch = [at for at in kept if at < RECIPE.fit.epochs][which]
    run = grown(epoch)
    assert report(run)["last_weights_sha256"] == report(parent)["last_weights_sha256"]
    assert f"Going on after epoch {epoch}" in run.log_path.read_text()
    assert [row["epoch"] for row in metrics.epochs(run.metrics_path)] == list(range(1, 8))
    assert (run.written.parent, run.written.parent_epoch) == (parent.id, epoch)
    if parent.written.best_epoch > epoch:
        assert report(run)["best_weights_sha256"] == report(parent)["best_weights_sha256"]
    assert run.best_path.is_file()


@pytest.mark.parametrize(
    "changed",
    [
        {"fit.learning_rate": 0.001},
        {"fit.schedule": "cosine"},
        {"fit.schedule": "constant", "fit.patience": None, "fit.learning_rate": 0.003},
        {"fit.monitor": "val_loss", "augmentation.steps": [], "fit.epochs": 9, "seed": 3},
    ],
)
def test_with_settings_changed_it_goes_on_as_they_say(parent, grown, changed):
    epoch = epochs_to_branch_from(parent.folder)[0]
    recipe = replace(RECIPE, changed)
    run = grown(epoch, recipe)
    assert report(run)["last_weights_sha256"] != report(parent)["last_weights_sha256"]
    rows = metrics.epochs(run.metrics_path)
    assert [row["epoch"] for row in rows] == list(range(1, recipe.fit.epochs + 1))
    before = metrics.epochs(parent.metrics_path)
    assert [row["loss"] for row in rows[:epoch]] == [row["loss"] for row in before[:epoch]]
    if "fit.learning_rate" in changed:
        assert rows[epoch]["learning_rate"] == pytest.approx(changed["fit.learning_rate"])
    if recipe.fit.schedule == "cosine":
        assert rows[-1]["learning_rate"] == pytest.approx(0, abs=1e-6)
    assert run.written.best_epoch is not None


def test_a_branch_of_a_branch_is_in_the_same_tree(parent, grown):
    child = grown(epochs_to_branch_from(parent.folder)[0], replace(RECIPE, {"fit.learning_rate": 0.005}))
    found = [run.id for run in tree(runs.listing(), child.id)]
    assert found[0] == parent.id
    assert child.id in found
    assert [run.id for run in tree(runs.listing(), parent.id)] == found


def test_a_tree_is_in_order_and_ends_where_runs_name_each_other(checkpoints):
    first, second = make_run(), make_run(created=1_700_000_100.0)
    third = make_run(created=1_700_000_200.0, parent=second.id, parent_epoch=2)
    alone = make_run(created=1_700_000_300.0, parent="gone", parent_epoch=2)
    from cnnviz.runs.store import write_state

    write_state(second.folder, second.written.model_copy(update={"parent": first.id, "parent_epoch": 1}))
    assert [run.id for run in tree(runs.listing(), third.id)] == [first.id, second.id, third.id]
    assert [run.id for run in tree(runs.listing(), alone.id)] == [alone.id]
    write_state(first.folder, first.written.model_copy(update={"parent": third.id, "parent_epoch": 1}))
    assert {run.id for run in tree(runs.listing(), second.id)} == {first.id, second.id, third.id}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"network.layers.0.filters": 9}, "so its model has to stay"),
        ({"fit.optimizer": "sgd"}, "so its optimizer has to stay"),
        ({"data.image_size": 16}, "so its image size has to stay"),
        ({"fit.epochs": 3}, "needs more than 3 epochs; it has 3"),
    ],
)
def test_what_does_not_go_on_is_refused(changed, words):
    with pytest.raises(RunError, match=words):
        check_branch(RECIPE, replace(RECIPE, changed), 3)


def test_an_epoch_that_is_not_kept_is_named_with_those_that_are(checkpoints):
    run = make_run(RECIPE)
    save(run.folder, RECIPE, Saved(2, {}, {"model/0": np.zeros(3, np.float32)}))
    with pytest.raises(RunError, match=r"Epoch 1 of run .* isn't kept, or damaged; kept are: 2\."):
        branch(run.id, 1, RECIPE)
    assert len(runs.listing()) == 1


def test_the_kept_epochs_are_spread_and_small(tmp_path):
    for epoch in range(1, 41):
        save(tmp_path, RECIPE, Saved(epoch, {}, {"model/0": np.full(50, epoch, np.float32)}))
        resume_checkpoint.remove_checkpoints(tmp_path) if epoch == 40 else None
    kept = epochs_to_branch_from(tmp_path)
    assert len(kept) == MOST_KEPT
    assert kept[-1] == 40
    assert max(np.diff([0, *kept])) <= 3 * 40 / MOST_KEPT
    assert of_epoch(tmp_path, RECIPE, kept[0]).arrays["model/0"][0] == kept[0]
    assert of_epoch(tmp_path, replace(RECIPE, {"seed": 5}), kept[0]) is None


def test_large_models_keep_none():
    assert kept_bytes(25_000_000) == 0
    assert kept_bytes(10_000_000) == 20_000_000
    assert kept_bytes(1000) == MOST_KEPT * 1000


def test_the_command_branches_from_the_last_kept_epoch(parent, command, monkeypatch, until):
    monkeypatch.setenv("CNNVIZ_CHECKPOINTS", str(parent.folder.parent))
    done = command("branch", parent.id, "--set", "fit.optimizer=sgd")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "optimizer has to stay" in done.stderr
    last = epochs_to_branch_from(parent.folder)[-1]
    done = command("branch", parent.id, "--set", f"fit.epochs={last + 1}", "fit.patience=null", "--detach")
    assert done.returncode == 0, done.stderr
    run = runs.open_run(json.loads(done.stdout)["run"])
    assert (run.written.parent, run.written.parent_epoch) == (parent.id, last)
    until(lambda: not runs.open_run(run.id).active)
    report(run)
