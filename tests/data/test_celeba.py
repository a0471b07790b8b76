"""CelebA's layout, made small, and the real stand-in for it."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from cnnviz.data import open_dataset, prepare
from cnnviz.errors import DataError

NAMES = ("Bald", "Male", "Smiling", "Wearing_Left_Glove")


@pytest.fixture
def faces(tmp_path: Path, write) -> Path:
    """80 faces: attributes run through all 16 combinations; splits 0, 0, 0, 1, 2 in turn."""
    folder = tmp_path / "celeba"
    write(folder / "img_align_celeba", 80)
    rows = list(itertools.product((-1, 1), repeat=4)) * 5
    lines = ["80", " ".join(NAMES) + " "]
    lines += [f"{i:04}.png " + "".join(f"{value:3d}" for value in row) for i, row in enumerate(rows)]
    (folder / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    splits = [f"{i:04}.png {(0, 0, 0, 1, 2)[i % 5]}" for i in range(80)]
    (folder / "list_eval_partition.txt").write_text("\n".join(splits) + "\n")
    return folder


def test_heads_and_labels(recipe_data, faces) -> None:
    dataset = open_dataset(recipe_data(faces))
    assert [(head.name, head.classes) for head in dataset.heads] == [
        ("Male", ("not Male", "Male")),
        ("Smiling", ("not Smiling", "Smiling")),
    ]
    assert dataset.available == NAMES
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 48, "validation": 16, "test": 16}
    rows = list(itertools.product((-1, 1), repeat=4)) * 5
    for split in dataset.splits.values():
        for i in range(len(split)):
            row = int(split.name_of(i)[:4])
            assert split.labels["Male"][i] == (rows[row][1] > 0)
            assert split.labels["Smiling"][i] == (rows[row][2] > 0)
            assert (split.image(i) == row).all()


def test_any_attributes_in_any_order(recipe_data, faces) -> None:
    dataset = open_dataset(recipe_data(faces), ["Smiling", "Bald", "Wearing_Left_Glove"])
    assert [head.name for head in dataset.heads] == ["Smiling", "Bald", "Wearing_Left_Glove"]
    assert "horizontal_flip" in dataset.unsafe_steps
    with pytest.raises(DataError, match=r"no attribute 'Smilling'.*did you mean 'Smiling'"):
        open_dataset(recipe_data(faces), ["Smilling"])


def test_limits_take_the_first_and_balance_the_groups(recipe_data, faces) -> None:
    first = open_dataset(recipe_data(faces, limits={"train": 20, "validation": 5})).splits
    everything = open_dataset(recipe_data(faces)).splits
    np.testing.assert_array_equal(first["train"].rows, everything["train"].rows[:20])
    assert [len(split) for split in first.values()] == [20, 5, 16]
    balanced = open_dataset(recipe_data(faces, balanced=True, limits={"train": 20}))
    groups = balanced.splits["train"].labels["Male"] * 2 + balanced.splits["train"].labels["Smiling"]
    assert np.bincount(groups).tolist() == [5, 5, 5, 5]


def test_a_missing_split_is_noted_and_held_out(recipe_data, faces) -> None:
    partition = faces / "list_eval_partition.txt"
    partition.write_text(partition.read_text().replace(".png 1", ".png 0"))
    dataset = open_dataset(recipe_data(faces))
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 58, "validation": 6, "test": 16}
    assert any("no face of the validation split (1)" in note for note in dataset.notes)
    partition.write_text(partition.read_text().replace(".png 2", ".png 0"))
    assert sum(len(split) for split in open_dataset(recipe_data(faces)).splits.values()) == 80
    partition.write_text(partition.read_text().replace(".png 0", ".png 2"))
    with pytest.raises(DataError, match="no face of the training split"):
        open_dataset(recipe_data(faces))


def test_faces_that_are_not_there_are_noted(recipe_data, faces) -> None:
    for name in ("0000.png", "0005.png"):
        (faces / "img_align_celeba" / name).unlink()
    dataset = open_dataset(recipe_data(faces))
    assert len(dataset.splits["train"]) == 46
    assert any(note.startswith("2 of the 80 faces") for note in dataset.notes)


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("list_attr_celeba.txt", "0000.png", "../../../etc/passwd", None),
        ("list_attr_celeba.txt", "80\n", "", "expected the number of faces in line 1"),
        ("list_attr_celeba.txt", "0001.png ", "0001.png  1 ", "line 4: 5 values for 4 attributes"),
        ("list_attr_celeba.txt", "0001.png  -1", "0001.png   7", "0001.png has the value '7'"),
        ("list_eval_partition.txt", "0001.png 0", "0001.png 4", "line 2: expected a file name and 0, 1 or 2"),
        ("list_eval_partition.txt", ".png", ".jpg", "none of the 80 images"),
    ],
)
def test_broken_tables(recipe_data, faces, file: str, old: str, new: str, words: str | None) -> None:
    text = (faces / file).read_text()
    (faces / file).write_text(text.replace(old, new))
    data = recipe_data(faces)
    if words is None:  # a path outside the folder of images is not among its files
        dataset = open_dataset(data, ["Bald", "Male"])
        names = {split.name_of(i) for split in dataset.splits.values() for i in range(len(split))}
        assert names == {f"{i:04}.png" for i in range(1, 80)}
        return
    heads = ["Bald"] if "value" in words else None
    with pytest.raises(DataError, match=words):
        open_dataset(data, heads)


@pytest.mark.parametrize("part", ["list_eval_partition.txt", "img_align_celeba"])
def test_missing_parts(recipe_data, faces, part: str) -> None:
    (faces / part).rename(faces / "elsewhere")
    with pytest.raises(DataError, match=f"lacks '{part}'"):
        open_dataset(recipe_data(faces))


def test_the_name_celeba(recipe_data, faces, monkeypatch) -> None:
    with pytest.raises(DataError, match="CelebA is not on this computer: put img_align_celeba/"):
        open_dataset(recipe_data("celeba"))
    monkeypatch.setenv("CNNVIZ_DATA", str(faces.parent))
    assert open_dataset(recipe_data("celeba")).title == "CelebA faces"
    faces.rename(faces.parent / "stand_in")
    assert open_dataset(recipe_data("celeba")).title == "stand_in"


@pytest.mark.data
def test_b2_on_the_stand_in(recipe_data, data_root, monkeypatch) -> None:
    """550 faces of each of the four groups: 2,000 to train on, 200 to test."""
    monkeypatch.setenv("CNNVIZ_DATA", str(data_root))
    data = recipe_data(
        "celeba_layout_faces", image_size=(72, 59), channels=3, balanced=True, limits={"train": 2000, "test": 200}
    )
    dataset = open_dataset(data)
    for split, each in (("train", 500), ("test", 50)):
        labels = dataset.splits[split].labels
        assert np.bincount(labels["Smiling"] * 2 + labels["Facing_Left"]).tolist() == [each] * 4
    images = prepare(dataset.splits["test"], data)
    assert images.array.shape == (200, 72, 59, 3)
    assert images.skipped == ()
