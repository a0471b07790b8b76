"""Killed or paused at any moment and continued, a run ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from itertools import count

import pytest

from benchmarks.nursery import Nursery
from cnnviz import runs
from cnnviz.__main__ import main
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import launch, metrics, saved

EPOCHS = 6
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
        "fit.batch_size": 8,
        "fit.epochs": EPOCHS,
        "fit.schedule": "plateau",
        "fit.learning_rate": 0.05,
        "fit.patience": 4,
    },
)
# What a clock or the machine says differs from run to run.
TIMES = {"seconds", "epoch_seconds", "images_per_second", "memory_mb", "first_epoch"}


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


def done(run: runs.Run) -> tuple:
    """All that must be equal: the last weights, the best epoch and its figures, the test figures, the history."""
    run = runs.open_run(run.id)
    assert run.state == "finished", run.log_tail(40)
    report = json.loads((run.folder / "report.json").read_text())
    history = [
        {key: value for key, value in record.items() if key not in TIMES} for record in metrics.epochs(run.metrics_path)
    ]
    best = report["best_weights_sha256"]
    return report["last_weights_sha256"], best, run.written.best_epoch, run.written.metrics, run.written.test, history


def in_the_middle_of(run: runs.Run, epoch: int) -> bool:
    """Whether a batch of this epoch is at work, as the epochs before it are complete."""
    found = runs.open_run(run.id)
    return found.state == "running" and sum(r["kind"] == "epoch" for r in metrics.read(run.metrics_path)[0]) >= epoch


@pytest.fixture(scope="module")
def uninterrupted(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNVIZ_CHECKPOINTS", str(tmp_path_factory.mktemp("whole")))
        run = runs.create(RECIPE)
        nursery.begin(run)
        nursery.ended()
        assert not (run.folder / "resume").exists(), "a finished run needs it no longer"
        return done(run)


@pytest.mark.parametrize("damaged", [False, True])
def test_killed_in_five_epochs_a_run_ends_as_if_nothing_had_happened(
    checkpoints, nursery, uninterrupted, until, damaged
):
    run = runs.create(RECIPE)
    for epoch in range(5):
        nursery.begin(run)
        until(lambda epoch=epoch: in_the_middle_of(run, epoch), 300)
        os.kill(runs.open_run(run.id).written.process.pid, signal.SIGKILL)
        nursery.ended()
        found = runs.open_run(run.id)
        assert found.state == "crashed"
        newest = sorted((run.folder / "resume").glob("*.bin"))
        if damaged and newest:
            data = newest[-1].read_bytes()
            newest[-1].write_bytes(data[: len(data) // 2])
    nursery.begin(run)
    nursery.ended()
    assert done(run) == uninterrupted
    names = {path.name for path in run.folder.iterdir()}
    assert not any(name.endswith((".keras", ".json", ".jsonl")) and name.startswith(".") for name in names)


def test_paused_in_five_epochs_by_commands_a_run_ends_as_if_nothing_had_happened(
    checkpoints, nursery, uninterrupted, until, monkeypatch, capsys
):
    def verb(*words: str) -> dict:
        assert main([*words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    monkeypatch.setattr(launch, "_spawn", nursery.begin)  # a worker all the same, only one that is there sooner
    run = runs.start(RECIPE)
    seconds = 0.0
    for epoch in range(5):
        until(lambda epoch=epoch: in_the_middle_of(run, epoch), 300)
        assert verb("pause", run.id) == {"run": run.id, "state": "stopping"}
        nursery.ended()
        found = runs.open_run(run.id)
        assert found.state == "paused", found.log_tail(40)
        assert found.seconds > seconds
        seconds = found.seconds
        assert verb("resume", run.id) == {"run": run.id, "state": "queued"}
    assert saved.kept_epoch(run.folder) >= 1
    nursery.ended()
    assert done(run) == uninterrupted
    assert runs.open_run(run.id).seconds > seconds
    assert main(["resume", run.id]) == 2
    assert "is finished; only one that was paused" in capsys.readouterr().err


def test_saving_costs_little_of_a_runs_time(checkpoints):
    """Where saving is dear, epochs are left out, so that its share stays below a twentieth."""
    import keras

    from cnnviz.models.build import build, compile_for
    from cnnviz.train.diary import Diary
    from cnnviz.train.resume import DEAREST, Keep

    recipe = replace(RECIPE, {"fit.epochs": 1000})
    run = runs.create(recipe)
    model = build(recipe)
    compile_for(model, recipe, 0.01)
    model.optimizer.build(model.trainable_variables)
    watching = keras.callbacks.EarlyStopping()
    watching.on_train_begin()
    diary = Diary(run.folder, run.written)
    keep = Keep(diary, recipe, [watching], None)
    keep.set_model(model)
    spent, began, costs = 0.0, time.perf_counter(), [0.0]
    for epoch in count():
        time.sleep(0.002)  # an epoch's work
        before = time.perf_counter()
        keep.on_epoch_end(epoch)
        spent += time.perf_counter() - before
        if keep.cost != costs[-1]:
            costs.append(keep.cost)
        if len(costs) > 2:
            break
    total = time.perf_counter() - began
    # The last save had no time yet to be paid for.
    assert spent - keep.cost < 2 * DEAREST * total
    assert saved.newest(run.folder, recipe).epoch == epoch + 1 > 2
    diary.end(state="stopped")
