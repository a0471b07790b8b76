"""Archives that were made to do harm: none leaves a file, and each is refused with a sentence, soon."""

from __future__ import annotations

import io
import os
import shutil
import stat
import struct
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cnnviz import images
from cnnviz.data import open_dataset
from cnnviz.data.archive import keep, unpack
from cnnviz.data.kept import uploads_folder
from cnnviz.errors import DataError
from cnnviz.recipe import Data

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name")

PNG = images.to_png(np.full((8, 10, 3), 90, np.uint8))
TWO = [("cat/1.png", PNG), ("dog/1.png", PNG)]
SCRIPT = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CNNVIZ_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def zipped(
    *members: tuple[str | zipfile.ZipInfo, bytes],
    change: Callable[[list[zipfile.ZipInfo]], object] | None = None,
    method: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """An archive; `change` may put lies into its directory."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data, method)
        if change is not None:
            change(archive.filelist)
    return file.getvalue()


def lying(*members: tuple[str | zipfile.ZipInfo, bytes], at: int = 0, **values: object) -> bytes:
    """An archive whose directory says these values of one member."""
    return zipped(*members, change=lambda infos: [setattr(infos[at], key, value) for key, value in values.items()])


def named(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    """A member with any name and kind."""
    info = zipfile.ZipInfo("x")
    info.filename, info.external_attr, info.create_system = name, mode << 16, 3
    return info


def npy(shape: tuple[int, ...], body: bytes, dtype: str = "|u1") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue() + body


def saved(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def shared() -> bytes:
    """Many members whose bytes are the same ones, which grow to any size."""

    def share(infos: list[zipfile.ZipInfo]) -> None:
        for info in infos[1:]:
            info.header_offset = infos[0].header_offset

    return zipped(*[(f"c{i % 2}/{i}.png", bytes(200_000)) for i in range(50)], change=share)


def crowd() -> bytes:
    """One member more than is allowed, all of them empty; the library would take seconds to write them."""
    names = [f"c{number % 2}/{number:05}.png".encode() for number in range(50_001)]
    heads, lines, at = [], [], 0
    for name in names:
        shared = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0)
        lines.append(b"PK\x01\x02\x14\0" + shared + struct.pack("<HHHII", 0, 0, 0, 0, at) + name)
        heads.append(b"PK\x03\x04" + shared + name)
        at += len(heads[-1])
    directory = b"".join(lines)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, len(names), len(names), len(directory), at, 0)
    return b"".join(heads) + directory + end


def damaged() -> bytes:
    data = bytearray(zipped(*TWO, method=zipfile.ZIP_STORED))
    data[data.find(PNG[20:40]) + 3] ^= 255
    return bytes(data)


def packed() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        info = tarfile.TarInfo("cat/1.png")
        info.size = len(PNG)
        archive.addfile(info, io.BytesIO(PNG))
    return file.getvalue()


LINK = named("dog/2.png", stat.S_IFLNK | 0o777)
DEEP = "/".join("abcdefg") + ".png"
Y = np.arange(30) % 3
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "upwards": (lambda: zipped(*TWO, ("../evil.png", PNG)), "leads elsewhere"),
    "upwards inside": (lambda: zipped(*TWO, ("cat/../../../evil.png", PNG)), "leads elsewhere"),
    "absolute": (lambda: zipped(*TWO, ("/tmp/evil.png", PNG)), "leads elsewhere"),
    "drive": (lambda: zipped(*TWO, ("C:/evil.png", PNG)), "lead elsewhere"),
    "backslashes": (lambda: zipped(*TWO, ("cat\\..\\..\\evil.png", PNG)), "lead elsewhere"),
    "dot": (lambda: zipped(*TWO, ("cat/./evil.png", PNG)), "leads elsewhere"),
    "no name": (lambda: zipped(*TWO, ("cat//evil.png", PNG)), "leads elsewhere"),
    "nothing for a name": (lambda: zipped(*TWO, (named(""), PNG)), "leads elsewhere"),
    "null byte": (lambda: zipped(*TWO, (named("cat/evil.png\0.txt"), PNG)), "can't be shown"),
    "new line": (lambda: zipped(*TWO, ("cat/a\nb.png", PNG)), "can't be shown"),
    "right to left": (lambda: zipped(*TWO, ("cat/\u202egnp.png", PNG)), "can't be shown"),
    "link": (lambda: zipped(*TWO, (LINK, b"/etc/passwd")), "is a link"),
    "link to a folder": (
        lambda: zipped((named("cat", stat.S_IFLNK | 0o777), b"/tmp"), ("cat/1.png", PNG), ("dog/1.png", PNG)),
        "is a link",
    ),
    "device": (lambda: zipped(*TWO, (named("dog/2.png", stat.S_IFCHR | 0o666), b"")), "regular file"),
    "pipe": (lambda: zipped(*TWO, (named("dog/2.png", stat.S_IFIFO | 0o666), b"")), "regular file"),
    "bomb": (lambda: zipped(*TWO, ("dog/2.bmp", bytes(30 * 2**20))), "200 times"),
    "bomb that hides it": (lambda: lying(("cat/2.bmp", bytes(30 * 2**20)), *TWO, file_size=1000), "can't be read"),
    "many small bombs": (lambda: zipped(*[(f"c{i % 2}/{i}.bmp", bytes(2**20)) for i in range(66)]), "times"),
    "shared bytes": (shared, "shares its bytes"),
    "far too large": (lambda: lying(*TWO, file_size=2**33), "8.0 GB when unpacked"),
    "too large for any number": (lambda: lying(*TWO, file_size=2**63), "GB when unpacked"),
    "too many members": (crowd, "at most 50,000"),
    "beyond the end": (lambda: lying(*TWO, compress_size=10**6), "shares its bytes|beyond"),
    "data elsewhere": (lambda: lying(*TWO, at=1, header_offset=70), "shares its bytes|can't be read"),
    "encrypted": (lambda: lying(*TWO, flag_bits=1), "encrypted"),
    "lzma": (lambda: zipped(*TWO, method=zipfile.ZIP_LZMA), "than deflate"),
    "bzip2": (lambda: zipped(*TWO, method=zipfile.ZIP_BZIP2), "than deflate"),
    "unknown method": (lambda: lying(*TWO, compress_type=97), "than deflate"),
    "too deep": (lambda: zipped(*TWO, (DEEP, PNG)), "more than 5 folders"),
    "long part": (lambda: zipped(*TWO, ("cat/" + 201 * "a" + ".png", PNG)), "too long"),
    "long name": (lambda: zipped(*TWO, ("/".join([180 * "a"] * 5) + ".png", PNG)), "too long"),
    "twice": (lambda: zipped(*TWO, TWO[0]), "there twice"),
    "twice but for its case": (lambda: zipped(*TWO, ("CAT/1.PNG", PNG)), "there twice"),
    "file and folder": (lambda: zipped(*TWO, ("cat", PNG)), "both a file and a folder"),
    "folder with content": (lambda: zipped(*TWO, (named("fox/", 0), PNG)), "folder with content"),
    "damaged image": (damaged, "can't be read"),
    "cut off": (lambda: zipped(*TWO)[:-30], "can't be read"),
    "nothing": (lambda: b"", "can't be read"),
    "text": (lambda: b"PK\x03\x04 but not really", "can't be read"),
    "empty archive": (zipped, "0 images"),
    "tar": (packed, "can't be read"),
    "pages and programs": (lambda: zipped(("cat/x.html", b"<script>"), ("dog/x.exe", b"MZ")), "0 images"),
    "archives in it": (lambda: zipped(("cat/1.zip", zipped(*TWO)), ("dog/1.zip", zipped(*TWO))), "0 images"),
    "no folders": (lambda: zipped(("1.png", PNG), ("2.png", PNG)), "not in folders"),
    "one class": (lambda: zipped(("cat/1.png", PNG), ("cat/2.png", PNG)), "not in folders"),
    "pickle": (lambda: saved(images=np.array([{}, []], object), labels=np.arange(2)), "never loaded"),
    "huge array": (lambda: zipped(("images.npy", npy((10**6, 10**6), b"")), ("labels.npy", npy((1,), b"0"))), "GB"),
    "array of another size": (
        lambda: zipped(("images.npy", npy((30, 8, 8), bytes(7))), ("labels.npy", npy((1,), b"0"))),
        "its header says 1,920",
    ),
    "array bomb": (
        lambda: zipped(("images.npy", npy((30, 1000, 1000), bytes(30_000_000))), ("labels.npy", npy((30,), bytes(30)))),
        "200 times",
    ),
    "many arrays": (lambda: zipped(*[(f"a{i}.npy", npy((1,), b"0")) for i in range(101)]), "at most 100"),
    "array outside": (lambda: zipped(("../images.npy", npy((1,), b"0"))), "leads elsewhere"),
    "array and program": (lambda: zipped(("images.npy", npy((1,), b"0")), ("x.py", b"")), "not an array"),
    "array twice": (lambda: zipped(("x.npy", npy((1,), b"0")), ("x.npy", npy((1,), b"1"))), "there twice"),
    "header of code": (
        lambda: zipped(("images.npy", b"\x93NUMPY\x01\x00\x30\x00" + b"__import__('os').mkdir('x')".ljust(48))),
        "can't be read",
    ),
    "no labels": (lambda: saved(images=np.zeros((4, 8, 8), np.uint8)), "no labels"),
    "labels out of range": (lambda: saved(images=np.zeros((30, 8, 8), np.uint8), labels=Y - 1), "out of range"),
}


def everything(folder: Path) -> set[str]:
    """All there is in a folder, but for the empty folder that uploads are unpacked in."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    return found - {"cache", "cache/uploads"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_leaves_nothing_but_a_sentence(name: str, tmp_path: Path) -> None:
    make, words = HOSTILE[name]
    data = make()
    before, outside = everything(tmp_path), everything_near(tmp_path)
    began = time.process_time()
    with pytest.raises(DataError, match=words) as caught:
        keep(io.BytesIO(data), "../../pets.zip")
    assert time.process_time() - began < 2
    assert everything(tmp_path) == before
    assert everything_near(tmp_path) == outside
    said = str(caught.value)
    assert said.endswith(".")
    assert said.isprintable()
    assert len(said) < 400


def everything_near(folder: Path) -> set[Path]:
    """What lies where names with `..` lead to, and `/tmp/evil.png` would be."""
    return {*folder.parent.iterdir(), *Path("/tmp").glob("evil*")}


def test_the_crowd_is_an_archive_indeed() -> None:
    assert len(zipfile.ZipFile(io.BytesIO(crowd())).namelist()) == 50_001


def test_the_same_by_its_path(tmp_path: Path) -> None:
    """Opened from the command line, an archive is looked at in the same way."""
    path = tmp_path / "pets.zip"
    for name in ("upwards", "link", "bomb", "bomb that hides it", "pickle", "text"):
        path.write_bytes(HOSTILE[name][0]())
        with pytest.raises(DataError, match=HOSTILE[name][1]):
            open_dataset(Data(dataset=str(path), image_size=8))
        assert everything(tmp_path) == {"pets.zip"}


def pets(root: str = "", classes: tuple[str, ...] = ("cat", "dog"), count: int = 12) -> list[tuple[str, bytes]]:
    """Members of a small dataset, a grey level of its own each."""
    return [
        (f"{root}{name}/{number}.png", images.to_png(np.full((8, 10, 3), (10 * number + at) % 256, np.uint8)))
        for at, name in enumerate(classes)
        for number in range(count)
    ]


JUNK = [("__MACOSX/cat/._1.png", b"x"), ("cat/.hidden.png", b"x"), ("cat/Thumbs.db", b"x"), ("readme.html", b"x")]


@pytest.mark.parametrize("root", ["", "pets/", "my pets/"])
def test_folders_of_classes_are_opened(root: str, tmp_path: Path) -> None:
    """With a folder round them or without; what is no image stays out."""
    path = tmp_path / "pets.zip"
    path.write_bytes(zipped(*pets(root), *[(name, data) for name, data in JUNK if not root]))
    dataset = open_dataset(Data(dataset=str(path), image_size=8, validation_share=0.25))
    assert dataset.heads[0].classes == ("cat", "dog")
    assert sum(dataset.counts(split, "label").sum() for split in dataset.splits) == 24
    levels = {int(split.image(i)[0, 0, 0]) for split in dataset.splits.values() for i in range(len(split))}
    assert levels == {10 * number + at for number in range(12) for at in range(2)}
    assert not [name for name in everything(tmp_path) if "hidden" in name or "Thumbs" in name or "html" in name]


def test_split_folders_are_opened() -> None:
    data = zipped(*pets("all/train/"), *pets("all/test/", count=3))
    dataset = open_dataset(Data(dataset=str(keep(io.BytesIO(data), "pets.zip")), image_size=8), anywhere=False)
    assert dataset.counts("test", "label").tolist() == [3, 3]


def test_arrays_are_opened() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (30, 8, 8, 3), np.uint8)
    path = keep(io.BytesIO(saved(images=pixels, labels=Y)), "my arrays.npz")
    assert path.name == "my-arrays.npz"
    dataset = open_dataset(Data(dataset=str(path), image_size=8), anywhere=False)
    assert dataset.heads[0].classes == ("0", "1", "2")
    assert np.array_equal(dataset.splits["train"].source.image(3), pixels[3])


def test_the_same_content_is_unpacked_once_under_any_name() -> None:
    data = zipped(*pets())
    first = keep(io.BytesIO(data), "pets.zip")
    changed = {path: path.stat().st_mtime_ns for path in first.rglob("*")}
    assert keep(io.BytesIO(data), "../../other\0.zip") == first
    assert {path: path.stat().st_mtime_ns for path in first.rglob("*")} == changed
    assert keep(io.BytesIO(zipped(*pets(count=3))), "pets.zip") != first


def test_names_are_never_paths() -> None:
    """The archive's own name, and a class that would be mark-up."""
    path = keep(io.BytesIO(zipped(*pets(classes=(SCRIPT, "=cmd|'-C calc'!A0")))), "../..\\<b>/ö.zip")
    assert path.is_relative_to(uploads_folder())
    assert path.relative_to(uploads_folder()).parts[1:] == ("images",)
    dataset = open_dataset(Data(dataset=str(path), image_size=8), anywhere=False)
    assert dataset.heads[0].classes == (SCRIPT, "=cmd|'-C calc'!A0")


def test_many_at_once_come_to_one() -> None:
    data, found = zipped(*pets(count=60)), []
    threads = [threading.Thread(target=lambda: found.append(keep(io.BytesIO(data), "pets.zip"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert [path.name for path in uploads_folder().iterdir()] == [found[0].parent.name]
    assert len([*found[0].rglob("*.png")]) == 120


def test_other_things_under_the_name(tmp_path: Path) -> None:

    os.mkfifo(tmp_path / "pipe.zip")
    (tmp_path / "folder.zip").mkdir()
    for name in ("pipe.zip", "folder.zip", "nowhere.zip"):
        with pytest.raises(DataError):
            unpack(tmp_path / name)


def test_an_archive_that_changes_is_unpacked_anew(tmp_path: Path) -> None:
    path = tmp_path / "pets.zip"
    path.write_bytes(zipped(*pets()))
    first = unpack(path)
    path.write_bytes(zipped(*pets(count=5)))
    assert unpack(path) != first


@pytest.mark.parametrize("lost", ["dog/1.png", "dog", "cat/0.png"])
def test_what_a_cleaner_deleted_of_a_kept_archive_is_unpacked_again(lost: str, tmp_path: Path) -> None:
    """Else there would be fewer classes or images than the archive has, without a word."""
    data = zipped(*pets(count=4))
    kept = keep(io.BytesIO(data), "pets.zip")
    before = sorted(path.relative_to(kept) for path in kept.rglob("*"))
    gone = kept / lost
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    again = keep(io.BytesIO(data), "pets.zip")
    assert again == kept
    assert sorted(path.relative_to(again) for path in again.rglob("*")) == before
    assert [path.name for path in uploads_folder().iterdir()] == [kept.parent.name]


def test_a_kept_image_that_was_cut_is_unpacked_again() -> None:
    data = zipped(*pets(count=4))
    kept = keep(io.BytesIO(data), "pets.zip")
    (kept / "cat" / "0.png").write_bytes(b"")
    assert (keep(io.BytesIO(data), "pets.zip") / "cat" / "0.png").stat().st_size > 0


def test_a_kept_npz_that_is_gone_is_kept_again() -> None:
    file = io.BytesIO()
    np.savez(file, x_train=np.zeros((4, 8, 8), np.uint8), y_train=np.arange(4) % 2)
    kept = keep(file, "some.npz")
    kept.unlink()
    assert keep(file, "some.npz").stat().st_size > 0
