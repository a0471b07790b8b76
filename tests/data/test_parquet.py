"""Parquet files with images and labels, as Hugging Face's hub has them: what is read, said of the rest, and refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnviz import images
from cnnviz.data import Dataset, image_rows, kept, open_dataset
from cnnviz.data.layouts import parquet
from cnnviz.data.resolve import at_hand
from cnnviz.errors import DataError
from cnnviz.progress import Cancelled

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

NAMES = ("cat", "dog", "bird")
CLASSES = {"_type": "ClassLabel", "names": list(NAMES)}
IMAGE = {"_type": "Image"}
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def png(value: int) -> bytes:
    return images.to_png(np.full((8, 8, 3), value, np.uint8))


def jpeg(value: int) -> bytes:
    import cv2

    return cv2.imencode(".jpg", np.full((8, 8, 3), value, np.uint8))[1].tobytes()


def held(values: Sequence[bytes | None], paths: Sequence[str | None] = ()) -> Any:
    """A column of images as Hugging Face has it."""
    paths = paths or [f"{number}.png" for number in range(len(values))]
    return pa.array([{"bytes": v, "path": p} for v, p in zip(values, paths, strict=True)], STRUCT)


def write(path: Path, columns: dict[str, Any], features: dict[str, Any] | None = None, **settings: Any) -> Path:
    """Writes a parquet file, with what Hugging Face's `datasets` says of these columns, where it says anything."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    if features is not None:
        told = {"info": {"features": features}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(told)})
    pq.write_table(table, path, **settings)
    return path


def pets(path: Path, start: int, count: int = 12, **settings: Any) -> Path:
    """Images of the values start, start + 1, …, of the classes 0, 1, 2, 0, …"""
    values = [png(start + i) for i in range(count)]
    labels = [i % 3 for i in range(count)]
    return write(path, {"image": held(values), "label": labels}, {"image": IMAGE, "label": CLASSES}, **settings)


def found(dataset: Dataset, head: str = "label") -> dict[str, list[tuple[bytes, str]]]:
    """Every split's images, as the bytes of their files, and classes, in the order of rows."""
    classes = dataset.head(head).classes
    return {
        name: [
            (split.path_of(i).read_bytes(), classes[split.labels[head][i]])
            for i in sorted(range(len(split)), key=split.name_of)
        ]
        for name, split in dataset.splits.items()
    }


def pooled(dataset: Dataset) -> list[tuple[bytes, str]]:
    return sorted(one for split in found(dataset).values() for one in split)


def every(dataset: Dataset, head: str = "label") -> dict[str, str]:
    """Every image's class by its file's name, over all splits."""
    return {
        split.name_of(i): dataset.head(head).classes[split.labels[head][i]]
        for split in dataset.splits.values()
        for i in range(len(split))
    }


def expected(start: int, count: int = 12) -> list[tuple[bytes, str]]:
    return [(png(start + i), NAMES[i % 3]) for i in range(count)]


def test_the_hubs_files_are_read_byte_by_byte(tmp_path: Path, recipe_data) -> None:
    pets(tmp_path / "set/data/train-00001-of-00002.parquet", 12)
    pets(tmp_path / "set/data/train-00000-of-00002.parquet", 0, row_group_size=5)
    pets(tmp_path / "set/data/test-00000-of-00001.parquet", 100)
    pets(tmp_path / "set/data/validation-00000-of-00001.parquet", 200)
    (tmp_path / "set/README.md").write_text("---")
    dataset = open_dataset(recipe_data(tmp_path / "set"))
    assert [(head.name, head.classes) for head in dataset.heads] == [("label", NAMES)]
    assert found(dataset) == {
        "train": expected(0) + expected(12),
        "validation": expected(200),
        "test": expected(100),
    }
    assert (dataset.splits["test"].image(4) == 104).all()
    assert dataset.splits["train"].name_of(13) == "train/000013.png"
    assert dataset.source == f"Images in {tmp_path / 'set'}, in the column 'image'."
    assert dataset.notes == ("Classes are read from 'label'.",)


@pytest.mark.parametrize(
    "names",
    [
        ("default/train/0000.parquet", "default/test/0000.parquet"),
        ("train/0000.parquet", "test/0000.parquet"),
        ("plain_text/train-00000-of-00001.parquet", "plain_text/test-00000-of-00001.parquet"),
        ("pets_train.parquet", "pets_test.parquet"),
        ("train_images.parquet", "images_test.PARQUET"),
    ],
)
def test_names_of_files_and_folders_tell_the_split(tmp_path: Path, recipe_data, names: tuple[str, str]) -> None:
    for start, name in enumerate(names):
        pets(tmp_path / "set" / name, 100 * start)
    dataset = open_dataset(recipe_data(tmp_path / "set", validation_share=0))
    assert found(dataset) == {"train": expected(0), "validation": expected(100), "test": expected(100)}


def test_one_file_and_one_split_of_any_name_have_parts_held_out(tmp_path: Path, recipe_data) -> None:
    for path in (
        pets(tmp_path / "test.parquet", 0),
        pets(tmp_path / "a/test-00000-of-00001.parquet", 0).parent,
        pets(tmp_path / "b/0000.parquet", 0).parent,
    ):
        dataset = open_dataset(recipe_data(path))
        assert pooled(dataset) == sorted(expected(0))
        assert set(dataset.splits) == {"train", "validation", "test"}


def test_files_of_other_splits_are_left_out(tmp_path: Path, recipe_data) -> None:
    for start, name in enumerate(("train", "test", "extra")):
        pets(tmp_path / f"set/{name}-00000-of-00001.parquet", 50 * start)
    pets(tmp_path / "set/more/0000.parquet", 50)
    dataset = open_dataset(recipe_data(tmp_path / "set", validation_share=0))
    assert found(dataset)["train"] == expected(0)
    assert "2 parquet files of no split left out." in dataset.notes


def test_several_data_sets_in_a_folder_are_named(tmp_path: Path, recipe_data) -> None:
    for name in ("large", "small"):
        pets(tmp_path / f"set/{name}/train-00000-of-00001.parquet", 0)
    with pytest.raises(DataError, match=r"several data sets, in 'large', 'small': give one of these folders"):
        open_dataset(recipe_data(tmp_path / "set"))
    assert open_dataset(recipe_data(tmp_path / "set/small")).heads[0].classes == NAMES
    for name in ("test", "validation"):
        pets(tmp_path / f"held/{name}-00000-of-00001.parquet", 0)
    with pytest.raises(DataError, match=r"files of test and validation, but none of train"):
        open_dataset(recipe_data(tmp_path / "held"))


def test_without_metadata_images_and_labels_are_found_by_what_they_are(tmp_path: Path, recipe_data) -> None:
    count = 12
    columns = {
        "checksum": [os.urandom(20) for _ in range(count)],
        "number": list(range(count)),
        "weight": [0.5] * count,
        "caption": [f"{number} of them" for number in range(count)],
        "same": [7] * count,
        "photo": [None, *(jpeg(10 * i) for i in range(1, count))],
        "kind": ["dog" if i % 2 else "cat" for i in range(count)],
    }
    dataset = open_dataset(recipe_data(write(tmp_path / "x.parquet", columns)))
    assert [(head.name, head.classes) for head in dataset.heads] == [("label", ("cat", "dog"))]
    assert every(dataset) == {f"train/{i:06}.jpg": ("cat", "dog")[i % 2] for i in range(1, count)}
    assert found(dataset)["train"][0][0] in columns["photo"]
    assert "1 row without an image left out." in dataset.notes


def test_several_columns_are_heads_of_their_names(tmp_path: Path, recipe_data) -> None:
    count = 16
    columns = {
        "image": held([png(i) for i in range(count)]),
        "Has hat": [i % 2 == 0 for i in range(count)],
        "colour": pa.array([("red", "blue")[i % 4 // 2] for i in range(count)]).dictionary_encode(),
        "side": [(-1, 1)[i % 8 // 4] for i in range(count)],
        "level": [(2, 10, 1, -1)[i % 4] for i in range(count)],
    }
    path = write(tmp_path / "x.parquet", columns)
    dataset = open_dataset(recipe_data(path))
    assert [(head.name, head.classes) for head in dataset.heads] == [
        ("Has_hat", ("not Has_hat", "Has_hat")),
        ("colour", ("blue", "red")),
        ("side", ("not side", "side")),
        ("level", ("1", "2", "10")),
    ]
    assert len(every(dataset, "side")) == 12
    assert "4 images without a label in 'Has hat', 'colour', 'side', 'level' left out." in dataset.notes
    one = open_dataset(recipe_data(path, label_columns=["side"]))
    assert [(head.name, head.classes) for head in one.heads] == [("label", ("-1", "1"))]
    two = open_dataset(recipe_data(path, label_columns=["colour", "Has hat"]), ["Has_hat"])
    assert two.available == ("colour", "Has_hat")
    assert every(two, "Has_hat") == {f"train/{i:06}.png": ("Has_hat", "not Has_hat")[i % 2] for i in range(count)}
    with pytest.raises(DataError, match=r"has no column 'color' of labels: .*did you mean 'colour'"):
        open_dataset(recipe_data(path, label_columns=["color"]))
    with pytest.raises(DataError, match="has no head 'hat': choose one of Has_hat, colour, side, level"):
        open_dataset(recipe_data(path), ["hat"])


def test_class_labels_come_before_other_columns(tmp_path: Path, recipe_data) -> None:
    """CIFAR-100's two columns of classes, and a third that only could be labels."""
    count = 12
    columns = {
        "img": held([png(i) for i in range(count)]),
        "fine_label": [i % 3 for i in range(count)],
        "coarse_label": [i % 2 for i in range(count)],
        "source": ["a", "b"] * (count // 2),
        "blurred": [True, False] * (count // 2),
    }
    coarse = {"_type": "ClassLabel", "names": ["zoo", "ark"]}
    path = write(tmp_path / "x.parquet", columns, {"img": IMAGE, "fine_label": CLASSES, "coarse_label": coarse})
    dataset = open_dataset(recipe_data(path))
    assert [(head.name, head.classes) for head in dataset.heads] == [
        ("fine_label", NAMES),
        ("coarse_label", ("zoo", "ark")),
        ("blurred", ("not blurred", "blurred")),
    ]
    assert open_dataset(recipe_data(path, label_columns=["source"])).heads[0].classes == ("a", "b")


def test_rows_without_image_or_label_are_counted(tmp_path: Path, recipe_data) -> None:
    values = [png(i) for i in range(12)]
    values[0], values[1], values[2], values[3] = None, None, b"", b"no image at all"
    paths = ["a/0.png", None, None, None, *[None] * 8]
    labels = [0, 1, 2, 0, -1, None, *[i % 2 for i in range(6)]]
    path = write(
        tmp_path / "x.parquet", {"image": held(values, paths), "label": labels}, {"image": IMAGE, "label": CLASSES}
    )
    dataset = open_dataset(recipe_data(path))
    assert every(dataset) == {f"train/{i:06}.png": NAMES[i % 2] for i in range(6, 12)}
    assert dataset.heads[0].classes == ("cat", "dog")
    assert dataset.notes[:6] == (
        "Classes are read from 'label'.",
        "1 row with only the path of an image, which is not in the file, left out.",
        "2 rows without an image left out.",
        "1 row whose image can't be read left out.",
        "2 images without a label in 'label' left out.",
        "Classes of 'label' without an image left out: bird.",
    )


def test_a_split_without_labels_is_left_out(tmp_path: Path, recipe_data) -> None:
    """Hugging Face's form of a test split whose labels are kept back."""
    pets(tmp_path / "set/train-0.parquet", 0)
    columns = {"image": held([png(1), png(2)]), "label": [-1, -1]}
    write(tmp_path / "set/test-0.parquet", columns, {"image": IMAGE, "label": CLASSES})
    dataset = open_dataset(recipe_data(tmp_path / "set"))
    assert pooled(dataset) == sorted(expected(0))
    assert "2 images without a label in 'label' left out." in dataset.notes
    (tmp_path / "set/train-0.parquet").rename(tmp_path / "set/test-1.parquet")
    (tmp_path / "set/test-0.parquet").rename(tmp_path / "set/train-0.parquet")
    with pytest.raises(DataError, match="has no training image with a label in 'label'"):
        open_dataset(recipe_data(tmp_path / "set"))


def test_a_file_without_the_labels_has_none(tmp_path: Path, recipe_data) -> None:
    pets(tmp_path / "set/train-0.parquet", 0)
    write(tmp_path / "set/test-0.parquet", {"image": held([png(1), png(2)])}, {"image": IMAGE})
    assert "2 images without a label in 'label' left out." in open_dataset(recipe_data(tmp_path / "set")).notes


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"label": [0, 1]}, r"has no column of images, but label \(int64\): expected one of the bytes"),
        ({"a": [b"x", b"y"], "label": [0, 1]}, r"has no column of images, but a \(binary\), label \(int64\)"),
        ({}, r"has no column of images: expected"),
        ({"image": held([None, None], ["a.png", "b.png"]), "label": [0, 1]}, r"2 rows with only the path of an image"),
        ({"image": held([b"x", b"y"]), "label": [0, 1]}, r"no image that can be read: 2 rows whose image can't be"),
        ({"image": held([]), "label": []}, r"no image that can be read: 0 rows at all"),
        ({"image": held([png(0), png(1)])}, r"has 2 images, but no column of labels: expected one whose values"),
        ({"image": held([png(0), png(1)]), "n": ["a" * 300, "b"]}, r"has 2 images, but no column of labels: expected"),
        ({"image": held([png(0), png(1)]), "label": [5, 5]}, r"but no column of labels: .*; it has label"),
        ({"image": held([png(0), png(1)]), "label": pa.array([1.5, 2.5])}, r"but no column of labels"),
    ],
)
def test_what_fits_not_says_so_in_one_sentence(tmp_path: Path, recipe_data, columns: dict, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        open_dataset(recipe_data(write(tmp_path / "x.parquet", columns)))
    assert "\n" not in str(caught.value)
    assert not list(kept.uploads_folder().glob(".*"))


def test_labels_of_no_class_are_refused(tmp_path: Path, recipe_data) -> None:
    for wrong in (3, -2, 2**40):
        columns = {"image": held([png(0), png(1)]), "label": [0, wrong]}
        path = write(tmp_path / "x.parquet", columns, {"image": IMAGE, "label": CLASSES})
        with pytest.raises(
            DataError, match=rf"has the label {wrong} in 'label', which names 3 classes: expected 0 to 2"
        ):
            open_dataset(recipe_data(path))
        assert not list(kept.uploads_folder().iterdir())


@pytest.mark.parametrize("names", [["a", "a"], "ab", None, ["a"] * 10_001])
def test_class_names_that_are_not_as_they_must_be_are_none(tmp_path: Path, recipe_data, names: object) -> None:
    columns = {"image": held([png(i) for i in range(12)]), "label": [i % 3 for i in range(12)]}
    told = {"image": IMAGE, "label": {"_type": "ClassLabel", "names": names}, "other": 3}
    assert open_dataset(recipe_data(write(tmp_path / "x.parquet", columns, told))).heads[0].classes == ("0", "1", "2")


@pytest.mark.parametrize("text", [b"", b"[" * 100_000, b"3", b'{"info": {"features": [1]}}', b"\xff"])
def test_metadata_that_is_not_as_it_must_be_is_none(tmp_path: Path, recipe_data, text: bytes) -> None:
    columns = {"image": held([png(i) for i in range(12)]), "label": [i % 3 for i in range(12)]}
    table = pa.table(columns).replace_schema_metadata({b"huggingface": text})
    pq.write_table(table, tmp_path / "x.parquet")
    assert open_dataset(recipe_data(tmp_path / "x.parquet")).heads[0].classes == ("0", "1", "2")


def test_cut_off_and_damaged_files_are_one_sentence_and_leave_nothing(tmp_path: Path, recipe_data) -> None:
    whole = pets(tmp_path / "x.parquet", 0).read_bytes()
    page = bytearray(whole)
    page[4:60] = bytes(56)
    for data in (b"", whole[: len(whole) // 2], whole[:-1], bytes(page)):
        (tmp_path / "y.parquet").write_bytes(data)
        with pytest.raises(DataError, match=r"^y\.parquet can't be read as a parquet file: [^\n]*[^.]\.$"):
            open_dataset(recipe_data(tmp_path / "y.parquet"))
        assert not list(kept.uploads_folder().glob("*"))


def test_a_file_that_ends_the_process_that_reads_it_is_one_sentence(tmp_path: Path, recipe_data, monkeypatch) -> None:
    """Images that are said to be booleans, on whose sizes pyarrow 26 ends the process; and one that ends by itself."""
    whole = pets(tmp_path / "x.parquet", 0).read_bytes()
    a_type = b"\x15\x0c\x25\x02\x18\x05bytes"  # of a column, in the file's directory
    assert a_type in whole
    (tmp_path / "x.parquet").write_bytes(whole.replace(a_type, b"\x15\x00" + a_type[2:]))
    with pytest.raises(DataError, match=r"^x\.parquet (can't be read as a parquet file|has no column of images)"):
        open_dataset(recipe_data(tmp_path / "x.parquet"))
    (tmp_path / "x.parquet").write_bytes(whole)
    row = '{"split": "train", "labels": [], "image": 9}'
    told = '{"columns": [], "count": 1, "size": 1, "image": "image"}'
    for text in ("", "{", told, f"{told}\n{row}\nabc"):
        code = f"import os; os.write(1, {text.encode()!r}); os.abort()"
        ends = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        monkeypatch.setattr(parquet, "_started", lambda ends=ends: ends)
        with pytest.raises(DataError, match=r"x\.parquet can't be read as a parquet file: it makes the process crash"):
            open_dataset(recipe_data(tmp_path / "x.parquet"))
        assert not list(kept.uploads_folder().glob("*"))


def test_hostile_names_are_text(tmp_path: Path, recipe_data) -> None:
    columns = {
        "../image": held([png(i) for i in range(12)], ["../../../etc/passwd\0"] * 12),
        "a\x1b[31m.b": [("<img src=x>", "=cmd()", "../x")[i % 3] for i in range(12)],
    }
    dataset = open_dataset(recipe_data(write(tmp_path / "x.parquet", columns)))
    assert dataset.heads[0].classes == ("../x", "<img src=x>", "=cmd()")
    assert set(every(dataset)) == {f"train/{i:06}.png" for i in range(12)}
    assert all(text.isprintable() for text in (*dataset.notes, dataset.source))
    everything = [path for path in kept.uploads_folder().rglob("*") if path.is_file()]
    assert len(everything) == 14  # with the labels and the record


def test_what_would_grow_beyond_measure_is_refused(tmp_path: Path, recipe_data, monkeypatch) -> None:
    """Eighty megabytes of zeros in an image's place, and one image that stands in the file once for very many rows."""
    zeros = write(tmp_path / "x.parquet", {"image": held([bytes(80_000_000)]), "label": [0]}, compression="zstd")
    with pytest.raises(DataError, match=r"x\.parquet is refused: it would grow to more than 200 times"):
        open_dataset(recipe_data(zeros))
    large = jpeg(0) + bytes(1_000_000)
    path = write(tmp_path / "y.parquet", {"image": held([large] * 200), "label": [0, 1] * 100})
    assert path.stat().st_size < 2_000_000
    monkeypatch.setattr(image_rows, "MAX_BYTES", 50_000_000)
    with pytest.raises(DataError, match=r"would have 0\.0 GB when unpacked; at most 0 GB are"):
        open_dataset(recipe_data(path))
    monkeypatch.setattr(image_rows, "MAX_ROWS", 199)
    with pytest.raises(DataError, match=r"y\.parquet has 200 rows; at most 199 are unpacked"):
        open_dataset(recipe_data(path))
    assert not list(kept.uploads_folder().iterdir())


def test_an_image_of_more_than_20_megabytes_is_left_out(tmp_path: Path, recipe_data) -> None:
    values = [png(0) + os.urandom(21 * 2**20), *(png(i) for i in range(1, 13))]
    path = write(tmp_path / "x.parquet", {"image": held(values), "label": [i % 2 for i in range(13)]})
    dataset = open_dataset(recipe_data(path))
    assert len(every(dataset)) == 12
    assert "1 row with an image of more than 20 MB left out." in dataset.notes


def test_files_are_unpacked_once_and_again_when_they_change(tmp_path: Path, recipe_data, monkeypatch) -> None:
    path = pets(tmp_path / "x.parquet", 0)
    said: list[tuple[str, int, int]] = []
    first = open_dataset(recipe_data(path), progress=lambda *one: said.append(one))
    assert said == [("Unpacking x.parquet", done, 12) for done in range(1, 13)]
    said.clear()
    with monkeypatch.context() as patch:
        patch.setattr(parquet, "_started", None)
        again = open_dataset(recipe_data(path), progress=lambda *one: said.append(one))
    assert (found(again), said) == (found(first), [])
    with monkeypatch.context() as patch:
        patch.setattr(parquet, "whole", lambda key: tmp_path / "gone")  # at the worst moment
        with pytest.raises(DataError, match=r"x\.parquet was unpacked, but is no longer in the cache: open it again"):
            open_dataset(recipe_data(path))
    shutil.rmtree(next(kept.uploads_folder().rglob("train")))  # as cleaners do
    assert found(open_dataset(recipe_data(path))) == found(first)
    pets(path, 100)
    assert pooled(open_dataset(recipe_data(path))) == sorted(expected(100))


def test_cancelled_or_full_it_leaves_nothing(tmp_path: Path, recipe_data, monkeypatch) -> None:
    path = pets(tmp_path / "x.parquet", 0)

    def stop(what: str, done: int, total: int) -> None:
        if done == 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        open_dataset(recipe_data(path), progress=stop)
    assert not list(kept.uploads_folder().iterdir())
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(2**40, 2**40 - 2**20, 2**20))
    with pytest.raises(DataError, match=r"x\.parquet needs 0 MB in .* where 1 MB are free"):
        open_dataset(recipe_data(path))
    assert not list(kept.uploads_folder().iterdir())


def test_files_of_two_kinds_are_not_one_data_set(tmp_path: Path, recipe_data) -> None:
    pets(tmp_path / "set/train-0.parquet", 0)
    columns = {"image": held([png(1), png(2)]), "label": [0, 1]}
    other = {"_type": "ClassLabel", "names": ["dog", "cat", "bird"]}
    write(tmp_path / "set/test-0.parquet", columns, {"image": IMAGE, "label": other})
    with pytest.raises(
        DataError, match=r"test-0\.parquet has other images or labels than train-0\.parquet, in 'label'"
    ):
        open_dataset(recipe_data(tmp_path / "set"))


def test_images_of_more_than_8_bits_have_one_scale(tmp_path: Path, recipe_data) -> None:
    import cv2

    values = [cv2.imencode(".png", np.full((8, 8), 10 * i, np.uint16))[1].tobytes() for i in range(1, 13)]
    values[5] = cv2.imencode(".png", np.full((8, 8), 4000, np.uint16))[1].tobytes()
    path = write(tmp_path / "x.parquet", {"image": held(values), "label": [i % 2 for i in range(12)]})
    dataset = open_dataset(recipe_data(path))
    assert dataset.bits == 12
    assert any("more than 8 bits and use 12 of them" in note for note in dataset.notes)


def test_a_folder_of_arrow_files_says_what_to_do(tmp_path: Path, recipe_data) -> None:
    (tmp_path / "set/train").mkdir(parents=True)
    (tmp_path / "set/train/data-00000-of-00001.arrow").write_bytes(b"x")
    with pytest.raises(DataError, match=r"holds \.arrow files, as save_to_disk writes them.*to_parquet"):
        open_dataset(recipe_data(tmp_path / "set"))


def test_folders_of_images_stay_what_they_are_beside_parquet_files(
    tmp_path: Path, recipe_data, write: Callable[..., None]
) -> None:
    for name in ("cat", "dog"):
        write(tmp_path / "set" / name, 6)
    pets(tmp_path / "set/x.parquet", 0)
    assert open_dataset(recipe_data(tmp_path / "set")).heads[0].classes == ("cat", "dog")
    assert at_hand(str(tmp_path / "set"))
    assert not at_hand(str(tmp_path / "set/x.parquet"))


def test_pages_open_those_in_their_folders_only(tmp_path: Path, recipe_data, monkeypatch) -> None:
    path = pets(tmp_path / "data/x.parquet", 0)
    with pytest.raises(DataError, match="There is no dataset"):
        open_dataset(recipe_data(path), anywhere=False)
    monkeypatch.setenv("CNNVIZ_DATA", str(tmp_path / "data"))
    assert open_dataset(recipe_data("x.parquet"), anywhere=False).heads[0].classes == NAMES
