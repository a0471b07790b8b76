"""What lies below a class's folder, names written in two ways, and the count of all that is not read."""

from __future__ import annotations

import os
import shutil
import unicodedata
import zipfile
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from cnnviz import images, runs
from cnnviz.data import open_dataset
from cnnviz.data.archive import keep
from cnnviz.data.fingerprint import fingerprint
from cnnviz.data.resolve import catalogue
from cnnviz.errors import DataError

NESTED = {"": 10, "indoor": 9, "indoor/2019": 5, "indoor-old": 3, "b": 2}
"""Images of a class in and below its folder; "indoor-old" comes between "indoor" and "indoor/2019"."""


@pytest.fixture
def nested(write, tmp_path: Path) -> Path:
    for name in ("cat", "dog"):
        for below, count in NESTED.items():
            write(tmp_path / "pets" / name / below, count)
    return tmp_path / "pets"


def zipped(folder: Path, path: Path, more: dict[str, bytes] | None = None) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, Path(folder.name, file.relative_to(folder)))
        for name, data in (more or {}).items():
            archive.writestr(name, data)
    return path


def names(dataset) -> dict[str, list[str]]:
    return {name: [split.name_of(i) for i in range(len(split))] for name, split in dataset.splits.items()}


def test_the_samples_and_their_order_are_keras_s(nested: Path, recipe_data) -> None:
    import keras

    made = keras.utils.image_dataset_from_directory(str(nested), shuffle=False, verbose=False)
    wanted = [os.path.relpath(path, nested) for path in made.file_paths]
    assert len(wanted) == 2 * sum(NESTED.values())
    write_splits(nested, nested.parent / "split")
    dataset = open_dataset(recipe_data(nested.parent / "split"))
    assert names(dataset)["train"] == [f"train/{name}" for name in wanted]
    found = names(open_dataset(recipe_data(nested)))
    assert sorted(chain(*found.values())) == sorted(wanted)
    assert found["train"] == [name for name in wanted if name in set(found["train"])]


def write_splits(folder: Path, target: Path) -> None:
    for split in ("train", "validation", "test"):
        shutil.copytree(folder, target / split, symlinks=True)


def test_a_zip_holds_what_the_folder_holds(nested: Path, recipe_data) -> None:
    path = zipped(nested, nested.parent / "pets.zip")
    assert names(open_dataset(recipe_data(path))) == names(open_dataset(recipe_data(nested)))
    write_splits(nested, nested.parent / "split")
    path = zipped(nested.parent / "split", nested.parent / "split.zip")
    found = open_dataset(recipe_data(path))
    assert {name: len(split) for name, split in found.splits.items()} == dict.fromkeys(found.splits, 58)


def test_classes_that_have_images_only_further_below(write, recipe_data, tmp_path: Path, monkeypatch) -> None:
    for name in ("cat", "dog"):
        write(tmp_path / "deep" / name / "a" / "b", 6)
    assert sum(map(len, open_dataset(recipe_data(tmp_path / "deep")).splits.values())) == 12
    monkeypatch.setenv("CNNVIZ_DATA", str(tmp_path))
    assert "deep" in {entry.name for entry in catalogue()}


def test_flat_folders_keep_their_order(write, recipe_data, tmp_path: Path) -> None:
    """As it was before folders below classes were read: classes by name, images by name."""
    for name in ("b", "B", "a-b", "a", "é"):
        write(tmp_path / name, 7)
    for split in ("train", "validation", "test"):
        shutil.copytree(tmp_path, tmp_path / "split" / split, ignore=shutil.ignore_patterns("split"))
    wanted = [f"train/{name}/{i:04}.png" for name in sorted(("b", "B", "a-b", "a", "é")) for i in range(7)]
    assert names(open_dataset(recipe_data(tmp_path / "split")))["train"] == wanted


@pytest.mark.data
def test_the_fingerprint_of_data_without_deeper_folders_is_as_it_was(data_root: Path, monkeypatch) -> None:
    monkeypatch.setenv("CNNVIZ_DATA", str(data_root))
    recipe = runs.open_run("cats-and-dogs", Path(__file__).parents[2] / "checkpoints").recipe
    before = "4dca9714286e84c7119c649c5010dddd68950cda8fba9cb6c43bf9abba23ecce"  # told before those were read
    assert fingerprint(open_dataset(recipe.data)) == before


def test_what_is_not_read_is_counted(nested: Path, write, recipe_data) -> None:
    write(nested, 4)
    write(nested.parent / "elsewhere", 5)
    (nested / "cat" / "linked").symlink_to(nested.parent / "elsewhere")
    (nested / "cat" / "loop").symlink_to("loop")
    (nested / "dog" / "indoor" / ".hidden.png").write_bytes(images.to_png(np.zeros((8, 8, 3), np.uint8)))
    (nested / "dog" / "indoor" / "._0001.png").write_text("resource fork")
    for name in ("a.txt", "b.TXT", "c.heic", "README"):
        (nested / "cat" / "indoor" / "2019" / name).write_text("none")
    dataset = open_dataset(recipe_data(nested))
    assert sum(map(len, dataset.splits.values())) == 58
    told = " ".join(dataset.notes)
    assert "4 images beside the class folders" in told
    assert "5 files with other endings than images' (.txt, no ending, .heic)" in told
    assert "1 hidden image " in told
    assert "1 folder inside classes left out" in told
    write_splits(nested, nested.parent / "split")
    write(nested.parent / "split" / "unlabelled" / "x", 6)
    told = " ".join(open_dataset(recipe_data(nested.parent / "split")).notes)
    assert "6 images left out in unlabelled" in told
    assert "12 images beside the class folders" in told


def test_what_is_left_out_of_a_zip_is_counted(nested: Path, recipe_data) -> None:
    more = {"pets/notes.txt": b"1", "pets/cat/x.csv": b"2", "pets/cat/.x.png": b"3", "__MACOSX/pets/cat/._1.png": b"4"}
    path = zipped(nested, nested.parent / "pets.zip", more)
    told = " ".join(open_dataset(recipe_data(path)).notes)
    assert "2 files with other endings than images' (.csv, .txt) left out." in told
    assert "1 hidden image " in told
    with open(path, "rb") as file:  # an upload is opened by the folder that it became
        uploaded = keep(file, "pets.zip")
    assert open_dataset(recipe_data(uploaded)).notes == open_dataset(recipe_data(path)).notes
    assert "left out" not in " ".join(open_dataset(recipe_data(nested)).notes)


COMPOSED, APART = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))


def test_a_name_written_in_two_ways_is_one_class(write, recipe_data, tmp_path: Path) -> None:
    assert COMPOSED != APART
    write(tmp_path / "one" / COMPOSED, 5)
    write(tmp_path / "one" / APART, 6, start=100)
    write(tmp_path / "one" / "tea", 4)
    dataset = open_dataset(recipe_data(tmp_path / "one", test_share=0.3))
    assert dataset.heads[0].classes == (COMPOSED, "tea")
    assert sum(dataset.counts(name, "label") for name in dataset.splits).tolist() == [11, 4]
    for split, spelled in (("train", APART), ("test", COMPOSED)):  # as when they come from two computers
        write(tmp_path / "two" / split / spelled, 6)
        write(tmp_path / "two" / split / "tea", 6)
    dataset = open_dataset(recipe_data(tmp_path / "two"))
    assert dataset.heads[0].classes == (APART, "tea")
    assert dataset.counts("test", "label").tolist() == [6, 6]
    path = zipped(tmp_path / "one", tmp_path / "one.zip")
    assert open_dataset(recipe_data(path)).heads[0].classes == (COMPOSED, "tea")


def test_an_image_is_left_out_by_its_name_in_either_spelling(write, recipe_data, tmp_path: Path) -> None:
    write(tmp_path / APART, 6)
    write(tmp_path / "tea", 6)
    data = recipe_data(tmp_path, without=[f"{COMPOSED}/0003.png"])
    assert f"{APART}/0003.png" not in set(chain(*names(open_dataset(data)).values()))
    assert sum(map(len, open_dataset(data).splits.values())) == 11
    name = f"{COMPOSED}/0002.png"
    edited = open_dataset(recipe_data(tmp_path, labels={name: {"label": "tea"}}, splits={name: "test"}))
    assert names(edited)["test"][-1] == f"{APART}/0002.png"
    assert edited.splits["test"].labels["label"][-1] == 1
    back = {"tea/0001.png": {"label": COMPOSED}}
    assert open_dataset(recipe_data(tmp_path, labels=back)).heads[0].classes == (APART, "tea")


def test_labels_written_in_two_ways_are_one_class(recipe_data, tmp_path: Path) -> None:
    labels = np.array([COMPOSED, APART, "tea"] * 6)
    np.savez(tmp_path / "set.npz", images=np.zeros((18, 8, 8), np.uint8), labels=labels)
    dataset = open_dataset(recipe_data(tmp_path / "set.npz"))
    assert dataset.heads[0].classes == (COMPOSED, "tea")
    assert sum(dataset.counts(name, "label") for name in dataset.splits).tolist() == [12, 6]


def test_endings_that_are_not_read_are_named(recipe_data, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "old" / name).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "old" / name / f"{number}.PPM").write_bytes(b"P6 1 1 255 abc")
    with pytest.raises(DataError, match=r"no images in its folders a, b but 8 files with other endings \(\.ppm\)") as e:
        open_dataset(recipe_data(tmp_path / "old"))
    assert ".tiff" in str(e.value)
    with pytest.raises(DataError, match=r"0 images but 8 files with other endings \(\.ppm\), and read are \.jpg"):
        open_dataset(recipe_data(zipped(tmp_path / "old", tmp_path / "old.zip")))
    (tmp_path / "old" / "a" / "1.png").write_bytes(images.to_png(np.zeros((8, 8, 3), np.uint8)))
    with pytest.raises(DataError, match=r"no images of 'b', the folder .* has none but 4 files .*\(\.ppm\)"):
        open_dataset(recipe_data(tmp_path / "old"))
