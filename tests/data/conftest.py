"""Small datasets on disk, made as people have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cnnviz import images
from cnnviz.recipe import Data


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here sees the machine's real folders, but for those that ask for `data_root`."""
    monkeypatch.delenv("CNNVIZ_DATA", raising=False)
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))


@pytest.fixture
def write() -> Callable[..., None]:
    """Writes `count` small PNG files of one colour each into a folder."""

    def write(folder: Path, count: int, size: tuple[int, int] = (8, 10), start: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(start, start + count):
            (folder / f"{i:04}.png").write_bytes(images.to_png(np.full((*size, 3), i % 256, np.uint8)))

    return write


@pytest.fixture
def recipe_data() -> Callable[..., Data]:
    """The data part of a recipe for a dataset, 8×8 grey unless other things are said."""

    def data(dataset: object, **settings: object) -> Data:
        return Data(**{"image_size": 8, "channels": 1, **settings, "dataset": str(dataset)})

    return data
