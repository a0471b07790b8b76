"""Results that are kept with a run: found wherever the run is copied to, and never for another model."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cnnviz.files import MOST_MODEL, read_arrays, write_bytes, write_json
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run, open_run
from cnnviz.runs.predictions import Predictions, read_predictions, save
from cnnviz.runs.results_cache import model_digest, place, read, read_record, write, write_record
from tests.made_runs import make_run


@dataclass(frozen=True)
class Record:
    """One of each that records hold."""

    name: str
    values: tuple[float, ...]
    by_head: dict[str, tuple[float, ...]]
    count: int = 0


RECORD = Record("한", (0.1, float("nan")), {"a": (1 / 3, 2.0), "b": ()}, 7)


@pytest.fixture
def run(checkpoints: Path) -> Run:
    """A run with a model that nobody opens, and one result of each kind."""
    made = make_run(PRESETS["Q"])
    made.best_path.write_bytes(b"a network")
    write(place(made, "arrays", 1), {"x": np.array([1 / 3, np.nan], np.float32)})
    write_record(place(made, "records", 1), RECORD)
    labels = {"label": np.zeros(2, np.int64)}
    shares, losses = {"label": np.ones((2, 1), np.float32)}, {"label": np.zeros(2, np.float32)}
    model = model_digest(made.best_path)
    save(made.folder, Predictions("test", model, "", np.arange(2), labels, shares, losses, {"label": ("a",)}))
    return made


def known(run: Run) -> list[bool]:
    """Whether the arrays, the record and the predictions are found."""
    found = read(place(run, "arrays", 1)), read_record(place(run, "records", 1), Record)
    return [one is not None for one in (*found, read_predictions(run.folder, "test"))]


def test_what_is_kept_is_found_to_the_bit(run: Run) -> None:
    assert known(run) == [True] * 3
    found = read(place(run, "arrays", 1))
    assert found["x"].tobytes() == np.array([1 / 3, np.nan], np.float32).tobytes()
    assert repr(read_record(place(run, "records", 1), Record)) == repr(RECORD)


def test_it_is_found_in_a_copy_of_another_time(run: Run, checkpoints: Path) -> None:
    shutil.copytree(run.folder, checkpoints / "copy", copy_function=shutil.copyfile)
    os.utime(checkpoints / "copy" / "best.keras", (1, 1))
    assert known(open_run("copy")) == [True] * 3


def test_another_model_of_the_same_time_and_size_has_none(run: Run) -> None:
    status = run.best_path.stat()
    write_bytes(run.best_path, b"b network")
    os.utime(run.best_path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (run.best_path.stat().st_mtime_ns, run.best_path.stat().st_size) == (status.st_mtime_ns, status.st_size)
    assert known(run) == [False] * 3


def test_each_model_data_version_and_setting_has_its_own(run: Run) -> None:
    places = [place(run, "x", version, **given) for version in (1, 2) for given in ({}, {"a": 1}, {"a": 2}, {"b": 1})]
    write_bytes(run.folder / "recipe.json", replace(PRESETS["Q"], {"data.validation_share": 0.3}).to_json().encode())
    places.append(place(open_run(run.id), "x", 1))
    run.best_path.unlink()
    places.append(place(run, "x", 1))
    assert len({one.name for one in places}) == len(places) == 10
    assert place(run, "y", 1, a=1, b=2) == place(run, "y", 1, b=2, a=1)


def test_results_are_found_that_were_kept_before_a_recipe_had_edits(run: Run) -> None:
    """The digest is that of the recipe's data as it was then."""
    data = run.recipe.data.model_dump(mode="json")
    before = {name: value for name, value in data.items() if name not in ("fold", "label_columns", "labels", "splits")}
    key = json.dumps([model_digest(run.best_path), before, 1, {"a": 2}], sort_keys=True)
    assert place(run, "x", 1, a=2).name == hashlib.sha256(key.encode()).hexdigest()[:24]
    places = {place(run, "x", 1)}
    for edit in ({"data.labels": {"#1": {"label": "2"}}}, {"data.splits": {"#1": "test"}}, {"data.without": ["#1"]}):
        write_bytes(run.folder / "recipe.json", replace(PRESETS["Q"], edit).to_json().encode())
        places.add(place(open_run(run.id), "x", 1))
    assert len(places) == 4


def test_predictions_of_an_older_version_are_found(run: Run) -> None:
    """Those know the model by its time and size."""
    found, status = read_predictions(run.folder, "test"), run.best_path.stat()
    save(run.folder, Predictions(**{**vars(found), "stamp": f"{status.st_mtime_ns}-{status.st_size}"}))
    assert read_predictions(run.folder, "test") is not None
    os.utime(run.best_path, (1, 1))
    assert read_predictions(run.folder, "test") is None


@pytest.mark.parametrize("wrong", [None, 3, [], {}, {"name": 3}, {"values": "abc"}, {"by_head": {"a": 1}}])
def test_a_record_that_holds_something_else_counts_as_none(run: Run, wrong: object) -> None:
    kept = place(run, "records", 1).with_suffix(".json")
    whole = {"name": "a", "values": [0.1], "by_head": {"a": [1]}, "count": 1}
    write_json(kept, {**whole, **wrong} if isinstance(wrong, dict) and wrong else wrong)
    assert read_record(kept, Record) is None


def test_no_model_and_one_that_is_too_large_have_no_digest(tmp_path: Path) -> None:
    with open(tmp_path / "best.keras", "wb") as file:
        file.truncate(MOST_MODEL + 1)
    assert model_digest(tmp_path / "best.keras") == model_digest(tmp_path / "none") == ""
    assert len(model_digest(Path(__file__))) == 64


def test_arrays_are_whole_after_a_write_that_broke_off(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    kept = place(run, "arrays", 1)
    monkeypatch.setattr(os, "replace", full)
    write(kept, {"x": np.zeros(9)})
    assert list(read_arrays(kept.with_suffix(".npz"))["x"].shape) == [2]
    assert [one.name for one in kept.parent.iterdir()] == [f"{kept.name}.npz"]
