"""`reproduce`: what finished runs show, what is missing, and systems that don't fit their budget."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from cnnviz import runs
from cnnviz.__main__ import main
from cnnviz.audit import features
from cnnviz.audit.pool import pool_of
from cnnviz.commands.reproduce import Outcome, page, recipe_of
from cnnviz.data import open_dataset
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from tests.audit.made_pools import by_colour
from tests.made_runs import make_run


@pytest.fixture
def alone(checkpoints: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A computer without any data or weights but what comes with cnnviz."""
    monkeypatch.setenv("CNNVIZ_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "data").mkdir()
    return tmp_path / "results.md"


def rows(path: Path) -> dict[str, list[str]]:
    """The cells of the page's table by the systems' ids."""
    lines = [line for line in path.read_text().splitlines() if line.startswith("| ")][1:]
    return {line.split(": ")[0][2:]: [cell.strip() for cell in line.strip("|").split("|")] for line in lines}


def test_what_is_not_here_is_said_in_place_of_a_figure(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "D4", "E3", "B2", "--only-report", "--out", str(alone), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["run"] for one in told] == [None, None, None]
    found = rows(alone)
    assert set(found) == {"D4", "E3", "B2"}
    for name, cells in found.items():
        assert cells[2:4] == ["–", "–"]
        assert len(cells[7]) > 20, name
    assert found["D4"][1] == "0.904 (validation)"
    assert found["E3"][4] == "17,936,515"


def test_a_run_of_the_very_recipe_is_shown_and_another_is_not(alone: Path) -> None:
    run = make_run(PRESETS["Q"])
    make_run(replace(PRESETS["Q"], {"seed": 5, "name": PRESETS["Q"].name}))
    assert main(["reproduce", "Q", "S", "--only-report", "--out", str(alone)]) == 0
    found = rows(alone)
    assert found["Q"][2] == f"{run.written.metrics['val_accuracy']:.4f} (epoch {run.written.best_epoch})"
    assert found["Q"][3] == f"{run.written.test['accuracy']:.4f}"
    assert found["S"][7] == "It wasn't trained here."


def test_a_run_of_fewer_epochs_says_so(alone: Path) -> None:
    run = make_run(replace(PRESETS["Q"], {"fit.epochs": 3}))
    assert main(["reproduce", "Q", "--only-report", "--out", str(alone)]) == 0
    assert rows(alone)["Q"][6] == f"{run.written.epoch} of {PRESETS['Q'].fit.epochs}"


def test_a_system_that_does_not_fit_its_budget_says_after_how_many_epochs(alone: Path) -> None:
    """A budget that is over with the first epoch: the run is trained by a worker and stopped."""
    assert main(["reproduce", "Q", "--budget", "0.0001", "--out", str(alone)]) == 0
    (run,) = runs.listing()
    assert run.state == "stopped"
    text = alone.read_text()
    epochs = run.written.epoch
    if run.written.best_epoch is None:
        assert rows(alone)["Q"][2] == "–"
    else:
        assert rows(alone)["Q"][6] == f"{epochs} of {PRESETS['Q'].fit.epochs}"
        assert 0 <= float(rows(alone)["Q"][3]) <= 1, "its best epoch is asked about the test images"
        assert f"trained for {epochs} of its {PRESETS['Q'].fit.epochs} epochs" in text


def test_faces_stand_in_for_celeba(data_root: Path) -> None:
    one, two = recipe_of("A"), recipe_of("B2")
    assert one.data.dataset == two.data.dataset == "celeba_layout_faces"
    assert [head.name for head in one.network.heads] == ["Smiling"]
    assert [head.name for head in two.network.heads] == ["Facing_Left", "Smiling"]
    assert "Validation" in page([Outcome("B2", two, None, "nothing")])


def test_a_mended_system_has_no_image_twice(data_root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(features, "features_of", by_colour)
    plain, mended = recipe_of("B2"), recipe_of("B2-mended")
    pool = pool_of(open_dataset(mended.data))
    digests = {
        hashlib.sha256(pool.dataset.splits[pool.split[i]].path_of(int(pool.position[i])).read_bytes()).digest()
        for i in range(len(pool))
    }
    assert len(digests) == len(pool)
    assert mended.data.without
    assert mended.model_copy(update={"data": plain.data, "name": plain.name}) == plain
    told = page([Outcome("B2-mended", mended, make_run(mended, runs=tmp_path))])
    assert f"{len(mended.data.without):,} duplicates are left out" in told


def test_weights_that_are_missing_are_named(
    data_root: Path, checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    assert main(["reproduce", "D4", "--only-report", "--out", str(tmp_path / "results.md")]) == 0
    told = rows(tmp_path / "results.md")["D4"][7]
    assert "VGG16 (vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5) aren't on this computer" in told


@pytest.mark.parametrize(
    ("words", "message"), [(["Z9"], "There is no system 'Z9'"), (["Q", "--budget", "-3"], "expected minutes above 0")]
)
def test_bad_words_are_one_line(alone, words, message, capsys) -> None:
    assert main(["reproduce", *words, "--out", str(alone)]) == 2
    told = capsys.readouterr().err.strip()
    assert message in told
    assert len(told.splitlines()) == 1
    assert not alone.exists()
