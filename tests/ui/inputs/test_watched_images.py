"""The images that a shipped run watched, found again in the data that it learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnviz import runs
from cnnviz.data import open_dataset
from cnnviz.data.split_images import prepare
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import snapshots
from cnnviz.train.snapshot_samples import probe_of
from cnnviz.ui.inputs.watched_images import _from_data, watched_images


@pytest.fixture
def run(checkpoints: Path) -> runs.Run:
    """A run on digits that watches images, as its worker chooses them."""
    _from_data.clear()
    made = runs.create(PRESETS["Q"])
    dataset = open_dataset(made.recipe.data)
    split = dataset.splits["validation"]
    snapshots.save_images(made.folder, probe_of(dataset, prepare(split, made.recipe.data), split.labels, made.recipe))
    return made


def test_images_that_were_left_out_come_from_the_data(run: runs.Run) -> None:
    kept = watched_images(run)
    snapshots.leave_images_out(run.folder)
    found = watched_images(run)
    np.testing.assert_array_equal(found.images, kept.images)
    assert (found.digest, found.names) == ("", kept.names)


def test_other_data_gives_no_images(run: runs.Run) -> None:
    snapshots.leave_images_out(run.folder)
    path = run.folder / "recipe.json"
    path.write_text(replace(run.recipe, {"data.split_seed": 9}).model_dump_json())
    found = watched_images(runs.open_run(run.id))
    assert found.digest
    assert np.ptp(found.images) == 0


def test_where_the_data_is_not_here_the_images_are_grey(run: runs.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshots.leave_images_out(run.folder)
    path = run.folder / "recipe.json"
    path.write_text(replace(run.recipe, {"data.dataset": "/nowhere"}).model_dump_json())
    assert watched_images(runs.open_run(run.id)).digest
