"""A disk that is full or can't be written ends a run with a sentence and keeps what it had."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnnviz import runs
from cnnviz.errors import RunError
from cnnviz.presets import PRESETS
from cnnviz.processes import this_process
from cnnviz.recipe import replace
from cnnviz.runs import crash_cause, launch, metrics
from tests.conftest import file_system

RECIPE = replace(
    PRESETS["Q"],
    {
        "network.layers": [{"type": "Flatten"}, {"type": "Dense", "units": 32}],
        "data.limits": {"train": 100, "validation": 50, "test": 50},
        "fit.epochs": 5000,
        "fit.learning_rate": 1e-4,
    },
)

# The one helper that writes files, on a disk that is full from its n-th file on; small states still find room.
FULL = """
import cnnviz.files, errno, os, sys
from pathlib import Path
whole, written = os.replace, []
def replace(source, target):
    if Path(target).suffix in (".keras", ".bin"):
        written.append(target)
        if len(written) > 7:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    whole(source, target)
cnnviz.files.os.replace = replace
from cnnviz.train.__main__ import main
raise SystemExit(main(Path(sys.argv[1])))
"""


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of 20 MB that holds the runs, where the machine allows it."""
    with file_system(tmp_path / "disk", 20) as place:
        monkeypatch.setenv("CNNVIZ_CHECKPOINTS", str(place))
        yield place


def works(run: runs.Run) -> None:
    """The best model predicts, and the history is whole."""
    import keras
    import numpy as np

    prediction = keras.models.load_model(run.best_path, compile=False)(np.zeros((1, 8, 8, 1), np.uint8))
    assert np.isfinite(prediction).all()
    epochs = metrics.epochs(run.metrics_path)
    assert [record["epoch"] for record in epochs] == list(range(1, len(epochs) + 1))
    assert run.written.best_epoch in range(1, len(epochs) + 1)


def test_a_write_that_finds_no_room_fails_the_run_and_keeps_its_best(checkpoints):
    run = runs.create(RECIPE)
    done = subprocess.run([sys.executable, "-c", FULL, str(run.folder)], capture_output=True, timeout=300)
    run = runs.open_run(run.id)
    assert (done.returncode, run.state) == (1, "failed")
    assert "The disk is full" in run.written.message
    works(run)
    assert not [path.name for path in run.folder.iterdir() if path.name.startswith((".best", ".state", ".spare"))]


def test_a_file_system_that_fills_up_fails_the_run_and_can_be_continued(small_disk, until):
    run = runs.start(RECIPE)
    until(lambda: runs.open_run(run.id).written.epoch >= 2)
    filler = small_disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    until(lambda: not runs.open_run(run.id).active)
    run = runs.open_run(run.id)
    assert run.state == "failed", run.log_tail(40)
    assert "The disk is full" in run.written.message
    works(run)
    with pytest.raises(RunError, match="MB free and this run needs about"):
        runs.resume(run.id)
    with pytest.raises(RunError, match="MB free and this run needs about"):
        runs.start(RECIPE)
    assert len(runs.listing()) == 1
    before = run.written.epoch
    filler.unlink()
    runs.resume(run.id)
    until(lambda: runs.open_run(run.id).written.epoch > before)
    runs.request_stop(run.id)
    until(lambda: not runs.open_run(run.id).active)
    works(runs.open_run(run.id))


def test_a_folder_that_can_be_written_no_more_is_a_failure_with_a_sentence(small_disk):
    run = runs.create(RECIPE)
    gone = this_process().model_copy(update={"pid": 2**22 + 1})
    from cnnviz.runs.store import write_state

    write_state(run.folder, run.written.model_copy(update={"state": "running", "process": gone}))
    assert runs.open_run(run.id).state == "crashed"
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    found = runs.open_run(run.id)
    assert (found.state, "can't be written any more" in found.written.message) == ("failed", True)
    with pytest.raises(RunError):
        runs.resume(run.id)
    with pytest.raises(RunError):
        runs.delete(run.id)
    assert os.path.exists(run.folder / "recipe.json")


def test_room_is_reckoned_from_the_model():
    small, large = launch.space_needed(RECIPE), launch.space_needed(PRESETS["D2"])
    # D2: 3,453,121 numbers, rmsprop: two models, three generations of weights and one number more for each.
    models = 4 * 3_453_121 * (2 + 3 * 2)
    # Snapshots of 30 epochs, of the beginning and of within the first ones, and their six images.
    assert large - models - (31 + 24) * 300_000 - 6 * 150 * 150 * 3 == 4_000_000
    assert small < 5_000_000


def test_a_kill_for_lack_of_memory_is_told_from_others(checkpoints, monkeypatch):
    from cnnviz.runs.store import write_state

    count = crash_cause.oom_kills()
    if count is None:
        pytest.skip("This system doesn't count processes that were ended for lack of memory.")
    run = runs.create(RECIPE)
    gone = this_process().model_copy(update={"pid": 2**22 + 1})
    state = run.written.model_copy(update={"state": "running", "process": gone, "oom_kills": count})
    write_state(run.folder, state)
    assert (runs.open_run(run.id).state, runs.open_run(run.id).written.message) == ("crashed", "")
    write_state(run.folder, state.model_copy(update={"oom_kills": count - 1}))
    assert runs.open_run(run.id).state == "crashed"
    assert "ran out of memory" in runs.open_run(run.id).written.message
    other = gone.model_copy(update={"boot": "another"})
    write_state(run.folder, state.model_copy(update={"oom_kills": count - 1, "process": other}))
    assert "started anew" in runs.open_run(run.id).written.message
