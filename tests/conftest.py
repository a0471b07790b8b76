"""Fixtures that tests of several parts share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cnnviz import runs


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tells pytest-xdist to run each file as one, and all that need a browser one after another, as two would be slow;
    that takes longest and begins first."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)
    for item in items:
        group = "browser" if item.get_closest_marker("browser") else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real pictures; without `CNNVIZ_DATA` the test is skipped."""
    root = os.environ.get("CNNVIZ_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("Needs real pictures: set CNNVIZ_DATA to the folder that holds them.")
    return Path(root).absolute()


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Returns once the condition holds, and fails the test where it doesn't in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"Waited {seconds} seconds in vain.")
        time.sleep(0.05)


@pytest.fixture
def until() -> Callable[..., None]:
    """Waits for a condition; see `wait_until`."""
    return wait_until


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty runs folder of this test's own, named by `CNNVIZ_CHECKPOINTS`; runs left going are stopped."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    monkeypatch.setenv("CNNVIZ_CHECKPOINTS", str(folder))
    yield folder
    for run in runs.listing(folder):
        if run.active and run.state != "stopping":
            runs.request_stop(run.id, folder)
    wait_until(lambda: not any(run.active for run in runs.listing(folder)), 120)
