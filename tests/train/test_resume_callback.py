"""Killed or paused at any moment and continued, a run ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from benchmarks.nursery import Nursery
from cnnviz import runs
from cnnviz.__main__ import main
from cnnviz.engines import local
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import metrics, resume_checkpoint

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
TIMES = {"seconds", "epoch_seconds", "images_per_second", "memory_mb", "first_epoch", "warm_epoch_seconds"}


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


def spares() -> list[psutil.Process]:
    """The spares of this process, and the worker that one has become."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # one that has ended, as another test's worker
            found += [child] * ("--spare" in child.cmdline())
    return found


@pytest.fixture
def alone(monkeypatch):
    """Lets workers of earlier tests, which may still be ending, take no slot, nor leave a spare behind."""
    monkeypatch.setattr(local, "_workers", [])
    monkeypatch.setattr(local, "_most", 0)


@pytest.fixture(scope="module")
def uninterrupted(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNVIZ_CHECKPOINTS", str(tmp_path_factory.mktemp("whole")))
        run = runs.create(RECIPE)
        nursery.begin(run)
        nursery.ended()
        assert not (run.folder / "resume").exists(), "a finished run needs it no longer"
        return done(run)


@pytest.mark.parametrize(("epochs", "damaged"), [((0, 2, 4), False), ((1, 3), True)])
def test_killed_again_and_again_a_run_ends_as_if_nothing_had_happened(
    checkpoints, nursery, uninterrupted, until, epochs, damaged
):
    """In every epoch but the last; `damaged` is what it would have gone on from, and it goes on from what is older."""
    run = runs.create(RECIPE)

    def kept() -> list[Path]:
        return sorted((run.folder / "resume").glob("*.bin"))

    for epoch in epochs:
        nursery.begin(run)
        until(lambda epoch=epoch: in_the_middle_of(run, epoch) and (kept() or not damaged))
        os.kill(runs.open_run(run.id).written.process.pid, signal.SIGKILL)
        nursery.ended()
        found = runs.open_run(run.id)
        assert found.state == "crashed"
        if damaged:
            newest = kept()[-1]
            newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    nursery.begin(run)
    nursery.ended()
    assert done(run) == uninterrupted
    names = {path.name for path in run.folder.iterdir()}
    assert not any(name.endswith((".keras", ".json", ".jsonl")) and name.startswith(".") for name in names)


def test_paused_again_and_again_by_commands_a_run_ends_as_if_nothing_had_happened(
    checkpoints, nursery, uninterrupted, until, monkeypatch, capsys
):
    def verb(*words: str) -> dict:
        assert main([*words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    monkeypatch.setattr(local, "start", nursery.begin)  # a worker all the same, only one that is there sooner
    run = runs.start(RECIPE)
    seconds = 0.0
    for epoch in (0, 2, 4):
        until(lambda epoch=epoch: in_the_middle_of(run, epoch))
        assert verb("pause", run.id) == {"run": run.id, "state": "stopping"}
        nursery.ended()
        found = runs.open_run(run.id)
        assert found.state == "paused", found.log_tail(40)
        assert found.seconds > seconds
        seconds = found.seconds
        assert verb("resume", run.id) == {"run": run.id, "state": "queued"}
    assert resume_checkpoint.kept_epoch(run.folder) >= 1
    nursery.ended()
    assert done(run) == uninterrupted
    assert runs.open_run(run.id).seconds > seconds
    assert main(["resume", run.id]) == 2
    assert "is finished; only one that was paused" in capsys.readouterr().err


def test_a_spare_trains_as_any_worker_and_ends_with_it(checkpoints, uninterrupted, alone, until, monkeypatch):
    monkeypatch.setenv("CNNVIZ_SPARE", "1")
    local.keep_spare()
    (spare,) = spares()
    local.keep_spare()
    assert spares() == [spare], "one is enough"
    run = runs.start(RECIPE)
    until(lambda: runs.open_run(run.id).written.process is not None)
    assert runs.open_run(run.id).written.process.pid == spare.pid
    local.keep_spare()
    assert spares() == [spare], "none waits while as many train as may"
    until(lambda: not runs.open_run(run.id).active)
    assert done(run) == uninterrupted
    assert "Loading TensorFlow" not in run.log_tail(100)
    until(lambda: [one for one in spares() if one.pid != spare.pid])
    assert not spare.is_running(), "the next one has not known this run"
    (following,) = spares()
    following.kill()
    until(lambda: not spares())


def test_a_spare_that_still_loads_takes_a_run_and_is_no_longer_behind_others(
    checkpoints, uninterrupted, alone, until, monkeypatch
):
    monkeypatch.setenv("CNNVIZ_SPARE", "1")
    local.keep_spare()
    (spare,) = spares()
    autogroup = Path(f"/proc/{spare.pid}/autogroup")
    until(lambda: not autogroup.exists() or autogroup.read_text().split()[-1] == "10")
    monkeypatch.setenv("CNNVIZ_SPARE", "0")
    run = runs.start(RECIPE)
    until(lambda: not autogroup.exists() or autogroup.read_text().split()[-1] == "0")
    assert runs.open_run(run.id).written.process is None, "it was handed over before it was ready"
    until(lambda: not runs.open_run(run.id).active)
    assert done(run) == uninterrupted
    until(lambda: not spares())


def test_a_spare_ends_with_who_keeps_it(until):
    script = "from cnnviz.engines import local as w; w.keep_spare(); print(w._spare.pid)"
    told = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "CNNVIZ_SPARE": "1"}, capture_output=True, text=True
    )
    spare = int(told.stdout)
    until(lambda: not psutil.pid_exists(spare) or psutil.Process(spare).status() == psutil.STATUS_ZOMBIE)


def test_no_spare_where_none_is_wanted(checkpoints, alone, monkeypatch):
    monkeypatch.setenv("CNNVIZ_SPARE", "0")
    local.keep_spare()
    monkeypatch.setenv("CNNVIZ_SPARE", "1")
    local.keep_spare(0)
    monkeypatch.setattr(local, "LEAST_FREE_BYTES", 2**60)
    local.keep_spare()
    assert not spares()


def test_saving_costs_little_of_a_runs_time(checkpoints, monkeypatch):
    """Where saving is dear, epochs are left out, so that its share stays below a twentieth. By a clock of its own, on
    which an epoch takes 2 ms and saving 15 ms."""
    import keras

    from cnnviz.models.build.model import build, compile_for
    from cnnviz.train import resume_callback
    from cnnviz.train.run_writer import RunWriter

    recipe = replace(RECIPE, {"fit.epochs": 1000})
    run = runs.create(recipe)
    model = build(recipe)
    compile_for(model, recipe, 0.01)
    model.optimizer.build(model.trainable_variables)
    watching = keras.callbacks.EarlyStopping()
    watching.on_train_begin()
    now, kept = 0.0, []
    monkeypatch.setattr(resume_callback.time, "perf_counter", lambda: now)
    write = resume_checkpoint.save

    def save(folder, recipe, found):
        nonlocal now
        now += 0.015
        kept.append(found.epoch)
        write(folder, recipe, found)

    monkeypatch.setattr(resume_callback.saved, "save", save)
    writer = RunWriter(run.folder, run.written)
    keep = resume_callback.ResumeCheckpoint(writer, recipe, [watching], None)
    keep.set_model(model)
    for epoch in range(700):
        now += 0.002
        keep.on_epoch_end(epoch)
    assert len(kept) * 0.015 <= resume_callback.DEAREST * now + 0.015  # the last had no time yet to be paid for
    assert kept[:2] == [
        1,
        pytest.approx(1 + 0.015 / resume_callback.DEAREST / 0.002, abs=2),
    ]  # no more are left out than must
    assert resume_checkpoint.newest(run.folder, recipe).epoch == kept[-1] > 2
    writer.end(state="stopped")
