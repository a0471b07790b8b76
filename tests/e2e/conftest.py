"""A server and a browser for journeys through the app: one browser that keeps the files of the app, a page per test."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.e2e.seen import SIZES

ROOT = Path(__file__).resolve().parents[2]
FAILURES = Path(__file__).parent / "failures"
PATIENCE_MS = 60_000
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
FAILED = pytest.StashKey[bool]()


@dataclass(frozen=True)
class Server:
    """A running app: its address, its folder of runs and what it printed."""

    url: str
    checkpoints: Path
    log: Path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Notes that a test failed, so that its page is photographed before it closes."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Playwright, for these tests only: while it runs, its event loop occupies the main thread."""
    with sync_playwright() as running:
        yield running


def chromium(playwright: Playwright) -> str | None:
    """Where Chromium is: `CNNVIZ_BROWSER`, else on the PATH, else Playwright's own copy."""
    if named := os.environ.get("CNNVIZ_BROWSER"):
        return shutil.which(named)
    on_path = filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    own = playwright.chromium.executable_path
    return next(on_path, None) or (own if Path(own).is_file() else None)


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium without a window. Without one the test is skipped, or fails where `CNNVIZ_REQUIRE_BROWSER` is set."""
    found = chromium(playwright)
    if found is None:
        message = "No Chromium was found: install it, name it in CNNVIZ_BROWSER, or run `playwright install chromium`."
        (pytest.fail if os.environ.get("CNNVIZ_REQUIRE_BROWSER") else pytest.skip)(message)
    running = playwright.chromium.launch(executable_path=found, args=FLAGS)
    yield running
    running.close()


@pytest.fixture(scope="package")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """What a person's browser keeps between visits: scripts that are compiled already. Nothing moves for its own sake,
    which takes a third of the browser's time."""
    expect.set_options(timeout=PATIENCE_MS)
    opened = browser.new_context(viewport=SIZES["wide"], color_scheme="light", reduced_motion="reduce")
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def own_server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app on a free port of this machine, with an empty folder of runs; it and its workers are ended afterwards."""
    with serving(tmp_path_factory.mktemp("app")) as (running, _):
        yield running


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, psutil.Popen]]:
    """One app for all modules that need none of their own, as starting it takes long; its folder of runs is a link."""
    with serving(tmp_path_factory.mktemp("shared")) as (running, process):
        running.checkpoints.rmdir()
        yield running, process


@pytest.fixture(scope="module")
def server(
    browser: Browser, shared_server: tuple[Server, psutil.Popen], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The shared app with an empty folder of runs; workers that are left are ended afterwards."""
    running, process = shared_server
    running.checkpoints.symlink_to(tmp_path_factory.mktemp("runs"), target_is_directory=True)
    yield running
    end(child for child in process.children(recursive=True) if trains(child))
    running.checkpoints.unlink()


@contextmanager
def serving(
    folder: Path, app: Path = ROOT / "streamlit_app.py", **variables: str
) -> Iterator[tuple[Server, psutil.Popen]]:
    """The app on a free port, with its runs in `folder` and further environment variables, and its process; both it and
    its workers end with the block, unless it was killed before."""
    checkpoints, log = folder / "checkpoints", folder / "server.log"
    checkpoints.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(app)]
    options = ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true"]
    with log.open("ab") as output:
        process = psutil.Popen(
            [*command, *options],
            cwd=ROOT,
            env={
                "CNNVIZ_CACHE": str(folder / "cache"),
                **os.environ,
                "CNNVIZ_CHECKPOINTS": str(checkpoints),
                **variables,
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for_health(url, process, log)
        yield Server(url, checkpoints, log), process
    finally:
        end([process, *(process.children(recursive=True) if process.is_running() else [])])


def wait_for_health(url: str, process: psutil.Popen, log: Path, patience_seconds: float = 300) -> None:
    """Blocks until the server answers that it is well."""
    until = time.monotonic() + patience_seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as prediction:
                if prediction.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"The server did not come up:\n{log.read_text(errors='replace')}")


def trains(process: psutil.Process) -> bool:
    """Whether it is a run's worker, at work."""
    try:
        return "cnnviz.train" in process.cmdline()
    except psutil.Error:
        return False


def end(processes: Iterable[psutil.Process]) -> None:
    """Ends processes, such as a server and the workers that it started, which would outlive it."""
    left = list(processes)
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            if at_work(process):
                ask(process)
        until = time.monotonic() + 10
        while (left := [process for process in left if at_work(process)]) and time.monotonic() < until:
            time.sleep(0.05)


def at_work(process: psutil.Process) -> bool:
    """Whether it runs still; a zombie, which its parent hasn't buried, doesn't."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


@pytest.fixture
def page(context: BrowserContext, server: Server, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh page of 1440×900 pixels; an image of it is kept in `failures/` when the test fails."""
    opened = context.new_page()
    yield opened
    if request.node.stash.get(FAILED, False):
        FAILURES.mkdir(exist_ok=True)
        opened.screenshot(path=FAILURES / f"{re.sub(r'[^0-9A-Za-z_.-]+', '_', request.node.name)}.png")
        print(f"What the server printed:\n{server.log.read_text(errors='replace')[-4000:]}")
    opened.close()


@pytest.fixture
def settled(page: Page) -> Callable[[], None]:
    """Waits until the page's script has run to its end and shows no exception."""

    def wait() -> None:
        expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)

    return wait


@pytest.fixture
def visit(page: Page, server: Server, settled: Callable[[], None]) -> Callable[[str], None]:
    """Opens a path of the app, such as `visit("runs")`, and waits until it stands."""

    def go(path: str = "") -> None:
        page.goto(f"{server.url}/{path}")
        settled()

    return go
