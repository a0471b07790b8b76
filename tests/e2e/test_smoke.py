"""The app opens, its pages can be reached, and nothing is asked of any other machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ROOT

pytestmark = pytest.mark.browser

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))


@pytest.fixture(scope="module")
def server(own_server):
    """One that nobody has asked anything yet."""
    return own_server


def test_a_servers_first_request_may_be_a_page_of_the_app(page: Page, visit: Callable[..., None]) -> None:
    """Must stay the module's first test: only a fresh server can get it wrong."""
    visit("runs")
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    expect(page.get_by_test_id("stTopNavLink").filter(has_text="Train")).to_be_visible()


def test_all_pages_open_and_ask_nobody_else(
    page: Page, visit: Callable[..., None], settled: Callable[[], None]
) -> None:
    asked: list[str] = []
    crashes: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: crashes.append(str(error)))

    visit()
    links = page.get_by_test_id("stTopNavLink")
    expect(links).to_have_count(len(PAGES))
    for name in PAGES:
        links.filter(has_text=name.title()).click()
        path, heading = ("", "cnnviz") if name == "home" else (name, name.title())
        expect(page).to_have_url(re.compile(rf"/{path}(\?|$)"))
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        settled()

    schemes = {"http", "https", "ws", "wss"}
    assert {urlsplit(url).hostname for url in asked if urlsplit(url).scheme in schemes} == {"127.0.0.1"}
    assert not crashes
