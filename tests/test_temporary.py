"""What killed processes left is cleared, and nothing else."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from cnnviz import files, runs, temporary
from cnnviz.data.archive import keep
from cnnviz.data.kept import uploads_folder
from cnnviz.errors import ModelError
from cnnviz.models.export.single_head import as_file
from cnnviz.models.load.load import load_file
from cnnviz.presets import PRESETS
from cnnviz.temporary import own_name
from tests.conftest import file_system, left_in

ROOT = Path(__file__).parents[1]
LEAVER = """
import os, signal, sys, tempfile
from pathlib import Path
from cnnviz.temporary import own_name
folder = Path(sys.argv[1])
print(tempfile.mkdtemp(**own_name(folder)))
print(tempfile.mkstemp(**own_name(folder), suffix=".keras")[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def leaver(tmp_path: Path):
    """A process that has a temporary folder and a file in `tmp_path / "kept"`."""
    (tmp_path / "kept").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", LEAVER, str(tmp_path / "kept")],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    process.left = [Path(process.stdout.readline().strip()) for _ in range(2)]
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_what_a_killed_process_left_is_cleared_by_the_next(leaver, tmp_path: Path) -> None:
    (leaver.left[0] / "picture.png").write_bytes(b"x")
    own = Path(tempfile.mkdtemp(**own_name(tmp_path / "kept")))
    assert all(one.exists() for one in leaver.left)
    os.kill(leaver.pid, signal.SIGKILL)
    leaver.wait()
    temporary.clear(tmp_path / "kept")
    assert [*(tmp_path / "kept").iterdir()] == [own]


def test_another_computers_is_cleared_after_a_day_and_strangers_never(tmp_path: Path) -> None:
    theirs, old = tmp_path / ".cnnviz-00000000-1-1-x", tmp_path / ".cnnviz-00000000-1-2-x"
    others = [tmp_path / ".cnnviz-notes", tmp_path / "picture.png"]
    for path in (theirs, old, *others):
        path.write_bytes(b"x")
        os.utime(path, (time.time() - 90_000,) * 2)
    theirs.touch()
    temporary.clear(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([theirs, *others])


def test_each_place_clears_what_was_left_there(checkpoints: Path, tmp_path: Path, monkeypatch) -> None:
    """Uploads, copies of models, runs and a run's own files."""
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "system"))
    run = runs.create(PRESETS["Q"])
    left = [left_in(one) for one in (uploads_folder(), Path(tempfile.gettempdir()), checkpoints, run.folder)]
    archive = io.BytesIO()
    np.savez(archive, x_train=np.zeros((4, 8, 8), np.uint8), y_train=np.arange(4) % 2)
    keep(archive, "some.npz")
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.save(tmp_path / "net.keras")
    load_file(tmp_path / "net.keras")
    runs.create(PRESETS["Q"])
    files.write_json(run.folder / "flags.json", [])
    assert [one for one in left if one.exists()] == []


def test_a_full_temporary_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = keras.Sequential(
        [
            keras.Input((64, 64, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(200),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.save(tmp_path / "net.keras")
    classifier = load_file(tmp_path / "net.keras")
    with file_system(tmp_path / "small", 4) as place:
        monkeypatch.setattr(tempfile, "tempdir", str(place))
        for ask in (lambda: load_file(tmp_path / "net.keras"), lambda: as_file(classifier)):
            with pytest.raises(ModelError, match=rf"no room for .* in {place}, the folder for temporary files"):
                ask()
            assert [*place.glob(".cnnviz-*")] == []
