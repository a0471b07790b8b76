"""An installed cnnviz: where its runs go, and what becomes of those that lie in the package, which nobody writes to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cnnviz import home, runs
from cnnviz.errors import RunError
from cnnviz.presets import preset
from cnnviz.runs import flags, results_cache, store

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ["cats-and-dogs", "mnist", "shapes"]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The runs in the package of an installed cnnviz, read-only; the platform's folder for data is a new one."""
    app = tmp_path / "site-packages" / "cnnviz" / "app"
    for name in SHIPPED:
        shutil.copytree(ROOT / "checkpoints" / name, app / "checkpoints" / name)
    for made in (app, *app.rglob("*")):
        made.chmod(0o555 if made.is_dir() else 0o444)
    monkeypatch.delenv("CNNVIZ_CHECKPOINTS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(home, "INSTALLED", True)
    monkeypatch.setattr(home, "HOME", app)
    before = content(app)
    yield app / "checkpoints"
    assert content(app) == before
    for made in (app, *app.rglob("*")):  # so that pytest may remove it
        made.chmod(0o755)


def content(folder: Path) -> dict[str, tuple[int, int]]:
    """Every path in a folder with its time and size."""
    return {str(one): (one.stat().st_mtime_ns, one.stat().st_size) for one in (folder, *folder.rglob("*"))}


def test_a_clones_runs_lie_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CNNVIZ_CHECKPOINTS", raising=False)
    assert runs.root() == ROOT / "checkpoints"
    assert store.own_place(ROOT / "checkpoints" / "shapes" / "flags.json").parent == ROOT / "checkpoints" / "shapes"


def test_new_runs_go_to_the_folder_for_data(package: Path, tmp_path: Path) -> None:
    assert runs.root() == tmp_path / "data" / "cnnviz" / "runs"
    made = runs.create(preset("Q"))
    assert made.folder.parent == runs.root()
    assert runs.listing()[0].id == made.id
    assert sorted(run.id for run in runs.listing()) == sorted([made.id, *SHIPPED])


def test_shipped_runs_are_listed_and_opened_before_there_is_any_other(package: Path) -> None:
    assert sorted(run.id for run in runs.listing()) == SHIPPED
    assert {run.state for run in runs.listing()} == {"finished"}
    assert runs.open_run("mnist").folder == package / "mnist"
    assert not runs.root().exists()


def test_the_variable_names_the_only_folder(package: Path, checkpoints: Path) -> None:
    assert runs.root() == checkpoints
    assert runs.listing() == []
    with pytest.raises(RunError, match="There is no run 'mnist'"):
        runs.open_run("mnist")


@pytest.mark.parametrize("act", [runs.delete, runs.resume, runs.request_stop])
def test_a_shipped_run_stays_as_it_is(package: Path, act) -> None:
    with pytest.raises(RunError, match="Run mnist "):
        act("mnist")


def test_flags_of_a_shipped_run_are_kept_in_a_copy_of_ones_own(package: Path) -> None:
    given = runs.open_run("mnist")
    flags.write(given.folder, {"3.png": "unclear"})
    own = runs.open_run("mnist")
    assert own.folder == runs.root() / "mnist"
    assert flags.read(own.folder) == {"3.png": "unclear"}
    assert sorted(run.id for run in runs.listing()) == SHIPPED
    assert [one.name for one in runs.root().iterdir()] == ["mnist"]
    flags.write(given.folder, {})  # by a page that has not looked since
    assert flags.read(own.folder) == {}
    runs.delete("mnist")
    assert runs.open_run("mnist").folder == package / "mnist"


def test_results_of_a_shipped_run_are_kept_and_found_again(package: Path) -> None:
    results_cache.write(results_cache.place(runs.open_run("shapes"), "excited", 1, layer="a"), {"x": np.arange(3)})
    again = results_cache.read(results_cache.place(runs.open_run("shapes"), "excited", 1, layer="a"))
    assert again is not None
    assert again["x"].tolist() == [0, 1, 2]


def test_where_nothing_can_be_written_results_are_not_kept_and_flags_are_refused(package: Path) -> None:
    runs.root().parent.parent.mkdir()
    runs.root().parent.write_text("not a folder")
    run = store._read(package / "mnist")
    path = results_cache.place(run, "excited", 1)
    results_cache.write(path, {"x": np.arange(3)})
    assert results_cache.read(path) is None
    with pytest.raises(RunError, match="The flags of run mnist can't be written"):
        flags.write(run.folder, {"3.png": "unclear"})


def test_a_copy_that_was_broken_off_leaves_nothing(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(RunError, match="No space left"):
        flags.write(package / "mnist", {"3.png": "unclear"})
    assert list(runs.root().iterdir()) == []
