"""Killed or paused at any moment and continued, a run ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnnviz import runs
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import metrics, saved

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

# Workers that share one loading of TensorFlow: a line names a run's folder, and a copy of this process carries it out.
NURSERY = """
import os, sys
import cnnviz.train.loop
from pathlib import Path
from cnnviz.train.__main__ import main
print("ready", flush=True)
for line in sys.stdin:
    if os.fork() == 0:
        os._exit(main(Path(line.strip())))
    os.wait()
    print("ended", flush=True)
"""


class Nursery:
    """Starts workers and tells when they have ended."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        self.ended()

    def begin(self, run: runs.Run) -> None:
        self._process.stdin.write(f"{run.folder}\n")
        self._process.stdin.flush()

    def ended(self) -> None:
        self._process.stdout.readline()

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(60)


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


def test_paused_and_continued_by_commands_a_run_ends_as_if_nothing_had_happened(checkpoints, uninterrupted, until):
    def verb(*words: str) -> dict:
        done = subprocess.run([sys.executable, "-m", "cnnviz", *words, "--json"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    run = runs.start(RECIPE)
    until(lambda: in_the_middle_of(run, 2), 300)
    assert verb("pause", run.id) == {"run": run.id, "state": "stopping"}
    until(lambda: not runs.open_run(run.id).active, 60)
    assert runs.open_run(run.id).state == "paused"
    assert saved.kept_epoch(run.folder) >= 1
    before = runs.open_run(run.id).seconds
    assert verb("resume", run.id) == {"run": run.id, "state": "queued"}
    until(lambda: not runs.open_run(run.id).active, 300)
    assert done(run) == uninterrupted
    assert runs.open_run(run.id).seconds > before
    refused = subprocess.run([sys.executable, "-m", "cnnviz", "resume", run.id], capture_output=True, text=True)
    assert refused.returncode == 2
    assert "is finished; only one that was paused" in refused.stderr


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
    spent, began = 0.0, time.perf_counter()
    for epoch in range(200):
        time.sleep(0.002)
        before = time.perf_counter()
        keep.on_epoch_end(epoch)
        spent += time.perf_counter() - before
    total = time.perf_counter() - began
    # The last save may have had no time yet to be paid for.
    assert spent - keep.cost < 2 * DEAREST * total
    assert saved.newest(run.folder, recipe).epoch > 1
    diary.end(state="stopped")
