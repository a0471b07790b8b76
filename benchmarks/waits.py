"""How long a person waits for each thing that a click, a key or a file sets off, in Chromium.

    python -m benchmarks.waits [--turns 10] [--only NAME ...]

Each wait is timed in the page itself, from the pointer or key going down, or the file being chosen, until what was
asked for is drawn. Everything was asked for once before. Prints a JSON object: for each wait the median and the 95th
percentile in milliseconds; wanted are at most 200 and 500. Needs Chromium, see README.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.soak import serve
from cnnviz.augment.preview import image_bytes
from cnnviz.data.samples import sample, sample_names
from cnnviz.ui.inputs.image_source import SAMPLES

ROOTS = """
(() => {
  const attach = Element.prototype.attachShadow, roots = [];
  const told = () => window.changed?.();
  const observer = new MutationObserver(told);
  const add = root => {
    roots.push(root);
    observer.observe(root, {subtree: true, childList: true, attributes: true, characterData: true});
    root.addEventListener('load', told, true);
  };
  Element.prototype.attachShadow = function (how) {
    const root = attach.call(this, how);
    add(root);
    return root;
  };
  add(document);
  window.roots = () => roots.filter(root => root === document || root.host.isConnected);
})();
"""
"""Run before a page's own code: remembers the trees of components, which can't be asked for, and tells of changes, so
that nobody has to look in every frame, which takes a third of a processor's time."""
WATCH = """
([pattern, events, whole]) => {
  const stands = () => !whole || document.querySelector('[data-testid=stApp][data-test-script-state=notRunning]');
  const named = new RegExp(pattern);
  const seen = () => {
    const found = [];
    for (const root of window.roots()) {
      for (const one of root.querySelectorAll('[aria-label],[alt],h1,h2,h3')) {
        const name = one.getAttribute('aria-label') ?? one.alt ?? one.textContent;
        if (!name || !named.test(name) || !one.getClientRects().length) continue;
        if (one.tagName === 'IMG' && !(one.complete && one.naturalWidth)) continue;
        found.push(name + (one.src ?? ''));
      }
    }
    return found.join();
  };
  const before = seen();
  let began = 0;
  const begin = () => { began ||= performance.now(); };
  for (const event of events) addEventListener(event, begin, {capture: true, once: true});
  window.waited = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`Nothing that is called ${pattern} became another.`)), 60000);
    let asked = false;
    const look = () => {
      asked = false;
      const now = began ? seen() : before;
      if (!now || now === before || !stands()) return;
      window.changed = null;
      requestAnimationFrame(() => resolve(performance.now() - began));
    };
    window.changed = () => {
      if (!asked) requestAnimationFrame(look);
      asked = true;
    };
  });
}
"""
"""Resolves in the frame after the named things have become others; looks in components' own trees too."""
PATIENCE_MS = 180_000
LOOKS_MS = 1500
"""So long a person looks at what came before the next click."""
HEADINGS = {"Home": "cnnviz"}
"""Of pages that aren't called as they are linked."""


class Wait(NamedTuple):
    """What a person does in turn n, and what the pattern names, by its label, and becomes another so; `whole`: and the
    page's script has ended. The clock starts with the first of the events in `begins`."""

    name: str
    pattern: str
    act: Callable[[int], object]
    begins: tuple[str, ...] = ("pointerdown", "keydown", "change")
    whole: bool = False


def ready(page: Page) -> None:
    """Waits until the page's script has ended."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=PATIENCE_MS)


def press(page: Page, names: list[str], turn: int) -> None:
    page.get_by_role("button", name=names[turn % len(names)], exact=True).first.click()


def samples(page: Page, url: str) -> Iterator[Wait]:
    page.goto(f"{url}/predict?run=cats-and-dogs&sample={sample_names()[0]}")
    names = [name.title() for name in sample_names()[:SAMPLES]]
    yield Wait("sample image to overlay", "^Heat map over ", lambda turn: press(page, names[1:] + names[:1], turn))


def uploads(page: Page, url: str) -> Iterator[Wait]:
    page.goto(f"{url}/predict?run=cats-and-dogs&sample={sample_names()[0]}")
    field = page.get_by_test_id("stFileUploaderDropzone").get_by_label("file upload")

    def choose(turn: int) -> None:
        image = sample(sample_names()[turn % len(sample_names())])[: 200 + turn]
        field.set_input_files([{"name": f"photo{turn}.png", "mimeType": "image/png", "buffer": image_bytes(image)}])

    yield Wait("upload to prediction", "^Heat map over photo", choose)


def layers(page: Page, url: str) -> Iterator[Wait]:
    page.goto(f"{url}/inside?run=cats-and-dogs&sample={sample_names()[0]}&layer=conv2d_4")
    strip = page.get_by_role("toolbar", name="Layers of the model").get_by_role("button")
    strip.first.wait_for(timeout=PATIENCE_MS)
    yield Wait("layer to mosaic", r"^The .* of .*, for ", lambda turn: strip.nth(1 + turn % 8).click())


def channels(page: Page, url: str) -> Iterator[Wait]:
    page.goto(f"{url}/inside?run=cats-and-dogs&sample={sample_names()[0]}&layer=conv2d_1&channel=0")
    number = page.locator('input[aria-label^="Channel, 0 to "]')
    number.wait_for(timeout=PATIENCE_MS)
    yield Wait("channel to detail", r"^Channel \d+ of ", lambda _: number.press("ArrowUp"))


def draws(page: Page, url: str) -> Iterator[Wait]:
    page.goto(f"{url}/augment?policy=light&sample={sample_names()[0]}")
    slider = page.get_by_role("slider", name="Range of Rotation").first
    slider.wait_for(timeout=PATIENCE_MS)
    yield Wait("slider to nine draws", "^The image with: ", lambda _: slider.press("ArrowRight"))


def pages(page: Page, url: str) -> Iterator[Wait]:
    page.goto(url)
    for name in ("Train", "Runs", "Augment", "Inside", "Predict", "Learn", "Home"):
        link = page.get_by_role("link", name=name, exact=True).first

        heading = f"^{HEADINGS.get(name, name)}$"
        yield Wait(f"page change to {name}", heading, lambda _, link=link: link.click(), whole=True)


def strokes(page: Page, url: str) -> Iterator[Wait]:
    page.goto(f"{url}/predict?run=mnist")
    page.get_by_text("Draw", exact=True).click()
    pad = page.get_by_role("application").first
    pad.wait_for(timeout=PATIENCE_MS)
    box = pad.bounding_box()
    assert box is not None
    place = [(box["x"] + box["width"] * (0.3 + 0.04 * turn), box["y"] + box["height"] * 0.5) for turn in range(12)]
    page.mouse.move(*place[0])
    page.mouse.down()

    def move(turn: int) -> None:
        page.mouse.move(place[1 + turn % 10][0], place[0][1] + 30 * (turn % 2))

    yield Wait("pen to prediction", "^as the model sees it", move, begins=("pointermove",))
    page.mouse.up()


WAITS = {one.__name__: one for one in (samples, uploads, layers, channels, draws, strokes, pages)}


def timed(page: Page, wait: Wait, turn: int) -> float:
    """Milliseconds from what a person does until what was asked for is drawn."""
    page.evaluate(WATCH, [wait.pattern, list(wait.begins), wait.whole])
    wait.act(turn)
    found: float = page.evaluate("window.waited")
    return found


def main() -> int:
    """Starts the app, waits and tells how long."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--only", nargs="*", choices=WAITS, default=list(WAITS))
    given = parser.parse_args()
    browser = os.environ.get("CNNVIZ_BROWSER") or shutil.which("chromium")
    found: dict[str, list[float]] = {}
    with TemporaryDirectory() as place, sync_playwright() as playwright:
        url, server = serve(Path(place) / "server.log")
        try:
            chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
            page = chromium.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(PATIENCE_MS)
            page.add_init_script(ROOTS)
            for kind in given.only:
                for wait in WAITS[kind](page, url):
                    name = wait.name
                    ready(page)
                    for turn in range(given.turns + 1):
                        page.wait_for_timeout(LOOKS_MS)
                        ready(page)
                        if name.startswith("page change"):
                            away(page, name)
                        milliseconds = timed(page, wait, turn)
                        if turn:
                            found.setdefault(name, []).append(milliseconds)
                    print(f"{name:26} {statistics.median(found[name]):6.0f} ms", file=sys.stderr, flush=True)
        finally:
            server.terminate()
            server.wait()
    figures = {
        name: {
            "median_ms": round(statistics.median(times)),
            "p95_ms": round(sorted(times)[-(-95 * len(times) // 100) - 1]),
            "turns": len(times),
        }
        for name, times in found.items()
    }
    print(json.dumps(figures))
    return 0


def away(page: Page, name: str) -> None:
    """Goes to another page than the one that is to be opened."""
    other = "Learn" if name.endswith("Train") else "Train"
    page.get_by_role("link", name=other, exact=True).first.click()
    expect(page.get_by_role("heading", name=other, exact=True).first).to_be_visible(timeout=PATIENCE_MS)
    ready(page)


if __name__ == "__main__":
    sys.exit(main())
