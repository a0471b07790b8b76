"""Hostile `.keras` files that are no plain archive of a model: each case writes one."""

from __future__ import annotations

import os
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.security.good_model import Good, members, packed

__all__ = ["ARCHIVES"]


def _linked(good: Good, path: Path, marker: Path) -> None:
    good.written(path.with_name("real.keras"))
    path.symlink_to("real.keras")


def _unpacked(good: Good, path: Path, marker: Path) -> None:
    path.mkdir()
    for name, data in members(good):
        (path / name).write_bytes(data)


def _large(good: Good, path: Path, marker: Path) -> None:
    good.written(path)
    os.truncate(path, 1 << 31)


def _link_member(good: Good, path: Path, marker: Path) -> None:
    link = zipfile.ZipInfo("model.weights.h5")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    packed(path, members(good, (link, str(marker).encode()), leave="model.weights.h5"))


def _encrypted(good: Good, path: Path, marker: Path) -> None:
    data = bytearray(good.written(path).read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(data)


def _changed(good: Good, path: Path, marker: Path) -> None:
    data = good.written(path).read_bytes()
    path.write_bytes(data.replace(b'"units": 2', b'"units": 3', 1))


def _more_than_told(good: Good, path: Path, marker: Path) -> None:
    """A directory of thousands of names whose end says that there are three."""
    packed(path, [(f"{n}", b"") for n in range(5000)])
    data = bytearray(path.read_bytes())
    data[-14:-10] = struct.pack("<2H", 3, 3)
    path.write_bytes(data)


def _compressed(good: Good, path: Path, marker: Path) -> None:
    bomb = good.weights + bytes(32 << 20)
    packed(path, members(good, ("model.weights.h5", bomb), leave="model.weights.h5"), zipfile.ZIP_DEFLATED)


def _duplicate(good: Good, path: Path, marker: Path) -> None:
    with warnings.catch_warnings(action="ignore"):  # the archive's writer knows that it isn't right
        packed(path, members(good, ("config.json", b"{}"), leave="metadata.json"))


def _bytes(data: Callable[[bytes], bytes]) -> Callable[[Good, Path, Path], None]:
    def case(good: Good, path: Path, marker: Path) -> None:
        path.write_bytes(data(good.written(path).read_bytes()))

    return case


def _extra(name: str, leave: str = "") -> Callable[[Good, Path, Path], None]:
    def case(good: Good, path: Path, marker: Path) -> None:
        relative = os.path.relpath(marker, path.parent)
        packed(path, members(good, (name.format(relative=relative, marker=marker), b"x"), leave=leave))

    return case


ARCHIVES: dict[str, Callable[[Good, Path, Path], None]] = {
    "empty": _bytes(lambda data: b""),
    "text": _bytes(lambda data: b"#!/bin/sh\ntouch marker\n"),
    "cut off": _bytes(lambda data: data[: len(data) // 2]),
    "script before it": _bytes(lambda data: b"#!/bin/sh\n" + data),
    "comment behind it": _bytes(lambda data: data[:-2] + b"\x04\x00evil"),
    "hdf5": lambda good, path, marker: path.write_bytes(good.weights),
    "pipe": lambda good, path, marker: os.mkfifo(path),
    "link": _linked,
    "directory": _unpacked,
    "too large": _large,
    "traversal": _extra("{relative}"),
    "absolute name": _extra("{marker}", leave="metadata.json"),
    "assets": _extra("assets/vocabulary.txt"),
    "weights of npz": _extra("model.weights.npz", leave="model.weights.h5"),
    "two configs": _duplicate,
    "member is a link": _link_member,
    "encrypted": _encrypted,
    "checksum": _changed,
    "5000 members": _more_than_told,
    "compressed": _compressed,
    "config of 5 MB": lambda good, path, marker: good.written(path, config__json=b" " * (5 << 20)),
    "config of 100,000 lists": lambda good, path, marker: good.written(path, config__json=b"[" * 100_000),
    "config is no JSON": lambda good, path, marker: good.written(path, config__json=b"\xff{"),
}
