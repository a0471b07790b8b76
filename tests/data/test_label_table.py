"""Images with a table of their labels: what is read, what is said of the rest, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cnnviz import images
from cnnviz.data import Dataset, open_dataset
from cnnviz.data.layouts.registry import layout_of
from cnnviz.errors import DataError

CAT, DOG = "cat", "dog"


@pytest.fixture
def photos(tmp_path: Path) -> Callable[..., Path]:
    """Writes images by their paths, the first of value 0, the next of 1, …, and returns their folder."""

    def make(*names: str) -> Path:
        for number, name in enumerate(names):
            path = tmp_path / "set" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(images.to_png(np.full((8, 8, 3), number, np.uint8)))
        return tmp_path / "set"

    return make


def labels(dataset: Dataset, head: str = "label") -> dict[str, str]:
    """Every image's class by its name, over all splits."""
    classes = dataset.head(head).classes
    return {
        split.name_of(i): classes[split.labels[head][i]] for split in dataset.splits.values() for i in range(len(split))
    }


def table(names: list[str], values: list[str], header: str = "id,label", separator: str = ",") -> str:
    rows = [header.replace(",", separator), *(f"{a}{separator}{b}" for a, b in zip(names, values, strict=True))]
    return "\n".join(rows) + "\n"


NAMES = [f"{number:03}.png" for number in range(20)]
VALUES = [CAT if number % 3 else DOG for number in range(20)]


@pytest.mark.parametrize("below", ["", "train/", "images/", "train_images/"])
@pytest.mark.parametrize("written", ["{}", "{}.png", "{below}{}.png", "./{below}{}.png", "elsewhere\\{}.png", "{}.jpg"])
def test_a_column_names_images_with_or_without_folder_and_ending(
    photos: Callable[..., Path], recipe_data, below: str, written: str
) -> None:
    folder = photos(*(below + name for name in NAMES))
    written_names = [written.format(name.removesuffix(".png"), below=below) for name in NAMES]
    (folder / "train.csv").write_text(table(written_names, VALUES))
    dataset = open_dataset(recipe_data(folder))
    assert labels(dataset) == dict(zip([below + name for name in NAMES], VALUES, strict=True))
    assert dataset.heads[0].classes == (CAT, DOG)
    image = dataset.splits["train"]
    assert all((image.image(i) == int(image.name_of(i)[-7:-4])).all() for i in range(len(image)))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separator_and_encoding_are_found_out(
    photos: Callable[..., Path], recipe_data, separator: str, encoding: str
) -> None:
    folder = photos(*NAMES)
    values = ["Märzkatze" if value == CAT else value for value in VALUES]
    text = table(NAMES, values, separator=separator)
    (folder / ("labels.tsv" if separator == "\t" else "labels.csv")).write_bytes(text.encode(encoding))
    assert open_dataset(recipe_data(folder)).heads[0].classes == ("Märzkatze", DOG)


def test_the_table_itself_may_be_named_even_beside_folders_of_classes(photos: Callable[..., Path], recipe_data) -> None:
    folder = photos(*(f"{'a' if i < 10 else 'b'}/{name}" for i, name in enumerate(NAMES)))
    (folder / "labels.csv").write_text(table(NAMES, VALUES))
    assert open_dataset(recipe_data(folder)).heads[0].classes == ("a", "b")
    assert open_dataset(recipe_data(folder / "labels.csv")).heads[0].classes == (CAT, DOG)


def test_several_columns_are_heads_of_their_names(photos: Callable[..., Path], recipe_data) -> None:
    folder = photos(*NAMES)
    rows = [f"{name},{int(i % 2)},{'red' if i % 4 < 2 else 'blue'},{i}" for i, name in enumerate(NAMES)]
    (folder / "attributes.csv").write_text("\n".join(["file,Has hat,colour,number", *rows]))
    dataset = open_dataset(recipe_data(folder))
    assert [(head.name, head.classes) for head in dataset.heads] == [
        ("Has_hat", ("not Has_hat", "Has_hat")),
        ("colour", ("blue", "red")),
    ]
    assert labels(dataset, "Has_hat")["003.png"] == "Has_hat"
    one = open_dataset(recipe_data(folder, label_columns=["colour"]))
    assert [(head.name, head.classes) for head in one.heads] == [("label", ("blue", "red"))]
    both = open_dataset(recipe_data(folder, label_columns=["colour", "Has hat"]), ["Has_hat"])
    assert both.available == ("colour", "Has_hat")
    assert [(head.name, head.classes) for head in both.heads] == [("Has_hat", ("not Has_hat", "Has_hat"))]


def test_a_column_called_label_is_the_one(photos: Callable[..., Path], recipe_data) -> None:
    folder = photos(*NAMES)
    rows = [f"{name},{'in' if i % 2 else 'out'},{VALUES[i]}" for i, name in enumerate(NAMES)]
    (folder / "x.csv").write_text("\n".join(["file,where,breed", *rows]))
    dataset = open_dataset(recipe_data(folder))
    assert [(head.name, head.classes) for head in dataset.heads] == [("label", (CAT, DOG))]
    assert dataset.available == ("label", "where")
    assert [head.name for head in open_dataset(recipe_data(folder), ["where", "label"]).heads] == ["where", "label"]


def test_a_head_of_another_column_takes_no_name(photos: Callable[..., Path], recipe_data) -> None:
    folder = photos(*NAMES)
    rows = [f"{name},{'in' if i % 2 else 'out'},{VALUES[i]}" for i, name in enumerate(NAMES)]
    (folder / "x.csv").write_text("\n".join(["file,class,label", *rows]))
    dataset = open_dataset(recipe_data(folder))
    assert dataset.heads[0].classes == ("in", "out")
    assert dataset.available == ("label", "label_")
    assert open_dataset(recipe_data(folder), ["label_"]).heads[0].classes == (CAT, DOG)


def test_yes_before_no_is_not_taken_for_no(photos: Callable[..., Path], recipe_data) -> None:
    folder = photos(*NAMES)
    rows = [f"{name},{'Yes' if i % 2 else 'no'},{VALUES[i]}" for i, name in enumerate(NAMES)]
    (folder / "x.csv").write_text("\n".join(["file,hat,colour", *rows]))
    dataset = open_dataset(recipe_data(folder))
    assert dataset.heads[0].classes == ("Yes", "no")
    assert labels(dataset, "hat")["001.png"] == "Yes"


def test_classes_that_are_numbers_come_in_their_order(photos: Callable[..., Path], recipe_data) -> None:
    folder = photos(*NAMES)
    (folder / "x.csv").write_text(table(NAMES, [str((2, 10, 1)[i % 3]) for i in range(20)], "image,level"))
    assert open_dataset(recipe_data(folder)).heads[0].classes == ("1", "2", "10")


def test_a_column_tells_the_split(photos: Callable[..., Path], recipe_data) -> None:
    folder = photos(*NAMES)
    where = ["train"] * 12 + ["Val"] * 4 + ["testing"] * 4
    rows = [f"{name},{value},{split}" for name, value, split in zip(NAMES, VALUES, where, strict=True)]
    (folder / "x.csv").write_text("\n".join(["file,label,split", *rows]))
    sizes = {name: len(split) for name, split in open_dataset(recipe_data(folder)).splits.items()}
    assert sizes == {"train": 12, "validation": 4, "test": 4}


def test_folders_tell_the_split_and_the_same_name_in_two_is_that_of_the_table(
    photos: Callable[..., Path], recipe_data
) -> None:
    """Kaggle's form: train.csv, and test images that are numbered like the training ones and have no label."""
    folder = photos(*(f"train/{name}" for name in NAMES), *(f"test/{name}" for name in NAMES[:5]))
    (folder / "train.csv").write_text(table(NAMES, VALUES))
    (folder / "sample_submission.csv").write_text(table(NAMES[:5], [CAT] * 5))
    dataset = open_dataset(recipe_data(folder))
    assert set(labels(dataset)) == {f"train/{name}" for name in NAMES}
    assert "5 images without a row in train.csv left out." in dataset.notes
    both = table([f"train/{n}" for n in NAMES] + [f"test/{n}" for n in NAMES[:5]], VALUES + VALUES[:5])
    (folder / "train.csv").write_text(both)
    assert {name: len(split) for name, split in open_dataset(recipe_data(folder)).splits.items()}["test"] == 5


def test_a_name_that_may_be_of_several_images_is_none(photos: Callable[..., Path], recipe_data) -> None:
    folder = photos(*NAMES, "a/000.png", "b/000.png", "a/b/021.png")
    (folder / "x.csv").write_text(table([*NAMES[1:], "a/000", "000"], [*VALUES[1:], CAT, DOG]))
    dataset = open_dataset(recipe_data(folder / "x.csv"))
    assert labels(dataset) == {**dict(zip(NAMES[1:], VALUES[1:], strict=True)), "a/000.png": CAT}
    assert "1 row of x.csv may mean several images." in dataset.notes


def test_what_is_left_out_is_counted(photos: Callable[..., Path], recipe_data) -> None:
    folder = photos(*NAMES, "alone.png")
    (folder / "notes.txt").write_text("x")
    extra = [("gone.png", CAT), ("also gone", DOG), ("000.png", CAT), ("001.png", CAT)]  # the last says the same again
    names, values = NAMES + [name for name, _ in extra], VALUES + [value for _, value in extra]
    values[5] = ""
    (folder / "x.csv").write_text(table(names, values))
    dataset = open_dataset(recipe_data(folder))
    notes = dataset.notes
    assert set(NAMES) - set(labels(dataset)) == {"000.png", "005.png"}
    assert notes[0] == "Labels are read from x.csv: images by 'id', classes by 'label'."
    assert "2 rows of x.csv name no image that is here." in notes
    assert "1 image with different labels in x.csv left out." in notes
    assert "1 image without a row in x.csv left out." in notes
    assert "1 image without a label in x.csv left out." in notes
    assert "1 file with other endings than images' (.txt) left out." in notes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"x\.csv in .* names none of the 20 images there, such as '000\.png'"),
        ("id,label\na,b\nc,d\n", r"x\.csv in .* names none of the 20 images"),
        (table(NAMES, [CAT] * 20), r"x\.csv names 20 images, but has no column of labels"),
        (table(NAMES, [str(i) for i in range(20)]), r"x\.csv names 20 images, but has no column of labels"),
        ('id,label\n"000.png', r"x\.csv in .* names none of the 20 images"),
        ("\0\0\0\0", r"x\.csv in .* names none of the 20 images"),
    ],
)
def test_what_fits_not_says_so_in_one_sentence(photos: Callable[..., Path], recipe_data, text: str, words: str) -> None:
    folder = photos(*NAMES)
    (folder / "x.csv").write_text(text)
    for path in (folder, folder / "x.csv"):
        with pytest.raises(DataError, match=words):
            open_dataset(recipe_data(path))


def test_unknown_columns_and_heads_are_one_sentence(photos: Callable[..., Path], recipe_data) -> None:
    folder = photos(*NAMES)
    (folder / "x.csv").write_text(table(NAMES, VALUES))
    with pytest.raises(DataError, match=r"x\.csv has no column 'colour': .*id.*label"):
        open_dataset(recipe_data(folder, label_columns=["colour"]))
    with pytest.raises(DataError, match="has no head 'colour'"):
        open_dataset(recipe_data(folder), ["colour"])


def test_hostile_names_are_text(photos: Callable[..., Path], recipe_data) -> None:
    folder = photos(*NAMES)
    values = ["<img src=x onerror=alert(1)>" if value == CAT else "=cmd()" for value in VALUES]
    (folder / "x.csv").write_text(table(NAMES, values))
    assert open_dataset(recipe_data(folder)).heads[0].classes == ("<img src=x onerror=alert(1)>", "=cmd()")


@pytest.mark.parametrize("around", ["", "pets/", "a/pets/"])
def test_a_zip_file_of_images_with_a_table(photos: Callable[..., Path], recipe_data, around: str) -> None:
    folder = photos(*(f"{around}train/{name}" for name in NAMES), *(f"{around}test/{name}" for name in NAMES[:5]))
    (folder / around / "train.csv").write_text(table(NAMES, VALUES))
    packed = shutil.make_archive(str(folder.parent / "pets"), "zip", folder)
    found = labels(open_dataset(recipe_data(packed)))
    assert found == dict(zip([f"train/{name}" for name in NAMES], VALUES, strict=True))


def test_a_zip_file_of_class_folders_with_a_table_is_read_by_its_folders(
    photos: Callable[..., Path], recipe_data
) -> None:
    folder = photos(*(f"pets/{'a' if i < 10 else 'b'}/{name}" for i, name in enumerate(NAMES)))
    (folder / "labels.csv").write_text(table(NAMES, VALUES))
    packed = shutil.make_archive(str(folder.parent / "pets"), "zip", folder)
    dataset = open_dataset(recipe_data(packed))
    assert dataset.heads[0].classes == ("a", "b")
    assert "1 file with other endings than images' (.csv) left out." in dataset.notes


def test_a_changed_table_is_read_again(photos: Callable[..., Path], recipe_data) -> None:
    folder = photos(*NAMES)
    (folder / "x.csv").write_text(table(NAMES, VALUES))
    assert open_dataset(recipe_data(folder)).heads[0].classes == (CAT, DOG)
    (folder / "x.csv").write_text(table(NAMES, [value.upper() for value in VALUES]) + "\n")
    assert open_dataset(recipe_data(folder)).heads[0].classes == ("CAT", "DOG")


def test_a_table_in_a_root_of_data_is_not_looked_into(
    photos: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its images would be all that lies there."""
    from cnnviz.data import catalogue

    folder = photos(*NAMES)
    (folder / "x.csv").write_text(table(NAMES, VALUES))
    monkeypatch.setenv("CNNVIZ_DATA", str(folder))
    assert "x.csv" not in {entry.name for entry in catalogue()}
    assert layout_of(folder / "x.csv") is not None
