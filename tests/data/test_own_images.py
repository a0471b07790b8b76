"""Images that are dropped in class by class: what becomes of names and files from anywhere, and what is said of it."""

from __future__ import annotations

import os
import struct
import unicodedata
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from cnnviz import images
from cnnviz.data import kept, open_dataset, own_images
from cnnviz.data.own_images import LEAST, Drop, class_name, classes_of, place, problem, removed, renamed
from cnnviz.errors import DataError
from cnnviz.recipe import Data

SCRIPT = "<img src=x onerror=alert(1)>"


def png(shade: int) -> bytes:
    return images.to_png(np.full((8, 10, 3), shade, np.uint8))


def drop(folder: Path | None, files: Sequence[tuple[str, bytes]], typed: str = "") -> tuple[Path, Drop, list[str]]:
    """What becomes of files that are dropped on a folder, as the page does it."""
    taking = Drop(folder)
    into, notes = place([name for name, _ in files], typed, taking.classes)
    for (name, data), called in zip(files, into, strict=True):
        if called:
            taking.take(name, data, called)
    return taking.keep(), taking, notes


def many(count: int, start: int = 0) -> list[tuple[str, bytes]]:
    return [(f"IMG_{number}.png", png(number)) for number in range(start, start + count)]


def two() -> Path:
    folder, _, _ = drop(None, many(6), "cat")
    return drop(folder, many(7, 50), "dog")[0]


def found(folder: Path) -> dict[str, int]:
    return {name: len(files) for name, files in (classes_of(folder) or {}).items()}


def test_two_classes_are_a_dataset_like_any_other() -> None:
    folder = two()
    assert found(folder) == {"cat": 6, "dog": 7}
    dataset = open_dataset(Data(dataset=str(folder), image_size=8), anywhere=False)
    assert dataset.heads[0].classes == ("cat", "dog")
    assert sum(len(split) for split in dataset.splits.values()) == 13
    assert str(kept.uploads_folder()) not in f"{dataset.name} {dataset.title} {dataset.source} {dataset.notes}"
    assert "IMG_50" in classes_of(folder)["dog"][0].name  # a person finds their file again


def test_a_folder_stays_as_it_was_whatever_comes_later() -> None:
    first = two()
    more, _, _ = drop(first, many(2, 90), "cat")
    other = renamed(more, "dog", "wolf")
    assert found(removed(other, "cat")) == {"wolf": 7}
    assert removed(removed(other, "cat"), "wolf") is None
    assert (found(first), found(more), found(other)) == (
        {"cat": 6, "dog": 7},
        {"cat": 8, "dog": 7},
        {"cat": 8, "wolf": 7},
    )
    assert renamed(other, "wolf", "dog") == more  # the same content has one place
    assert classes_of(first)["dog"][0].samefile(classes_of(other)["wolf"][0])  # and no file is written twice


def test_what_is_unreadable_or_there_already_is_said_with_its_name() -> None:
    folder, taking, _ = drop(
        two(),
        [
            ("new.png", png(200)),
            ("notes.txt", b"text"),
            ("a/../IMG_0.png", png(0)),
            ("x.png", images.to_png(np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8))[:5000]),
        ],
        "dog",
    )
    assert found(folder) == {"cat": 6, "dog": 8}
    assert taking.refused == {
        "This is not an image that can be read; expected JPEG, PNG, WEBP, GIF, BMP or TIFF.": ["notes.txt"],
        "The same image is in cat already.": ["IMG_0.png"],
        "The image is damaged or cut off and can't be decoded.": ["x.png"],
    }


@pytest.mark.parametrize(
    ("names", "typed", "classes"),
    [
        (["1.png", "2.png"], "cat", ["cat", "cat"]),
        (["1.png"], "", ["class 3"]),
        (["cats/1.png", "cats/more/2.png"], "", ["cats", "cats"]),
        (["IMG_2026/1.png"], "cat", ["cat"]),
        (["pets/cat/1.png", "pets/dog/a/2.png", "pets/cover.png"], "typed", ["cat", "dog", ""]),
        (["cat/1.png", "dog/2.png", "3.png"], "bird", ["cat", "dog", "bird"]),
        (["a/b/pets/cat/1.png", "a/b/pets/dog/2.png"], "", ["cat", "dog"]),
        (["p/train/cat/1.png", "p/train/dog/2.png", "p/test/cat/3.png"], "", ["cat", "dog", "cat"]),
        (["train/1.png", "test/2.png"], "", ["train", "test"]),
        (["cat/.DS_Store", "cat/1.png", "__MACOSX/cat/1.png", ".hidden.png"], "", ["", "cat", "", ""]),
        (["../../cat/1.png", "/dog/2.png", "..", ""], "", ["cat", "dog", "", ""]),
    ],
)
def test_a_folder_is_a_class_or_each_folder_in_it(names: list[str], typed: str, classes: list[str]) -> None:
    placed, notes = place(names, typed, ["class 1", "CLASS 2"])
    assert placed == classes
    assert len([note for note in notes if "left out" in note]) == any(
        one == "" and name.strip("./") for one, name in zip(classes, names, strict=True)
    )


def test_classes_called_as_splits_are_classes() -> None:
    folder, _, _ = drop(None, [*((f"train/{n}", d) for n, d in many(5)), *((f"test/{n}", d) for n, d in many(5, 9))])
    assert open_dataset(Data(dataset=str(folder), image_size=8)).heads[0].classes == ("test", "train")


def test_a_name_is_one_class_however_it_is_written() -> None:
    folder, _, _ = drop(None, many(2), "Café")
    for number, name in enumerate((unicodedata.normalize("NFD", "Café"), "  café ", "CAFÉ"), 1):
        folder, _, _ = drop(folder, many(1, 20 * number), name)
    assert found(folder) == {"Café": 5}
    with pytest.raises(DataError, match="already"):
        renamed(drop(folder, many(1, 99), "tea")[0], "tea", unicodedata.normalize("NFD", "CAFÉ"))
    assert found(renamed(folder, "Café", "café")) == {"café": 5}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        "..",
        ".",
        ".git",
        "__MACOSX",
        "a/b",
        "..\\..\\a",
        "a\0b",
        "a\x1bb",
        "C:x",
        "\u202egnp",
        "x" * 300,
        "é" * 150,
    ],
)
def test_no_name_of_a_class_leads_elsewhere(name: str) -> None:
    with pytest.raises(DataError) as error:
        class_name(name)
    assert str(error.value).endswith(".")
    assert len(str(error.value)) < 200
    folder, taking, _ = drop(two(), [("good.png", png(200))], "dog")
    taking = Drop(folder)
    taking.take("1.png", png(201), name)
    assert taking.taken == 0
    assert list(taking.refused) == [str(error.value)]


@pytest.mark.parametrize(
    "name",
    [
        "../../../evil.png",
        "/etc/passwd",
        "..\\..\\evil.png",
        "C:\\evil.png",
        "x" * 300 + ".png",
        "a\0b.png",
        "..",
        SCRIPT,
        "\udcff.png",
        "é" * 200,
        "CON.png",
        ".png",
    ],
)
def test_no_name_of_a_file_leads_elsewhere(name: str, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    taking = Drop(None)
    taking.take(name, png(7), "cat")
    (path,) = classes_of(taking.keep())["cat"]
    assert path.parent.name == "cat"
    assert kept.uploads_folder() in path.parents
    assert os.path.realpath(path).startswith(os.path.realpath(kept.uploads_folder()))
    assert path.suffix == ".png"
    assert path.name.isprintable()
    assert len(os.fsencode(path.name)) < 200
    assert not set(path.name) & set("<>/\\:")
    assert set(tmp_path.rglob("*")) == before


def bomb() -> bytes:
    """A PNG of 30,000 × 30,000 pixels that has nearly no bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("data", "why"), [(bomb(), "megapixels"), (png(3) + bytes(21 << 20), "20 MB")])
def test_bombs_are_refused(data: bytes, why: str) -> None:
    taking = Drop(None)
    taking.take("bomb.png", data, "cat")
    assert taking.taken == 0
    ((said, names),) = taking.refused.items()
    assert why in said
    assert names == ["bomb.png"]


def test_there_is_a_bound_to_how_much_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_images, "MAX_MEMBERS", 8)
    folder, taking, _ = drop(drop(None, many(6), "cat")[0], many(6, 50), "dog")
    assert found(folder) == {"cat": 6, "dog": 2}
    assert [len(names) for names in taking.refused.values()] == [4]
    monkeypatch.setattr(own_images, "MAX_BYTES", 10)
    taking = Drop(None)
    taking.take("1.png", png(1), "cat")
    assert taking.taken == 0


def test_what_is_missing_is_one_sentence() -> None:
    one = Path("1.png")
    assert problem({}).endswith(".")
    assert "cat" in problem({"cat": (one,) * 9})
    assert problem({"cat": (one,) * LEAST, "dog": (one,)}) == f"At least {LEAST} images a class are needed: dog has 1."
    assert problem({"cat": (one,) * LEAST, "dog": (one,) * LEAST}) == ""


def test_only_what_was_made_here_and_is_whole_counts() -> None:
    folder = two()
    assert classes_of(folder.parent) is None
    assert classes_of("/nowhere/my-images") is None
    classes_of(folder)["cat"][0].unlink()  # as a cleaner of temporary files does
    assert classes_of(folder) is None
    assert found(two()) == {"cat": 6, "dog": 7}  # dropped again it is whole again


def test_what_is_gone_from_the_cache_is_one_sentence() -> None:
    gone = kept.uploads_folder() / ("0" * 32) / "my-images"
    for anywhere in (True, False):
        with pytest.raises(DataError, match="no longer in the cache: upload them again"):
            open_dataset(Data(dataset=str(gone), image_size=8), anywhere=anywhere)
