"""Images with their class in the name."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from cnnviz import images
from cnnviz.data import open_dataset
from cnnviz.data.layouts.named_images import class_in
from cnnviz.data.layouts.registry import layout_of
from cnnviz.errors import DataError

PNG = images.to_png(np.zeros((8, 8, 3), np.uint8))


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(PNG)
    return folder


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("cat.0.jpg", "cat"),
        ("dog_12.png", "dog"),
        ("great_pyrenees_12.jpg", "great_pyrenees"),
        ("cat (3).jpg", "cat"),
        ("type2-7.png", "type2"),
        ("Katze7.png", "Katze"),
        ("猫_1.png", "猫"),
        ("12.jpg", ""),
        ("cat.jpg", ""),
    ],
)
def test_a_name_begins_with_its_class(name: str, wanted: str) -> None:
    assert class_in(name) == wanted


def test_cats_and_dogs_as_they_are_downloaded(tmp_path: Path, recipe_data) -> None:
    folder = write(
        tmp_path / "dogs-vs-cats",
        *(f"train/{name}.{number}.jpg" for name in ("cat", "dog") for number in range(10)),
        *(f"test1/{number}.jpg" for number in range(1, 8)),
    )
    (folder / "sampleSubmission.csv").write_text("id,label\n" + "".join(f"{i},0\n" for i in range(1, 8)))
    dataset = open_dataset(recipe_data(folder))
    assert dataset.heads[0].classes == ("cat", "dog")
    assert sum(len(split) for split in dataset.splits.values()) == 20
    assert all(
        split.name_of(i).startswith(f"train/{dataset.heads[0].classes[split.labels['label'][i]]}.")
        for split in dataset.splits.values()
        for i in range(len(split))
    )
    assert dataset.notes[0] == "Classes are read from the images' names, such as 'cat.0.jpg'."
    assert "7 images with no class in the name left out." in dataset.notes


@pytest.mark.parametrize("above", ["", "train/", "pets/train/"])
def test_a_zip_file_of_such(tmp_path: Path, recipe_data, above: str) -> None:
    folder = write(tmp_path / "in", *(f"{above}{name}.{number}.png" for name in ("cat", "dog") for number in range(10)))
    packed = shutil.make_archive(str(tmp_path / "pets"), "zip", folder)
    dataset = open_dataset(recipe_data(packed))
    assert dataset.heads[0].classes == ("cat", "dog")
    assert sum(len(split) for split in dataset.splits.values()) == 20


def test_folders_are_splits(tmp_path: Path, recipe_data) -> None:
    names = [f"{name}_{number}.png" for name in ("a", "b") for number in range(4)]
    folder = write(tmp_path, *(f"{split}/{name}" for split in ("train", "val", "test") for name in names))
    assert {name: len(split) for name, split in open_dataset(recipe_data(folder)).splits.items()} == {
        "train": 8,
        "validation": 8,
        "test": 8,
    }


@pytest.mark.parametrize(
    "names",
    [
        ["cat.1.png", "cat.2.png", "dog.1.png", "dog.2.png", "12.png"],  # one without a class
        ["IMG_1.png", "IMG_2.png", "IMG_3.png"],  # one class
        ["cat.1.png", "cat.2.png", "dog.1.png"],  # a class of one image is rather a name
        [f"{a}{b}x{i}.png" for a in "abcdefghijk" for b in "abcdefghijk" for i in range(2)],  # 121 classes
        ["some/cat.1.png", "some/cat.2.png", "some/dog.1.png", "some/dog.2.png"],  # a folder of no split
        ["train/a/cat.1.png", "train/a/cat.2.png", "train/b/dog.1.png", "train/b/dog.2.png"],  # folders of classes
    ],
    ids=["mixed", "one", "single", "many", "folder", "classes"],
)
def test_names_that_are_no_classes(tmp_path: Path, names: list[str]) -> None:
    found = layout_of(write(tmp_path, *names))
    assert found is None or "name" not in found.title


def test_what_fits_none_says_the_nearest_form(tmp_path: Path, recipe_data) -> None:
    folder = write(tmp_path, "1.png", "2.png", "3.png")
    with pytest.raises(DataError, match=r"3 images but no class folders: .*folder of its name.*cat\.0\.jpg.*\.csv"):
        open_dataset(recipe_data(folder))


def test_a_class_without_training_images_is_one_sentence(tmp_path: Path, recipe_data) -> None:
    folder = write(tmp_path, *(f"train/a_{i}.png" for i in range(4)), *(f"test/b_{i}.png" for i in range(4)))
    with pytest.raises(DataError, match="no training image has a name that begins with 'b'"):
        open_dataset(recipe_data(folder))
