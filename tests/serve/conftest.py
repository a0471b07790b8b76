"""A server of the shipped run with two heads, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.serve import Server, started

RUN = "shapes"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with started(RUN, "--rate", "100000") as found:
        yield found
    assert found.process.returncode == 0
