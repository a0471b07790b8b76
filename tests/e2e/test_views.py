"""Each view of the app is held to what reaches the eye, at two sizes and in both themes; see `views.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.e2e.conftest import Server
from tests.e2e.prepared import stop_runs, switch, trained
from tests.e2e.seen import Console, look_at
from tests.e2e.views import VIEWS, View

pytestmark = pytest.mark.browser
SCREENSHOTS = Path(__file__).parent / "seen"


@pytest.fixture(scope="module")
def show_runs(own_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], None]]:
    """Puts a folder of runs in the server's place for them: "trained", "running" or "none"."""
    folder = tmp_path_factory.mktemp("runs")
    trained(folder / "trained")
    yield switch(own_server.checkpoints, folder)
    stop_runs(folder / "running")


@pytest.fixture(scope="module")
def watched(context: BrowserContext) -> Iterator[tuple[Page, Console]]:
    """One page for all views."""
    page = context.new_page()
    yield page, Console(page)
    page.close()


# A running run takes half of the machine, so that its views come last.
@pytest.mark.parametrize("view", sorted(VIEWS, key=lambda view: view.runs == "running"), ids=lambda view: view.name)
def test_everything_of_a_view_reaches_the_eye(
    view: View,
    watched: tuple[Page, Console],
    own_server: Server,
    show_runs: Callable[[str], None],
    request: pytest.FixtureRequest,
) -> None:
    if view.data:
        request.getfixturevalue("data_root")  # or it is skipped
    show_runs(view.runs)
    page, console = watched
    faults = look_at(page, console, view, own_server.url, SCREENSHOTS)
    assert not faults, "\n".join(["", *faults])
