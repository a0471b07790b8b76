"""Workers that are there sooner: one loading of TensorFlow for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.nursery import Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """What starts workers, one after another."""
    made = Nursery()
    yield made
    made.close()
