"""From names to datasets, and the list of what there is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cnnviz.data import catalogue, open_dataset
from cnnviz.errors import DataError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path: Path, write, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    for name in ("birds/robin", "birds/wren", "split/train/a", "split/train/b", "split/test/a", "split/test/b"):
        write(folder / name, 6)
    (folder / "notes" / "text").mkdir(parents=True)
    np.savez(folder / "arrays.npz", images=np.zeros((9, 8, 8), np.uint8), labels=np.arange(9) % 3)
    monkeypatch.setenv("CNNVIZ_DATA", str(folder))
    return folder


def test_names_under_the_data_folder(recipe_data, root, monkeypatch) -> None:
    for name, title in (("birds", "birds"), ("split", "split"), ("arrays", "arrays"), ("arrays.npz", "arrays.npz")):
        assert open_dataset(recipe_data(name)).title == title
    monkeypatch.chdir(root.parent)
    monkeypatch.setenv("CNNVIZ_DATA", "data")
    assert open_dataset(recipe_data("birds")).heads[0].classes == ("robin", "wren")


def test_paths(recipe_data, root, monkeypatch) -> None:
    monkeypatch.delenv("CNNVIZ_DATA")
    monkeypatch.chdir(root)
    for path in (root / "birds", "birds", "./birds", root / "arrays.npz"):
        assert sum(len(split) for split in open_dataset(recipe_data(path)).splits.values()) in (9, 12)


def test_a_known_name_comes_first(recipe_data, root, write) -> None:
    write(root / "digits" / "a", 3)
    assert open_dataset(recipe_data("digits")).title == "Digits (8×8)"


def test_the_catalogue(root) -> None:
    entries = {entry.name: entry for entry in catalogue()}
    assert list(entries) == [
        "digits",
        "shapes",
        "mnist",
        "fashion_mnist",
        "cifar10",
        "celeba",
        "arrays",
        "birds",
        "split",
    ]
    assert {name for name, entry in entries.items() if not entry.ready} == {
        "mnist",
        "fashion_mnist",
        "cifar10",
        "celeba",
    }
    assert "170 MB" in entries["cifar10"].message


@pytest.mark.parametrize("name", ["/nowhere", "nothing", "a" * 999, "~nobody/x", "💣" * 300])
def test_unknown_names(recipe_data, root, name: str) -> None:
    with pytest.raises(DataError, match=r"There is no dataset .*digits, shapes, .*birds.*CNNVIZ_DATA is") as caught:
        open_dataset(recipe_data(name))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_near_names_are_suggested(recipe_data, root) -> None:
    with pytest.raises(DataError, match="did you mean 'birds'"):
        open_dataset(recipe_data("brids"))


def test_files_that_are_no_dataset(recipe_data, root) -> None:
    (root / "notes" / "a.txt").write_text("x")
    os.mkfifo(root / "pipe.npz")
    for name in ("notes/a.txt", "pipe.npz"):
        with pytest.raises(DataError, match=r"expected a folder of images, a .zip of such, a table of labels"):
            open_dataset(recipe_data(name))


def test_a_data_folder_that_is_not_there(recipe_data, monkeypatch) -> None:
    monkeypatch.setenv("CNNVIZ_DATA", "/nowhere/at/all")
    assert len(catalogue()) == 6
    with pytest.raises(DataError, match="CNNVIZ_DATA is /nowhere/at/all"):
        open_dataset(recipe_data("birds"))


def test_opening_data_loads_no_heavy_library() -> None:
    code = (
        "import sys\nfrom cnnviz.data import *\nfrom cnnviz.recipe import Data\ncatalogue()\n"
        "data = Data(dataset='digits', image_size=8, channels=1)\n"
        "prepare(open_dataset(data).splits['test'], data)\nsamples()\n"
        "print(*sorted({'sklearn', 'skimage', 'pandas', 'scipy', 'tensorflow', 'streamlit'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.slow
def test_100_000_files_stay_fast(recipe_data, tmp_path) -> None:
    """Opened again, a large folder costs far less than the first time, and nothing is decoded for its counts."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        first = tmp_path / name / "0.jpg"
        first.write_bytes(b"not even a picture")
        for i in range(1, 50_000):
            os.link(first, tmp_path / name / f"{i}.jpg")
        os.utime(tmp_path / name, (1, 1))
    os.utime(tmp_path, (1, 1))
    begin = time.process_time()
    assert open_dataset(recipe_data(tmp_path)).counts("train", "label").sum() == 72_000
    first = time.process_time() - begin
    begin = time.process_time()
    open_dataset(recipe_data(tmp_path))
    again = time.process_time() - begin
    assert first < 2  # processor time; about 0.4 and 0.15 here
    assert again < 1
