"""Servers and workers that are killed: runs go on, other servers show them, and what crashed can be continued."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect

from cnnviz import runs
from cnnviz.runs.progress import progress
from tests.conftest import slowness
from tests.e2e.conftest import Server, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EPOCHS = 30
PATIENCE_MS = 300_000
CRASHED_MS = 10_000
LIVE = re.compile(r"Epoch \d+ of \d+")


@pytest.fixture(autouse=True)
def nothing_left(server: Server) -> Iterator[None]:
    """Runs outlive their server, so those of a test that failed are stopped."""
    yield
    for run in runs.listing(server.checkpoints):
        if run.active:
            runs.request_stop(run.id, server.checkpoints)


def start_run(page: Page, url: str, epochs: int) -> None:
    """Starts the small model on digits from the Train page."""
    page.goto(f"{url}/train")
    number = page.get_by_label("Epochs", exact=True)
    number.fill(str(epochs))
    number.press("Enter")
    start = page.get_by_role("button", name=re.compile("Start training"))
    expect(start).to_be_enabled()
    start.click()


@contextmanager
def held(run: runs.Run, checkpoints: Path, until: Callable[..., None]) -> Iterator[None]:
    """The run's worker stands still within an epoch, so that it doesn't finish before it is looked at."""
    worker = psutil.Process(run.written.process.pid)

    def stands_in_an_epoch() -> bool:
        worker.suspend()
        now = runs.open_run(run.id, checkpoints)
        assert now.state == "running", "it finished before it could be held"
        if now.written.epoch and not progress(now).message:
            return True
        worker.resume()
        return False

    try:
        until(stands_in_an_epoch)
        yield
    finally:
        worker.resume()


def test_a_run_outlives_its_server_and_another_shows_it_finished(
    page: Page, server: Server, until: Callable[..., None]
) -> None:
    with serving(server.checkpoints.parent) as (first, process):
        start_run(page, first.url, EPOCHS)
        until(lambda: any(run.state == "running" for run in runs.listing(server.checkpoints)))
        (run,) = runs.listing(server.checkpoints)
        with held(run, server.checkpoints, until):
            expect(page.get_by_text(LIVE)).to_be_visible(timeout=PATIENCE_MS)
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert runs.open_run(run.id, server.checkpoints).state == "running"
            page.goto(f"{server.url}/runs")
            expect(page.get_by_text(LIVE)).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text(re.compile("finished", re.I)).first).to_be_visible(timeout=PATIENCE_MS)
    found = runs.open_run(run.id, server.checkpoints)
    assert (found.state, found.written.epoch) == ("finished", EPOCHS)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_killed_worker_is_seen_within_ten_seconds_and_its_run_continued(
    page: Page, server: Server, tmp_path: Path
) -> None:
    start_run(page, server.url, 5000)
    expect(page.get_by_text(LIVE)).to_be_visible(timeout=PATIENCE_MS)
    run = runs.listing(server.checkpoints)[0]
    os.kill(runs.open_run(run.id, server.checkpoints).written.process.pid, signal.SIGKILL)
    expect(page.get_by_text(re.compile("crashed")).first).to_be_visible(timeout=CRASHED_MS * slowness())
    expect(page.get_by_text(LIVE)).to_have_count(0)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text(LIVE)).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Stop").first.click()
    expect(page.get_by_text(re.compile(r"was stopped after \d+ of 5000 epochs")).first).to_be_visible(
        timeout=PATIENCE_MS
    )
