"""What Train and reports say of the last audit, as the run's own splits and labels have it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnviz.audit.notes import keep_groups, notes_on
from cnnviz.data import open_dataset
from cnnviz.recipe import Data, parse


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve images of two classes in training, six in the test split."""
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    for split, count in (("train", 6), ("test", 3)):
        for label in ("a", "b"):
            place = tmp_path / "set" / split / label
            place.mkdir(parents=True)
            for n in range(count):
                Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(place / f"{n}.png")
    return tmp_path / "set"


def opened(folder: Path, **settings: object):
    return open_dataset(parse({"dataset": str(folder), "image_size": 8, "validation_share": 0, **settings}, Data))


TWINS = ("train/a/0.png", "test/a/0.png"), ("train/a/1.png", "test/a/1.png"), ("train/a/2.png", "train/b/2.png")


def test_nothing_is_said_of_what_was_never_audited_or_has_no_twins(folder: Path) -> None:
    assert notes_on(opened(folder)) == []
    keep_groups(opened(folder), ())
    assert notes_on(opened(folder)) == []


def test_leaks_and_contradictions_are_counted(folder: Path) -> None:
    keep_groups(opened(folder), TWINS)
    assert notes_on(opened(folder)) == [
        "2 test images are in the training data.",
        "1 group of the same image has different labels of label.",
    ]


def test_what_the_recipe_mends_is_no_longer_said(folder: Path) -> None:
    keep_groups(opened(folder), TWINS)
    mended = opened(
        folder,
        without=["train/a/0.png"],
        splits={"test/a/1.png": "train"},
        labels={"train/b/2.png": {"label": "a"}},
    )
    assert notes_on(mended) == []
    half = opened(folder, without=["train/a/0.png"])
    assert notes_on(half)[0] == "1 test image is in the training data."


def test_another_data_set_of_the_same_form_has_none(folder: Path, tmp_path: Path) -> None:
    keep_groups(opened(folder), TWINS)
    folder.rename(tmp_path / "other")
    assert notes_on(opened(tmp_path / "other")) == []
