"""`augment` as scripts meet it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cnnviz import augment, images
from cnnviz.policy import POLICIES, Policy, Step

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an image and a policy."""
    (tmp_path / "photo.png").write_bytes(images.to_png(IMAGE))
    policy = Policy(name="mine", steps=(Step(type="width_shift", low=0.5, high=0.5),), fill_mode="wrap")
    (tmp_path / "mine.json").write_text(policy.model_dump_json())
    (tmp_path / "bad.json").write_text('{"stepz": []}')
    (tmp_path / "notes.txt").write_text("no image")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "cnnviz", "augment", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_sheet_holds_the_original_and_the_draws_that_are_printed(folder: Path) -> None:
    done = run(folder, "photo.png", "--policy", "D3", "--draws", "3", "--seed", "5", "--out", "o.png", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    page = images.decode(folder / "o.png")
    assert page.shape == (8 + 2 * 68, 8 + 2 * 98, 3)
    np.testing.assert_array_equal(page[8:68, 8:98], IMAGE)
    drawn = augment.draw(POLICIES["D3"], seed=5, epoch=0, sample=0)
    np.testing.assert_array_equal(page[8:68, 106:196], augment.apply(IMAGE, POLICIES["D3"], drawn, size=(60, 90)))
    assert [one["epoch"] for one in told["draws"]] == [0, 1, 2]
    assert told["draws"][0]["steps"] == [
        {"type": one.type, "applied": one.applied, "values": one.values} for one in drawn
    ]
    assert (told["policy"], told["seed"], told["size"]) == ("D3", 5, [60, 90])


def test_a_policy_file_and_a_size(folder: Path, command: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    done = command("augment", "photo.png", "--policy", "mine.json", "--draws", "1", "--size", "30x40", "--out", "o.png")
    assert done.returncode == 0, done.stderr
    assert "width shift +50 %" in done.stdout
    page = images.decode(folder / "o.png")
    small = images.fit(IMAGE, (30, 40))
    np.testing.assert_array_equal(page[8:38, 8:48], small)
    np.testing.assert_array_equal(page[8:38, 56:96], np.roll(small, 20, axis=1))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gone.png", "--policy", "D3", "--out", "o.png"], "can't be read"),
        (["notes.txt", "--policy", "D3", "--out", "o.png"], "not an image"),
        (["photo.png", "--policy", "D33", "--out", "o.png"], "did you mean 'D3'?"),
        (["photo.png", "--policy", "bad.json", "--out", "o.png"], "did you mean 'steps'?"),
        (["photo.png", "--policy", "D3", "--out", "o.jpg"], "ends in .png"),
        (["photo.png", "--policy", "D3", "--out", "gone/o.png"], "its folder must be there"),
        (["photo.png", "--policy", "D3", "--out", "o.png", "--draws", "0"], "from 1 to 100"),
        (["photo.png", "--policy", "D3", "--out", "o.png", "--draws", "x"], "invalid int value"),
        (["photo.png", "--policy", "D3", "--out", "o.png", "--seed", "-1"], "seed"),
        (["photo.png", "--policy", "D3", "--out", "o.png", "--size", "2x2"], "image_size"),
        (["photo.png", "--out", "o.png"], "--policy"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    folder: Path, command: Callable, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    done = command("augment", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert sorted(folder.iterdir()) == before
