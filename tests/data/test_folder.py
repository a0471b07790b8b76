"""Folders of images: layouts, odd names, odd files, and what is refused."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnviz.data import open_dataset, prepare
from cnnviz.data.listing import listing
from cnnviz.errors import DataError, ImageError


def test_classes_and_labels_follow_the_folders(recipe_data, write, tmp_path) -> None:
    for number, name in enumerate(("zebra", "ant", "Bee")):
        write(tmp_path / name, 10, start=100 * number)
    dataset = open_dataset(recipe_data(tmp_path))
    assert dataset.heads[0].classes == ("Bee", "ant", "zebra")
    for split in dataset.splits.values():
        for i in range(len(split)):
            name = split.name_of(i)
            assert dataset.heads[0].classes[split.labels["label"][i]] == name.split("/")[0]
            assert (split.image(i) == int(Path(name).stem) % 256).all()


@pytest.mark.parametrize(("validation", "test"), [("validation", "test"), ("val", "Test"), ("valid", "testing")])
def test_split_folders(recipe_data, write, tmp_path, validation: str, test: str) -> None:
    for split, count in (("Train", 6), (validation, 3), (test, 2)):
        for name in ("cat", "dog"):
            write(tmp_path / split / name, count)
    dataset = open_dataset(recipe_data(tmp_path))
    assert {name: dataset.counts(name, "label").tolist() for name in dataset.splits} == {
        "train": [6, 6],
        "validation": [3, 3],
        "test": [2, 2],
    }
    assert dataset.splits["test"].name_of(0) == f"{test}/cat/0000.png"


def test_train_and_validation_alone_stay_as_they_are(recipe_data, write, tmp_path) -> None:
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            write(tmp_path / split / name, 4)
    assert {name: len(split) for name, split in open_dataset(recipe_data(tmp_path)).splits.items()} == {
        "train": 8,
        "validation": 8,
    }


def test_train_and_test_alone_hold_out_validation(recipe_data, write, tmp_path) -> None:
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            write(tmp_path / split / name, 10)
    sizes = {n: len(s) for n, s in open_dataset(recipe_data(tmp_path, validation_share=0.2)).splits.items()}
    assert sizes == {"train": 16, "validation": 4, "test": 20}


def test_a_class_may_be_called_train(recipe_data, write, tmp_path) -> None:
    for name in ("train", "car", "boat"):
        write(tmp_path / name, 5)
    assert open_dataset(recipe_data(tmp_path)).heads[0].classes == ("boat", "car", "train")


def test_odd_names_are_kept_as_text(recipe_data, write, tmp_path) -> None:
    odd = ("<img src=x onerror=alert(1)>", "two\nlines", "=cmd()", "naïve 猫", os.fsdecode(b"bad\xff"))
    for name in odd:
        write(tmp_path / name, 4)
    dataset = open_dataset(recipe_data(tmp_path))
    classes = dataset.heads[0].classes
    assert "<img src=x onerror=alert(1)>" in classes
    assert "two\\nlines" in classes
    assert "naïve 猫" in classes
    assert len(classes) == 5
    for name in classes:
        assert name.isprintable()
        name.encode("utf-8")
    images = prepare(dataset.splits["train"], recipe_data(tmp_path))
    assert len(images) == len(dataset.splits["train"])


def test_broken_images_are_listed_and_skipped(recipe_data, write, tmp_path) -> None:
    write(tmp_path / "a", 12)
    write(tmp_path / "b", 12)
    (tmp_path / "a" / "0003.png").write_bytes(b"")
    (tmp_path / "a" / "0004.png").write_text("not an image")
    whole = (tmp_path / "b" / "0001.png").read_bytes()
    (tmp_path / "b" / "0001.png").write_bytes(whole[: len(whole) - 30])
    (tmp_path / "b" / "0002.png").unlink()
    (tmp_path / "b" / "0002.png").symlink_to(tmp_path / "nowhere")
    data = recipe_data(tmp_path, channels=3)
    dataset = open_dataset(data)
    assert sum(len(split) for split in dataset.splits.values()) == 23  # the broken link is no file
    skipped, kept = {}, 0
    for split in dataset.splits.values():
        images = prepare(split, data)
        skipped |= dict(images.skipped)
        kept += len(images)
        for position, row in enumerate(images.kept):
            np.testing.assert_array_equal(images[position], split.image(int(row))[:8, :8])
    assert set(skipped) == {"a/0003.png", "a/0004.png", "b/0001.png"}
    assert kept == 20
    assert "0 bytes" in skipped["a/0003.png"]


def test_a_file_that_went_away_is_skipped(recipe_data, write, tmp_path) -> None:
    write(tmp_path / "a", 9)
    write(tmp_path / "b", 9)
    data = recipe_data(tmp_path)
    split = open_dataset(data).splits["train"]
    split.path_of(0).unlink()
    images = prepare(split, data)
    assert len(images) == len(split) - 1
    assert "No such file" in images.skipped[0][1]
    with pytest.raises(ImageError):
        split.image(0)


def test_grey_among_colour_becomes_rgb(recipe_data, write, tmp_path) -> None:
    write(tmp_path / "a", 5)
    write(tmp_path / "b", 5)
    Image.new("L", (10, 8), 50).save(tmp_path / "a" / "grey.jpg")
    Image.new("LA", (10, 8), (50, 255)).save(tmp_path / "b" / "alpha.png")
    data = recipe_data(tmp_path, channels=3)
    for split in open_dataset(data).splits.values():
        assert prepare(split, data).array.shape[1:] == (8, 8, 3)


def test_what_is_no_image_is_left_out_and_counted(recipe_data, write, tmp_path) -> None:
    write(tmp_path / "a", 5)
    write(tmp_path / "b", 5)
    write(tmp_path / ".hidden", 5)
    (tmp_path / "a" / "notes.txt").write_text("hello")
    (tmp_path / "a" / "._0001.png").write_text("resource fork")
    (tmp_path / "a" / "deeper").mkdir()
    (tmp_path / "readme.md").write_text("hello")
    dataset = open_dataset(recipe_data(tmp_path))
    assert dataset.heads[0].classes == ("a", "b")
    assert sum(len(split) for split in dataset.splits.values()) == 10
    assert any(note.startswith("1 file with other endings") for note in dataset.notes)


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        ({}, "has no images: expected one folder of images a class"),
        ({"": 3}, "3 images but no class folders"),
        ({"a": 0, "b": 0}, "no images in its folders a, b"),
        ({"a": 5, "b": 0}, "no images of 'b', the folder .* is empty"),
        ({"a": 5}, "All training samples of .* are 'a'"),
        ({"train/a": 5, "train/b": 5, "test/a": 2, "test/c": 2}, "test split has the class 'c'.*same classes"),
        ({"train/a": 5, "train/b": 5, "test/a": 2, "test/b": 0}, "test split has no images of 'b'"),
        ({"train/a": 0, "train/b": 5}, "train split has no images of 'a'"),
        ({"train": 5, "test": 5}, "no class folders|has no images"),
    ],
)
def test_refusals(recipe_data, write, tmp_path, folders: dict[str, int], words: str) -> None:
    for name, count in folders.items():
        write(tmp_path / name, count)
    with pytest.raises(DataError, match=words) as caught:
        open_dataset(recipe_data(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_split_without_one_of_the_classes_is_noted(recipe_data, write, tmp_path) -> None:
    for name, count in {"train/a": 5, "train/b": 5, "test/a": 2}.items():
        write(tmp_path / name, count)
    dataset = open_dataset(recipe_data(tmp_path))
    assert dataset.counts("test", "label").tolist() == [2, 0]
    assert any("test split has no images of 'b'" in note for note in dataset.notes)


def test_only_broken_images(recipe_data, tmp_path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(6):
            (tmp_path / name / f"{i}.jpg").write_text("no")
    data = recipe_data(tmp_path)
    with pytest.raises(DataError, match="Not one of the 8 images of train can be used; a/"):
        prepare(open_dataset(data).splits["train"], data)


def test_listing_is_read_again_when_it_changes(tmp_path, write) -> None:
    write(tmp_path, 3)
    assert len(listing(tmp_path).images) == 3
    write(tmp_path, 1, start=7)
    assert len(listing(tmp_path).images) == 4
    os.utime(tmp_path, (1, 1))
    assert listing(tmp_path) is listing(tmp_path)
    write(tmp_path, 1, start=8)
    assert len(listing(tmp_path).images) == 5


NOBODY = 65_534


def test_an_unreadable_folder(recipe_data, write) -> None:
    """As root may read every folder, it is nobody for the moment, in a place that everybody may enter."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        write(Path(place) / "a", 3)
        (Path(place) / "b").mkdir(mode=0)
        own = os.geteuid()
        try:
            if own == 0:
                os.seteuid(NOBODY)
            with pytest.raises(DataError, match="/b' can't be read"):
                open_dataset(recipe_data(place))
        finally:
            os.seteuid(own)


@pytest.mark.data
def test_real_folders(recipe_data, data_root, monkeypatch) -> None:
    monkeypatch.setenv("CNNVIZ_DATA", os.path.relpath(data_root))
    dataset = open_dataset(recipe_data("cats_and_dogs", image_size=32, limits={"train": 40}))
    assert [dataset.counts(name, "label").tolist() for name in dataset.splits] == [[20, 20], [500, 500], [500, 500]]
    animals = open_dataset(recipe_data("animals", validation_share=0.2))
    assert [animals.counts(name, "label").tolist() for name in animals.splits] == [[256] * 3, [64] * 3, [80] * 3]
