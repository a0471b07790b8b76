"""Hostile `.keras` files by their HDF5 file of weights: each case writes one."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.security.good_model import Good

__all__ = ["WEIGHTS"]


def _weights(change: Callable[[h5py.File, Path], None]) -> Callable[[Good, Path, Path], None]:
    def case(good: Good, path: Path, marker: Path) -> None:
        data = io.BytesIO(good.weights)
        with h5py.File(data, "r+") as file:
            change(file, marker)
        good.written(path, model__weights__h5=data.getvalue())

    return case


def _replaced(**how: Any) -> Callable[[h5py.File, Path], None]:
    def change(file: h5py.File, marker: Path) -> None:
        group = file["layers/conv2d/vars"]
        del group["0"]
        group.create_dataset("0", **how)

    return change


def _placed(link: Callable[[Path], Any]) -> Callable[[h5py.File, Path], None]:
    def change(file: h5py.File, marker: Path) -> None:
        del file["layers/conv2d/vars/0"]
        file["layers/conv2d/vars/0"] = link(marker)

    return change


def _virtual(file: h5py.File, marker: Path) -> None:
    layout = h5py.VirtualLayout((3, 3, 3, 4), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (3, 3, 3, 4))
    del file["layers/conv2d/vars/0"]
    file["layers/conv2d/vars"].create_virtual_dataset("0", layout)


def _cycle(file: h5py.File, marker: Path) -> None:
    file["layers/conv2d/vars/again"] = file["layers"]


def _shared(file: h5py.File, marker: Path) -> None:
    file["layers/conv2d/vars/again"] = file["layers/conv2d/vars/0"]


def _remark(file: h5py.File, marker: Path) -> None:
    file["layers/conv2d/vars/0"].attrs["dtype"] = np.zeros(4000)


SHAPE = (3, 3, 3, 4)
WEIGHTS: dict[str, Callable[[Good, Path, Path], None]] = {
    "values in another file": _weights(_replaced(shape=SHAPE, dtype="f4", external=[("/etc/passwd", 0, 432)])),
    "virtual values": _weights(_virtual),
    "link to another file": _weights(_placed(lambda marker: h5py.ExternalLink("/etc/passwd", "/x"))),
    "soft link": _weights(_placed(lambda marker: h5py.SoftLink("/layers/dense/vars/0"))),
    "shape of a terabyte": _weights(_replaced(shape=(1 << 38,), dtype="f4")),
    "shape of a terabyte, in chunks": _weights(
        _replaced(shape=(1 << 38,), dtype="f4", chunks=(1 << 20,), compression="gzip")
    ),
    "texts": _weights(_replaced(data=["evil"] * 3, dtype=h5py.string_dtype())),
    "records": _weights(_replaced(data=np.zeros(3, [("a", "f4"), ("b", "f8")]))),
    "references": _weights(_replaced(shape=(3,), dtype=h5py.ref_dtype)),
    "type among the weights": _weights(lambda file, marker: file.__setitem__("layers/type", np.dtype("f4"))),
    "group in itself": _weights(_cycle),
    "one array twice": _weights(_shared),
    "remark of 32 kB": _weights(_remark),
    "no weights": _weights(lambda file, marker: file.__delitem__("layers")),
    "other weights": _weights(_replaced(data=np.zeros((3, 3, 3, 5), "f4"))),
    "weights cut off": lambda good, path, marker: good.written(
        path, model__weights__h5=good.weights[: len(good.weights) // 2]
    ),
    "noise": lambda good, path, marker: good.written(
        path, model__weights__h5=good.weights[:64] + np.random.default_rng(0).bytes(5000)
    ),
    "no HDF5": lambda good, path, marker: good.written(path, model__weights__h5=b"PK\x03\x04" * 99),
}
