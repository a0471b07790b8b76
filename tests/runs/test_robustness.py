"""`robustness.json`: kept whole, read again, and gone with the model or where it is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cnnviz.runs.results_cache import model_digest
from cnnviz.runs.robustness import HeadRobustness, Robustness, read_robustness, save
from tests.made_runs import make_run

HEAD = HeadRobustness(0.9, (0.0, 0.5), (0.9, 0.25), {"fog": (0.8, 0.5), "snow": (0.75, 0.625)})


@pytest.fixture
def folder(checkpoints: Path) -> Path:
    """A run's, whose robustness was measured."""
    run = make_run()
    run.best_path.write_bytes(b"a model")
    save(run.folder, Robustness(model_digest(run.best_path), 20, 200, 10, 0, {"label": HEAD}, 1.5))
    return run.folder


def test_what_is_kept_is_read_again(folder: Path) -> None:
    found = read_robustness(folder)
    assert found == Robustness(model_digest(folder / "best.keras"), 20, 200, 10, 0, {"label": HEAD}, 1.5)
    save(folder, replace(found, images=30))
    again = read_robustness(folder)
    assert again is not None
    assert again.images == 30
    assert [path.name for path in folder.glob("*robust*")] == ["robustness.json"]
    assert not list(folder.glob(".cnnviz-*"))


def test_it_goes_with_the_model(folder: Path) -> None:
    (folder / "best.keras").write_bytes(b"another model")
    assert read_robustness(folder) is None
    (folder / "best.keras").unlink()
    assert read_robustness(folder) is None


def test_without_a_model_no_stamp_fits(folder: Path) -> None:
    found = read_robustness(folder)
    assert found is not None
    (folder / "best.keras").unlink()
    save(folder, replace(found, stamp=""))
    assert read_robustness(folder) is None


def head(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    return lambda whole: change(whole["heads"]["label"])


SHIPPED = Path(__file__).parents[2] / "checkpoints"


@pytest.mark.parametrize(("run", "head"), [("cats-and-dogs", "label"), ("shapes", "shape"), ("shapes", "colour")])
def test_the_shipped_runs_are_measured_and_give_way_at_8_of_255(run: str, head: str) -> None:
    found = read_robustness(SHIPPED / run)
    assert found is not None  # else it is of another model: `cnnviz robustness` measures it anew
    one = found.heads[head]
    assert (found.images, one.epsilons[0], one.epsilons[-1]) == (200, 0, 8 / 255)
    assert one.robust_accuracy[0] == one.accuracy > 0.85
    assert one.robust_accuracy[-1] < 0.05 * one.accuracy  # at least 95 % of the right answers are flipped
    assert list(one.robust_accuracy) == sorted(one.robust_accuracy, reverse=True)


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "no stamp": lambda whole: whole.pop("stamp"),
    "no heads": lambda whole: whole.update(heads={}),
    "no images": lambda whole: whole.update(images=0),
    "a text for a number": lambda whole: whole.update(images="many"),
    "an accuracy above 1": head(lambda one: one.update(accuracy=1.5)),
    "not a number": head(lambda one: one["robust_accuracy"].__setitem__(0, float("nan"))),
    "an accuracy below 0": head(lambda one: one["corruptions"]["fog"].__setitem__(0, -0.1)),
    "a radius too many": head(lambda one: one["epsilons"].append(0.9)),
    "radii that fall": head(lambda one: one["epsilons"].reverse()),
    "no radii": head(lambda one: one.update(epsilons=[], robust_accuracy=[])),
    "a severity too few": head(lambda one: one["corruptions"]["fog"].pop()),
    "no severities": head(lambda one: one.update(corruptions={"fog": []})),
    "no corruptions": head(lambda one: one.update(corruptions={})),
    "a list for an object": head(lambda one: one.update(corruptions=[0.5])),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_file_that_is_wrong_is_none(folder: Path, how: str) -> None:
    path = folder / "robustness.json"
    whole = json.loads(path.read_text())
    BROKEN[how](whole)
    path.write_text(json.dumps(whole))
    assert read_robustness(folder) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"stamp": ', "\x00\xff"])
def test_a_file_that_is_broken_is_none(folder: Path, text: str) -> None:
    (folder / "robustness.json").write_text(text)
    assert read_robustness(folder) is None


def test_half_a_file_and_a_folder_in_its_place_are_none(folder: Path) -> None:
    path = folder / "robustness.json"
    path.write_bytes(path.read_bytes()[:-30])
    assert read_robustness(folder) is None
    path.unlink()
    assert read_robustness(folder) is None
    path.mkdir()
    assert read_robustness(folder) is None
