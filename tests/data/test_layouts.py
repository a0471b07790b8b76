"""The layouts that are found, and which one a folder or file is in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnviz import images
from cnnviz.data import layouts
from cnnviz.data.layouts.registry import LAYOUTS, layout_of


def test_each_file_is_a_layout() -> None:
    files = {path.stem for path in Path(layouts.__path__[0]).glob("*.py")} - {"__init__", "registry", "layout"}
    assert len(LAYOUTS) == len(files)
    assert [layout.rank for layout in LAYOUTS] == sorted({layout.rank for layout in LAYOUTS})


@pytest.mark.parametrize(
    ("made", "title"),
    [
        (("cat/1.png", "dog/1.png"), "Images in folders, one a class"),
        (("train/cat/1.png", "train/dog/1.png"), "Images in folders, one a class"),
        (("cat/1.png", "dog/1.png", "list_attr_celeba.txt"), "Faces in CelebA's layout"),
        (("cat/1.png",), ""),
        ((), ""),
    ],
)
def test_a_folder_is_known_by_its_names(tmp_path: Path, made: tuple[str, ...], title: str) -> None:
    for name in made:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(images.to_png(np.zeros((4, 4, 3), np.uint8)))
    found = layout_of(tmp_path)
    assert (found.title if found else "") == title


@pytest.mark.parametrize(("name", "title"), [("x.npz", "Arrays"), ("x.NPZ", "Arrays"), ("x.npy", ""), ("gone.npz", "")])
def test_a_file_is_known_by_its_ending(tmp_path: Path, name: str, title: str) -> None:
    if name != "gone.npz":
        (tmp_path / name).write_bytes(b"")
    found = layout_of(tmp_path / name)
    assert (found.title if found else "") == title
