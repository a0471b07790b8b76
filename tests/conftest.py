"""Fixtures that tests of several parts share."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cnnviz import runs
from cnnviz.__main__ import main
from cnnviz.processes import alive
from cnnviz.runs.liveness import launched as launched_process
from cnnviz.temporary import own_name

TESTS = Path(__file__).parent
os.environ["CNNVIZ_SPARE"] = "0"  # a worker that waits beside each server would slow all tests
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # as commands do: which test loads TensorFlow first must not matter
DEAREST_FIRST = ("train", "app", "models", "explain", "security")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tells pytest-xdist to run each file as one, all journeys in a browser one after another, and all that share what
    starts workers. What takes longest begins first, so that both processes end at the same time."""
    turns = {}
    for item in items:
        parts = item.path.relative_to(TESTS).parts
        if item.get_closest_marker("browser"):
            turns[item], group = 0, "views" if item.path.stem == "test_views" else "journeys"
        elif "nursery" in getattr(item, "fixturenames", ()):
            turns[item], group = 1, "nursery"
        else:
            turn = DEAREST_FIRST.index(parts[0]) if parts[0] in DEAREST_FIRST else len(DEAREST_FIRST)
            turns[item], group = 2 + turn, "/".join(parts)
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=turns.__getitem__)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Names bytes by their number: they may hold the time at which they were made, or be many millions."""
    return f"{len(val):,} bytes" if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real images; without `CNNVIZ_DATA` the test is skipped."""
    root = os.environ.get("CNNVIZ_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("Needs real images: set CNNVIZ_DATA to the folder that holds them.")
    return Path(root).absolute()


def wait_until(condition: Callable[[], bool], seconds: float = 300) -> None:
    """Returns once the condition holds, and fails the test where it doesn't in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"Waited {seconds} seconds in vain.")
        time.sleep(0.05)


def slowness() -> float:
    """How many times as long all takes here, as other programs want the cores too; at least 1."""
    return max(1.0, os.getloadavg()[0] / os.cpu_count())


@pytest.fixture
def until() -> Callable[..., None]:
    """Waits for a condition; see `wait_until`."""
    return wait_until


@dataclass(frozen=True)
class Done:
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Carries out a command within this process, which has loaded all it takes already."""

    def carry_out(*arguments: str) -> Done:
        capfd.readouterr()
        try:
            code = main(list(arguments))
        except SystemExit as end:
            code = end.code
        return Done(code, *capfd.readouterr())

    return carry_out


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty runs folder of this test's own, named by `CNNVIZ_CHECKPOINTS`; workers left at work are ended."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    monkeypatch.setenv("CNNVIZ_CHECKPOINTS", str(folder))
    yield folder
    for run in runs.listing(folder):
        if run.active:
            kill_worker(run)


def left_in(folder: Path) -> Path:
    """A temporary file of a process that is gone: this one's with another time of its start."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(**own_name(folder))
    os.close(handle)
    where, pid, began, rest = Path(name).name.removeprefix(".cnnviz-").split("-")
    return Path(name).rename(folder / f".cnnviz-{where}-{pid}-{int(began) - 1}-{rest}")


@contextmanager
def file_system(place: Path, megabytes: int) -> Iterator[Path]:
    """A small file system at a new folder, where the machine allows it; else the test is skipped."""
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "cnnviz", str(place)], capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("Needs the right to mount a small file system.")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def kill_worker(run: runs.Run) -> None:
    """Ends the process that has a run in hand, where one has: asked to stop, it would first load TensorFlow."""
    process = run.written.process or launched_process(run.folder)
    if process and process.pid != os.getpid() and alive(process):
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not alive(process))
