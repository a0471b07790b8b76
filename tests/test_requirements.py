"""The lock file: a version of everything that the tests take, each one that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


def lines(file: str) -> list[str]:
    """The packages that a file of requirements names, without its comments and the files that it begins with."""
    text = (ROOT / file).read_text(encoding="utf-8")
    found = [line.partition(" #")[0].strip() for line in text.splitlines()]
    return [line for line in found if line and not line.startswith(("#", "-"))]


LOCKED = {canonicalize_name(one.name): one for one in map(Requirement, lines("requirements.lock"))}


@pytest.mark.parametrize(
    "file", ["requirements.txt", "requirements-export.txt", "requirements-cluster.txt", "requirements-dev.txt"]
)
def test_the_lock_has_a_version_that_is_asked_for(file: str) -> None:
    for asked in map(Requirement, lines(file)):
        (pin,) = LOCKED[canonicalize_name(asked.name)].specifier
        assert pin.operator == "=="
        assert asked.specifier.contains(pin.version), f"{file} asks for {asked}, requirements.lock has {pin.version}"
