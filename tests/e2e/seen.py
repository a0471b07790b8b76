"""What reaches the eye: a page is looked at as a person would see it, and each thing that can't be seen is a sentence.

`seen.js` walks the page: boxes, marks, colours, cut texts, what lies on each other. axe-core looks for what people with
other senses miss.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.e2e.views import SCROLLS, View

__all__ = ["LOOKS", "SIZES", "Console", "accessibility", "appearance", "go_to", "look_at", "photograph", "settle"]

SIZES = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
LOOKS = (("wide", "light"), ("wide", "dark"), ("phone", "dark"), ("phone", "light"))
"""Sizes and themes in an order in which one of both changes at a time, as each change takes its time."""
ACCESSIBLE = {("wide", "light"), ("phone", "dark")}
"""Both sizes and both themes once: what axe-core takes for each look is a third of the time that a view takes."""
_LOOK = (Path(__file__).parent / "seen.js").read_text(encoding="utf-8")
_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
_PATIENCE_SECONDS = 20.0
_UNROLL = """(unrolled) => {
  document.getElementById("unrolled")?.remove();
  if (unrolled) document.head.insertAdjacentHTML("beforeend", `<style id="unrolled">
    html, body, #root, #root > div, [data-testid="stApp"], [data-testid="stAppViewContainer"], [data-testid="stMain"] {
      position: relative !important; height: auto !important; overflow: visible !important;
    }
    [data-testid="stBottom"] { position: static !important; }
  </style>`);
  window.dispatchEvent(new Event("resize"));  // so that what is open finds its place anew
}"""
"""The page scrolls within a box; for an image of all of it, the box becomes as high as what is in it."""
_CENTRE = """() => {
  const open = [...document.querySelectorAll('[data-testid="stPopoverButton"][aria-expanded="true"]')].find(
    (one) => one.getClientRects().length);
  open?.scrollIntoView({block: "center"});
  if (open) window.dispatchEvent(new Event("resize"));
}"""
"""A popover finds its place when it opens, with room below or above: here the window has become another since."""
_QUIET = 3
"""So many looks in a row, a tenth of a second apart, must find the page the same."""
_STATE = """() => {
  const app = document.querySelector('[data-testid="stApp"]'), main = document.querySelector('[data-testid="stMain"]');
  const running = !app || app.dataset.testScriptState !== "notRunning" || document.querySelector(
    '[data-testid="stSpinner"], [data-testid="stSkeleton"], [data-stale="true"], [data-testid="stAppSkeleton"]');
  const loading = [...document.images].some((image) => !image.complete && image.loading !== "lazy");
  return running || loading ? "" : [main.scrollHeight, main.querySelectorAll("*").length,
    document.querySelectorAll(".js-plotly-plot .plot path").length].join(" ");
}"""

STREAMLITS_REQUESTS = ("/_stcore/health", "/_stcore/host-config")
"""A page opened by its own address first looks for its server under that address, is told 404 and then looks at the
root: the browser logs both."""
STREAMLITS_AXE = {
    "color-contrast": ('class="token ',)  # the colours of code, for which no setting exists
}
"""By axe's rule, parts of the HTML of what Streamlit itself draws so."""


class Console:
    """What a page said on its console, failed to fetch or threw, since it was last asked."""

    def __init__(self, page: Page) -> None:
        self._said: list[str] = []
        page.on("console", lambda message: self._hear(message.type, message.text, message.location.get("url", "")))
        page.on("pageerror", lambda error: self._said.append(f"threw: {error}"))
        page.on("requestfailed", lambda request: self._miss(request.url, str(request.failure)))

    def _hear(self, kind: str, text: str, url: str) -> None:
        if kind in ("error", "warning") and not url.endswith(STREAMLITS_REQUESTS):
            self._said.append(f"console {kind}: {text} {url}")

    def _miss(self, url: str, why: str) -> None:
        if "net::ERR_ABORTED" not in why:  # an image that was replaced while it was fetched
            self._said.append(f"request failed: {url} {why}")

    def said(self) -> list[str]:
        """Returns what came since the last call."""
        said, self._said = self._said, []
        return said


def settle(page: Page, *, live: bool = False) -> None:
    """Waits until the page's script has ended, its images are there and nothing on it moves any more.

    Args:
        page: that is waited for.
        live: whether it is drawn anew all the time; then it is enough that nothing is missing.
    """
    until, same, before = time.monotonic() + _PATIENCE_SECONDS, 0, ""
    while time.monotonic() < until:
        now = page.evaluate(_STATE)
        same = same + 1 if now and (now == before or live) else 0
        if same >= _QUIET:
            return
        before = now
        page.wait_for_timeout(100)


def appearance(page: Page, shows: Mapping[str, int], words: Sequence[str], **options: Any) -> list[str]:
    """Returns what is wrong with what the page shows; asks again for a while, as a page may still be drawn.

    Args:
        page: that has settled.
        shows: how many things of each kind must be seen: chart, image, drawing, table, component.
        words: texts, each of which must be seen.
        options: `scrolls` and `plain`, see `seen.js`.
    """
    until = time.monotonic() + 6
    while True:
        found = page.evaluate(_LOOK, {"scrolls": [], "plain": "", **options})
        faults = list(found["faults"])
        for kind in sorted({*shows, *found["counts"]}):
            wanted, there = shows.get(kind, 0), found["counts"].get(kind, 0)
            if wanted != there:
                faults.append(f"{there} of kind {kind} where {wanted} must be")
        faults += [f"“{text}” isn't to be seen" for text in words if text not in found["text"]]
        if not faults or time.monotonic() > until:
            return faults
        page.wait_for_timeout(250)


def accessibility(page: Page) -> list[str]:
    """Returns what axe-core finds wrong by WCAG 2.2, levels A and AA, and in the order of headings, a sentence for each
    place.

    Args:
        page: that has settled.
    """
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(AXE_SCRIPT)
    options = {
        "runOnly": {"type": "tag", "values": _WCAG},
        "rules": {"heading-order": {"enabled": True}},
        "resultTypes": ["violations"],
    }
    found = page.evaluate("(options) => axe.run(options)", options)
    return [
        f"axe {violation['id']}: {node['html'][:160]} {node['failureSummary'].splitlines()[-1].strip()[:160]}"
        for violation in found["violations"]
        for node in violation["nodes"]
        if not any(part in node["html"] for part in STREAMLITS_AXE.get(violation["id"], ()))
    ]


def go_to(page: Page, view: View, url: str) -> None:
    """Goes to a view as a person does, in a wide window of the light theme."""
    page.goto("about:blank")  # else what is left would be drawn once more in this size and theme
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(SIZES["wide"])
    page.goto(f"{url}/{view.address}")
    settle(page, live=view.live)
    for step in view.steps:
        step(page)
        settle(page, live=view.live)
    page.mouse.move(0, 0)  # so that nothing is drawn as pointed at


def look_at(
    page: Page, console: Console, view: View, url: str, screenshots: Path, *, looks: Sequence[tuple[str, str]] = LOOKS
) -> list[str]:
    """Goes to a view as a person does and returns what can't be seen of it, at each size and in each theme.

    Args:
        page: of a browser.
        console: of the page.
        view: of the table.
        url: of the app.
        screenshots: a folder for an image of each size and theme, the whole page high.
        looks: pairs of a size and a theme, of `LOOKS`.
    """
    screenshots.mkdir(exist_ok=True)
    go_to(page, view, url)
    faults: list[str] = []
    for size, theme in looks:
        page.set_viewport_size(SIZES[size])
        page.emulate_media(color_scheme=theme)
        page.evaluate(_CENTRE)
        settle(page, live=view.live)
        shows = {**view.shows, **(view.phone if size == "phone" else {})}
        found = appearance(page, shows, view.words, scrolls=[*SCROLLS, *view.scrolls], plain=view.plain)
        if (size, theme) in ACCESSIBLE:
            found += accessibility(page)
        photograph(page, screenshots / f"{view.name}-{size}-{theme}.png")
        faults += [f"{size}, {theme}: {fault}" for fault in [*found, *console.said()]]
    return faults


def photograph(page: Page, path: Path) -> None:
    """Takes an image of all of the page, as wide as its window."""
    page.evaluate(_UNROLL, True)
    page.wait_for_timeout(200)  # what fits its size to the room there is does so
    page.screenshot(path=path, full_page=True)
    page.evaluate(_UNROLL, False)
