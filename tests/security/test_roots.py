"""Pages open what lies in the folders that were named for it; the command line is a person's own and opens anything."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from cnnviz import images
from cnnviz.data import open_dataset
from cnnviz.data.roots import resolve_allowed, roots
from cnnviz.errors import DataError
from cnnviz.recipe import Data


def source_images(folder: Path) -> Path:
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for number in range(6):
            (folder / name / f"{number}.png").write_bytes(images.to_png(np.full((8, 8, 3), number, np.uint8)))
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder, two further roots and a folder outside, each with images; links from one to another."""
    for name in ("data/pets", "one/pets", "two/pets", "secret/pets", "data-secret/pets"):
        source_images(tmp_path / name)
    np.savez(tmp_path / "data" / "arrays.npz", images=np.zeros((9, 8, 8), np.uint8), labels=np.arange(9) % 3)
    (tmp_path / "data" / "out").symlink_to(tmp_path / "secret" / "pets")
    (tmp_path / "data" / "up").symlink_to(tmp_path / "secret")
    (tmp_path / "data" / "round").symlink_to(tmp_path / "data" / "round")
    (tmp_path / "secret" / "back").symlink_to(tmp_path / "one" / "pets")
    (tmp_path / "link").symlink_to(tmp_path / "two")
    monkeypatch.setenv("CNNVIZ_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CNNVIZ_ROOTS", os.pathsep.join(["", str(tmp_path / "one"), str(tmp_path / "link"), " "]))
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_roots_are_what_was_named(home: Path) -> None:
    assert roots() == (home / "data", home / "one", home / "two")


@pytest.mark.parametrize(
    ("name", "real"),
    [
        ("pets", "data/pets"),
        ("arrays", "data/arrays.npz"),
        ("arrays.npz", "data/arrays.npz"),
        ("{home}/data/pets", "data/pets"),
        ("{home}/one/pets", "one/pets"),
        ("{home}/two/pets", "two/pets"),
        ("{home}/link/pets", "two/pets"),
        ("{home}/secret/back", "one/pets"),
        ("{home}/secret/../one/pets", "one/pets"),
        ("~/one/pets", "one/pets"),
    ],
)
def test_inside(home: Path, name: str, real: str) -> None:
    name = name.replace("{home}", str(home))
    assert resolve_allowed(name) == home / real
    data = Data(dataset=name, image_size=8, validation_share=0.25)
    assert len(open_dataset(data, anywhere=False).splits) == 3


OUTSIDE = [
    "{home}/secret/pets",
    "{home}/data-secret/pets",
    "{home}/data/../secret/pets",
    "{home}/data/out",
    "{home}/data/up/pets",
    "out",
    "up/pets",
    "../secret/pets",
    "../one/pets",
    "pets/../../secret/pets",
    "secret/pets",
    "one/pets",
    "./secret/pets",
    "~/secret/pets",
    "/",
    "/etc",
    "/etc/passwd",
    "/proc/self/cwd/secret/pets",
    "round",
    "{home}/data/round",
    "{home}",
    "{home}/cache/uploads",
    "x\0y",
    "~nobody-of-this-name/x",
    990 * "a",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_outside(home: Path, name: str) -> None:
    name = name.replace("{home}", str(home))
    assert resolve_allowed(name) is None
    data = Data.model_construct(dataset=name, image_size=(8, 8))
    with pytest.raises(DataError, match=r"There is no dataset .* CNNVIZ_ROOTS names further folders\)\.$"):
        open_dataset(data, anywhere=False)


def test_no_answer_tells_what_lies_outside(home: Path) -> None:
    """A folder that is there and one that is not get the same sentence."""
    said = []
    for name in ("pets", "nope"):
        with pytest.raises(DataError) as caught:
            open_dataset(Data(dataset=f"{home}/secret/{name}", image_size=8), anywhere=False)
        said.append(str(caught.value).replace(f"/{name}'", "'"))
    assert said[0] == said[1]


def test_the_command_line_opens_anything(home: Path) -> None:
    for name in (f"{home}/secret/pets", "secret/pets", "out", "../secret/pets"):
        assert open_dataset(Data(dataset=name, image_size=8)).heads[0].classes == ("cat", "dog")


def test_without_roots_only_known_names_are_open(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CNNVIZ_DATA")
    monkeypatch.delenv("CNNVIZ_ROOTS")
    assert len(open_dataset(Data(dataset="digits", image_size=8, channels=1), anywhere=False).splits["train"]) > 1000
    for name in ("pets", "data/pets", f"{home}/data/pets"):
        with pytest.raises(DataError, match="pages open no folder yet"):
            open_dataset(Data(dataset=name, image_size=8), anywhere=False)
