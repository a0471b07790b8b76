"""What is measured of a split's images, against NumPy's and cases by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnviz.audit import split_properties as module
from cnnviz.audit.audit import Audit, Place
from cnnviz.audit.split_properties import BY_MAP, BY_THUMBNAIL, split_properties
from cnnviz.data import open_dataset
from cnnviz.data.edits import names_of
from cnnviz.progress import Cancelled
from cnnviz.recipe import Data

DIGITS = Data(dataset="digits", image_size=8, channels=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty dark images of 20 × 10 and forty bright ones of 30 × 40 pixels, in one class each."""
    for name, shape, grey in (("dark", (10, 20), 30), ("bright", (40, 30), 200)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for k in range(40):
            Image.fromarray(np.full(shape, grey + k % 3, np.uint8)).save(tmp_path / "set" / name / f"{k:02}.png")
    return tmp_path / "set"


def test_brightness_and_size_are_of_the_images_as_they_are(folder: Path) -> None:
    dataset = open_dataset(Data(dataset=str(folder), image_size=8), anywhere=True)
    split = dataset.splits["train"]
    indices = np.arange(1, len(split), 2)
    found = split_properties(dataset, "train", indices)
    images = [split.image(int(k)) for k in indices]
    assert found.brightness.tolist() == pytest.approx([image.mean() for image in images])
    assert found.size.tolist() == [max(image.shape[:2]) for image in images]
    assert found.clustered == BY_THUMBNAIL


def test_images_that_look_alike_are_in_one_cluster(folder: Path) -> None:
    dataset = open_dataset(Data(dataset=str(folder), image_size=8), anywhere=True)
    found = split_properties(dataset, "train", np.arange(len(dataset.splits["train"])))
    dark = found.brightness < 100
    assert not set(found.cluster[dark]) & set(found.cluster[~dark])


def test_a_file_that_is_no_image_any_more_is_in_no_slice(folder: Path) -> None:
    dataset = open_dataset(Data(dataset=str(folder), image_size=8), anywhere=True)
    dataset.splits["train"].path_of(3).write_text("gone")
    found = split_properties(dataset, "train", np.arange(10))
    assert np.isnan(found.brightness[3])
    assert np.isnan(found.size[3])
    assert found.cluster[3] == -1
    assert np.isfinite(np.delete(found.brightness, 3)).all()
    assert (np.delete(found.cluster, 3) >= 0).all()


def test_clusters_are_of_the_map_where_an_audit_has_nearly_all(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, other = open_dataset(DIGITS), open_dataset(DIGITS)
    indices = np.arange(50)
    names = names_of(dataset, "test", indices)

    def audited(few: int) -> None:
        places = tuple(Place(name, float(k < 20), 0.5, ("0",)) for k, name in enumerate(names[few:], few))
        found = Audit.__new__(Audit)
        object.__setattr__(found, "places", places)
        monkeypatch.setattr(module, "kept_audit", lambda one: found if one is other else None)

    audited(2)
    found = split_properties(dataset, "test", indices, [other])
    assert found.clustered == BY_MAP
    assert found.cluster.tolist() == [-1] * 2 + [1] * 18 + [0] * 30
    audited(6)
    assert split_properties(dataset, "test", indices, [other]).clustered == BY_THUMBNAIL
    assert split_properties(dataset, "test", indices).clustered == BY_THUMBNAIL


def test_it_can_be_stopped() -> None:
    with pytest.raises(Cancelled):
        split_properties(open_dataset(DIGITS), "test", np.arange(50), cancelled=lambda: True)
