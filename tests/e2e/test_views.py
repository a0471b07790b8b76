"""Each view of the app is held to what reaches the eye, at two sizes and in both themes; see `views.py`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE_MS, ROOT, Server
from tests.e2e.seen import Console, look_at
from tests.e2e.views import VIEWS, View

pytestmark = pytest.mark.browser
SCREENSHOTS = Path(__file__).parent / "seen"
SHIPPED = ("shapes", "mnist", "cats-and-dogs")


def command(*words: str, runs: Path) -> None:
    """Carries out one of cnnviz's commands on a folder of runs."""
    subprocess.run(
        [sys.executable, "-m", "cnnviz", *words], cwd=ROOT, env={**os.environ, "CNNVIZ_CHECKPOINTS": str(runs)},
        check=True, capture_output=True, text=True, timeout=600,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped runs, one of them evaluated, and one trained here, `digits`, with all that a run leaves behind."""
    folder = tmp_path_factory.mktemp("trained")
    for name in SHIPPED:
        shutil.copytree(ROOT / "checkpoints" / name, folder / name)
    command("evaluate", "shapes", "--split", "test", runs=folder)
    command("train", "Q", "--set", "fit.epochs=5", runs=folder)
    made = next(one for one in folder.iterdir() if one.name not in SHIPPED and one.is_dir())
    made.rename(folder / "digits")
    return folder


@pytest.fixture(scope="module")
def shows_runs(own_server: Server, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable]:
    """Puts a folder of runs in the server's place for them: "trained", "running" or "none"."""
    place = own_server.checkpoints
    place.rmdir()
    folders = {"trained": trained, "none": tmp_path_factory.mktemp("none"), "running": tmp_path_factory.mktemp("going")}

    def show(which: str) -> None:
        place.unlink(missing_ok=True)
        place.symlink_to(folders[which], target_is_directory=True)
        if which == "running" and not any(folders[which].iterdir()):
            command("train", "Q", "--set", "fit.epochs=100000", "--detach", runs=folders[which])

    yield show
    place.unlink(missing_ok=True)
    place.mkdir()


@pytest.fixture(scope="module")
def watched(browser: Browser) -> Iterator[tuple[Page, Console]]:
    """One page for all views, as a browser that has the app's files already opens a view in a second."""
    expect.set_options(timeout=PATIENCE_MS)
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    yield page, Console(page)
    context.close()


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_everything_of_a_view_reaches_the_eye(
    view: View, watched: tuple[Page, Console], own_server: Server, shows_runs: Callable[[str], None]
) -> None:
    page, console = watched
    shows_runs(view.runs)
    faults = look_at(page, console, view, own_server.url, SCREENSHOTS)
    assert not faults, "\n".join(["", *faults])
