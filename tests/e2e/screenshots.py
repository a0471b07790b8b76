"""Draws the README's images, one of each page, from the table of views: `python -m tests.e2e.screenshots`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.e2e.conftest import FLAGS, ROOT, chromium, serving
from tests.e2e.prepared import switch, trained
from tests.e2e.seen import go_to, settle
from tests.e2e.views import SLOW_MS, VIEWS

PLACE = ROOT / "docs" / "pages"
HEIGHT = 1200
"""Of the window, in pixels: so high that the curves of a run are on it."""


def main() -> None:
    """Draws every view that has a name for the README, in a window of 1440 × `HEIGHT` pixels."""
    PLACE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        folder = Path(made)
        trained(folder / "runs" / "trained")
        with serving(folder) as (server, _):
            switch(server.checkpoints, folder / "runs")("trained")
            browser = playwright.chromium.launch(executable_path=chromium(playwright), args=FLAGS)
            page = browser.new_page()
            page.set_default_timeout(SLOW_MS)
            expect.set_options(timeout=SLOW_MS)
            for view in VIEWS:
                if view.readme:
                    go_to(page, view, server.url)
                    page.set_viewport_size({"width": 1440, "height": HEIGHT})
                    settle(page)
                    page.screenshot(path=PLACE / f"{view.readme}.png")
                    print(PLACE / f"{view.readme}.png")
            browser.close()


if __name__ == "__main__":
    sys.exit(main())
