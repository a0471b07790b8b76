"""The parts of a good `.keras` file, from which hostile ones are made."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Config", "Good", "members", "packed", "places"]

Config = dict[str, Any]


@dataclass(frozen=True)
class Good:
    """The parts of a model that loads: Input, Conv2D, pooling, an inner Sequential with a Dense, a Dense."""

    config: Config
    weights: bytes

    def written(self, path: Path, **others: bytes) -> Path:
        """Writes it with some members in place of its own."""
        parts = {
            "metadata.json": b"{}",
            "config.json": json.dumps(self.config).encode(),
            "model.weights.h5": self.weights,
        }
        return packed(path, {**parts, **{name.replace("__", "."): data for name, data in others.items()}}.items())


def packed(path: Path, members: Any, how: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def members(good: Good, *others: tuple[Any, bytes], leave: str = "") -> list[tuple[Any, bytes]]:
    own = [
        ("metadata.json", b"{}"),
        ("config.json", json.dumps(good.config).encode()),
        ("model.weights.h5", good.weights),
    ]
    return [one for one in own if one[0] != leave] + list(others)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every dict or list within a value, with each of its keys."""
    for key, one in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(one, (dict, list)):
            yield from places(one)
