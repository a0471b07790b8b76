"""Archives of arrays with odd headers, types, sizes and members."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from random import Random

import numpy as np

from cnnviz.data import open_dataset, prepare
from cnnviz.data.archive import keep
from cnnviz.errors import DataError
from cnnviz.recipe import Data

KINDS = [
    "|u1",
    "<i4",
    "<i8",
    "<u2",
    "<f4",
    "<f8",
    "<f2",
    "|b1",
    "<c8",
    "<U3",
    "<U0",
    "|S0",
    "|S5",
    "|O",
    "<M8[s]",
    ">u2",
    "<i2",
    "|V3",
    "|S1000000",
    "<U250000",
]
NAMES = [
    "x_train",
    "y_train",
    "x_test",
    "y_test",
    "x_val",
    "y_val",
    "images",
    "labels",
    "class_names",
    "names",
    "x",
    "y",
    "arr_0",
    "../x",
    "x_train ",
]
SHAPES = ["(True, True)", "(-1, 8, 8)", "(99999999999999999999,)", "(2**30, 2**30)", "8", "(4.0,)", "None", "(4,)"]
HEADERS = [
    "",
    "{",
    "{'descr': '|u1'}",
    "(" * 5000,
    "[" * 3000 + "]" * 3000,
    "None",
    "'" + "x" * 70_000,
    *(f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}" for shape in SHAPES),
    "{'descr': '|u1', 'fortran_order': 1, 'shape': (4,)}",
    "{'descr': 'nonsense', 'fortran_order': False, 'shape': (4,)}",
    "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (4,)}",
]


def header(kind: str, shape: tuple[int, ...], fortran: bool = False) -> str:
    return repr({"descr": kind, "fortran_order": fortran, "shape": shape})


def array(text: str, data: bytes, version: tuple[int, int] = (1, 0)) -> bytes:
    """An array's file with any header."""
    wide = 2 if version[0] == 1 else 4
    written = text.encode("utf-8", "replace") + b"\n"
    size = len(written) % (1 << 16 if wide == 2 else 1 << 32)
    return b"\x93NUMPY" + bytes(version) + size.to_bytes(wide, "little") + written + data


def sound(draw: Random, count: int) -> dict[str, np.ndarray]:
    """A dataset that is taken, of one of the forms that Keras or people use."""
    side, classes = draw.choice([1, 2, 8, 33]), draw.randint(2, 12)
    shape = (count, side, draw.choice([side, side + 3]), *draw.choice([(), (), (1,), (3,), (3,), (3,), (4,), (2,)]))
    rng = np.random.default_rng(draw.randrange(1 << 30))
    images = rng.integers(0, draw.choice([2, 256, 4096]), shape).astype(
        draw.choice(["u1", "u1", "u1", "u1", "u2", "f4", "i8"])
    )
    if draw.random() < 0.2:
        images = images / images.max(initial=1)
    labels = np.arange(count) % classes
    labels = draw.choice(
        [labels, labels, labels, labels[:, None], labels.astype("f4"), np.eye(classes)[labels], labels - 1]
    )
    names = draw.choice([("x_train", "y_train"), ("images", "labels"), ("x", "y")])
    found = dict(zip(names, (images, labels), strict=True))
    if draw.random() < 0.5:
        found["class_names"] = np.array([draw.choice(["a", "ß", "<b>", "=1", ""]) + str(n) for n in range(classes)])
    return found


def made(draw: Random, folder: Path) -> Path:
    members: list[tuple[str, bytes]] = []
    for name, values in sound(draw, draw.choice([0, 1, 40, 40, 40, 60])).items():
        file = io.BytesIO()
        np.save(file, values)
        members.append((f"{name}.npy", file.getvalue()))
    for _ in range(draw.choice([0, 0, 0, 1, 2])):
        name, kind = f"{draw.choice(NAMES)}.npy", draw.choice(KINDS)
        shape = tuple(draw.choice([0, 1, 2, 3, 8, 40, 50_000, 50_000_000]) for _ in range(draw.randint(0, 5)))
        text = draw.choice([header(kind, shape, draw.random() < 0.2), header(kind, shape), draw.choice(HEADERS)])
        data = bytes(draw.choice([0, 1, 40, 2560, 100_000, 30_000_000]))
        one = name, array(text, data, draw.choice([(1, 0), (2, 0), (3, 0), (9, 9)]))
        if members and draw.random() < 0.7:
            at = draw.randrange(len(members))
            members[at] = (members[at][0], one[1])
        else:
            members.append(one)
    if draw.random() < 0.2:
        members.append(
            draw.choice([("readme.txt", b"x"), ("a/b.npy", b"x"), ("x_train.npy", b"\x80\x04N."), ("", b"")])
        )
    path = folder / "some.npz"
    with zipfile.ZipFile(
        path, "w", draw.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
    ) as archive:
        for name, data in members:
            archive.writestr(
                zipfile.ZipInfo(name or "x"), data, draw.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
            )
    data = bytearray(path.read_bytes())
    for _ in range(draw.choice([0, 0, 0, 0, 0, 1, 4])):
        data[draw.randrange(len(data))] = draw.randrange(256)
    if draw.random() < 0.1:
        data = data[: draw.randrange(len(data))]
    path.write_bytes(data)
    return path


def asked(path: Path) -> None:
    with open(path, "rb") as file:
        kept = keep(file, path.name)
    data = Data(dataset=str(kept), image_size=(16, 16))
    dataset = open_dataset(data)
    for split in dataset.splits.values():
        if len(split):
            images = prepare(split, data)
            assert len(images) + len(images.skipped) == len(split)
            for head in dataset.heads:
                labels = split.labels[head.name]
                assert len(labels) == len(split)
                assert labels.min() >= 0
                assert labels.max() < len(head.classes)
    if not any(map(len, dataset.splits.values())):
        raise DataError("There is nothing in it.")
