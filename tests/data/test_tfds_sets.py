"""Data sets that tensorflow_datasets has prepared: what is read of them, and what is said where they aren't there."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cnnviz.data import Dataset, kept, open_dataset, tfds_sets
from cnnviz.data.resolve import at_hand, place_of
from cnnviz.errors import DataError
from cnnviz.progress import Cancelled

BUILDERS = Path(__file__).with_name("made_tfds_sets.py")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pets, Faces and Texts as tensorflow_datasets prepares them; made in a process of its own."""
    pytest.importorskip("tensorflow_datasets")
    folder = tmp_path_factory.mktemp("tensorflow_datasets")
    subprocess.run([sys.executable, str(BUILDERS), str(folder)], check=True, capture_output=True, timeout=300)
    return folder


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of prepared data sets."""
    folder = tmp_path / "prepared"
    folder.mkdir()
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def here(prepared: Path, top: Path) -> Path:
    """A copy of what is prepared."""
    shutil.copytree(prepared, top, dirs_exist_ok=True)
    return top


def found(dataset: Dataset, head: str = "label") -> dict[str, dict[int, str]]:
    """Every split's classes by the images' first value."""
    classes = dataset.head(head).classes
    return {
        name: {int(split.image(i)[0, 0, 0]): classes[split.labels[head][i]] for i in range(len(split))}
        for name, split in dataset.splits.items()
    }


KINDS = {i: ("cat", "dog", "bird")[i % 3] for i in range(12) if i != 5}


def test_the_label_of_the_supervised_keys_is_learned(here: Path, recipe_data, monkeypatch) -> None:
    def no_way(*args: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", no_way)
    dataset = open_dataset(recipe_data("tfds:pets", validation_share=0))
    assert [(head.name, head.classes) for head in dataset.heads] == [("label", ("cat", "dog", "bird"))]
    assert dataset.available == ("label", "blurred", "label_")
    assert found(dataset) == {
        "train": KINDS,
        "validation": {100 + i: KINDS.get(i) for i in range(6) if i != 5},
        "test": {100 + i: KINDS.get(i) for i in range(6) if i != 5},
    }
    assert dataset.notes[:3] == (
        "Classes are read from 'kind'.",
        "Splits left out: unsupervised.",
        "2 images without a label in 'kind' left out.",
    )
    assert dataset.source == f"Prepared by tensorflow_datasets in {here / 'pets/plain/1.0.0'}."


def test_images_are_the_bytes_that_were_prepared(here: Path, recipe_data) -> None:
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(here / "faces/2.0.0")
    raw = builder.as_dataset(split="train", decoders={"image": tfds.decode.SkipDecoding()})
    dataset = open_dataset(recipe_data("tfds:faces"))
    kept_ones = {split.path_of(i).read_bytes() for split in dataset.splits.values() for i in range(len(split))}
    assert kept_ones == {bytes(one["image"]) for one in raw.as_numpy_iterator()}
    assert all(data.startswith(b"\xff\xd8") for data in kept_ones)
    assert dataset.splits["train"].name_of(0).endswith(".jpg")


def test_other_features_are_chosen(here: Path, recipe_data) -> None:
    both = open_dataset(recipe_data("tfds:pets/plain:1.0.0", label_columns=["label", "blurred"], validation_share=0))
    assert [(head.name, head.classes) for head in both.heads] == [
        ("label", ("0", "1")),
        ("blurred", ("not blurred", "blurred")),
    ]
    assert found(both, "label")["train"] == {i: str(i % 2) for i in range(12)}
    assert found(both, "blurred")["train"] == {i: ("blurred", "not blurred")[i % 2] for i in range(12)}
    assert open_dataset(recipe_data("tfds:pets"), ["label_"]).heads[0].classes == ("0", "1")
    with pytest.raises(DataError, match=r"has no column 'number' of labels: choose one of .*kind"):
        open_dataset(recipe_data("tfds:pets", label_columns=["number"]))


def test_attributes_are_heads_of_their_names(here: Path, recipe_data) -> None:
    dataset = open_dataset(recipe_data("tfds:faces"))
    assert [(head.name, head.classes) for head in dataset.heads] == [
        ("Male", ("not Male", "Male")),
        ("Smiling", ("not Smiling", "Smiling")),
    ]
    assert dataset.available == ("Bald", "Male", "Smiling")
    smiling = {value: name for split in found(dataset, "Smiling").values() for value, name in split.items()}
    assert {round(value / 10): name for value, name in smiling.items()} == {
        i: "Smiling" if i % 4 > 1 else "not Smiling" for i in range(16)
    }
    assert [head.name for head in open_dataset(recipe_data("tfds:faces"), ["Bald"]).heads] == ["Bald"]


def test_they_are_written_out_once(here: Path, recipe_data, monkeypatch) -> None:
    said: list[tuple[str, int, int]] = []

    def stop(what: str, done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        open_dataset(recipe_data("tfds:faces"), progress=stop)
    assert not list(kept.uploads_folder().iterdir())
    first = open_dataset(recipe_data("tfds:faces"), progress=lambda *one: said.append(one))
    assert said == [("Unpacking tfds:faces", done, 16) for done in range(1, 17)]
    monkeypatch.setattr(tfds_sets, "_installed", lambda: False)
    monkeypatch.setattr(tfds_sets, "_rows", None)
    assert found(open_dataset(recipe_data("tfds:faces")), "Male") == found(first, "Male")


def test_damaged_ones_are_one_sentence(here: Path, recipe_data) -> None:
    for name, cut in (("faces-train.tfrecord-00000-of-00001", 100), ("features.json", 30), ("dataset_info.json", 9)):
        path = here / "faces/2.0.0" / name
        path.write_bytes(path.read_bytes()[:-cut])
        with pytest.raises(DataError, match=r"^tfds:faces can't be read by tensorflow_datasets: [^\n]*$"):
            open_dataset(recipe_data("tfds:faces"))
        assert not list(kept.uploads_folder().iterdir())
    with pytest.raises(DataError, match="tfds:texts has no feature that is an image, but text"):
        open_dataset(recipe_data("tfds:texts"))


def test_without_the_package_it_says_what_to_install(top: Path, recipe_data, monkeypatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorflow_datasets" else find(name))
    with pytest.raises(DataError, match=r"pip install tensorflow-datasets, then run tfds build cats_vs_dogs"):
        open_dataset(recipe_data("tfds:cats_vs_dogs"))
    (top / "cats_vs_dogs/4.0.1").mkdir(parents=True)
    (top / "cats_vs_dogs/4.0.1/dataset_info.json").write_text("{}")
    with pytest.raises(DataError, match=r"is read by tensorflow_datasets: pip install tensorflow-datasets\."):
        open_dataset(recipe_data("tfds:cats_vs_dogs"))


def test_what_is_not_prepared_says_how_to(top: Path, recipe_data, monkeypatch) -> None:
    monkeypatch.setattr(tfds_sets, "_installed", lambda: True)
    for folder in ("mnist/3.0.0", "mnist/3.0.9", "mnist/3.0.10", "corrupted/fog/1.0.0", "corrupted/snow/1.0.0"):
        (top / folder).mkdir(parents=True)
        (top / folder / "dataset_info.json").write_text("{}")
    (top / "mnist/4.0.0").mkdir()  # was cut off
    assert tfds_sets.prepared_folder("tfds:mnist") == top / "mnist/3.0.10"
    assert tfds_sets.prepared_folder("tfds:mnist:3.0.0") == top / "mnist/3.0.0"
    assert tfds_sets.prepared_folder("tfds:corrupted/fog") == top / "corrupted/fog/1.0.0"
    with pytest.raises(
        DataError,
        match=r"tfds:celeb_a is not prepared in .*: run tfds build celeb_a, or tensorflow_datasets.load\('celeb_a'\) "
        r"in Python, once, which downloads it; prepared are tfds:corrupted, tfds:mnist\.",
    ):
        open_dataset(recipe_data("tfds:celeb_a"))
    for name in ("tfds:mnist:2.0.0", "tfds:mnist/fog", "tfds:corrupted/rain", "tfds:corrupted/fog:2.0.0"):
        with pytest.raises(DataError, match="is not prepared in"):
            open_dataset(recipe_data(name))
    with pytest.raises(DataError, match=r"has several configs: choose one of tfds:corrupted/fog, tfds:corrupted/snow"):
        open_dataset(recipe_data("tfds:corrupted"))


@pytest.mark.parametrize("anywhere", [True, False])
@pytest.mark.parametrize(
    "name", ["", "/etc", "../x", "a/..", "a/../../b", "~/x", "a:1", "a b", "a/b/c", "a\u0301", "ns:mnist", "x" * 900]
)
def test_a_name_is_never_a_path(top: Path, recipe_data, name: str, anywhere: bool) -> None:
    with pytest.raises(DataError, match=r"is no name of tensorflow_datasets|is not prepared in") as caught:
        open_dataset(recipe_data(f"tfds:{name}"), anywhere=anywhere)
    assert len(str(caught.value)) < 2500


def test_a_link_out_of_the_folder_is_not_followed(top: Path, recipe_data, tmp_path: Path) -> None:
    (tmp_path / "elsewhere/1.0.0").mkdir(parents=True)
    (tmp_path / "elsewhere/1.0.0/dataset_info.json").write_text("{}")
    os.symlink(tmp_path / "elsewhere", top / "pets")
    with pytest.raises(DataError, match="tfds:pets is not prepared in"):
        open_dataset(recipe_data("tfds:pets"))


def test_it_is_no_place_and_not_at_hand(top: Path, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "tfds:pets").mkdir()
    monkeypatch.setenv("CNNVIZ_DATA", str(tmp_path))
    assert place_of("tfds:pets") is None
    assert not at_hand("tfds:pets")


def test_pages_open_what_is_prepared(here: Path, recipe_data) -> None:
    assert open_dataset(recipe_data("tfds:faces"), anywhere=False).title == "tfds:faces"
