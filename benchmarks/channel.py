"""Opening a channel on the Inside page, from the click on its tile until its large image stands, in a browser.

    python -m benchmarks.channel [--run cats-and-dogs] [--clicks 20]

The layer is on screen before. Prints a JSON object: seconds in the middle, at the 95th percentile and at most; wanted
are less than 0.2. Needs Chromium, see README.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.soak import serve

WATCH = """
name => {
  window.began = null;
  const found = root => root.querySelector(`[alt="${name}"]`)
    ?? [...root.querySelectorAll('*')].filter(one => one.shadowRoot).map(one => found(one.shadowRoot)).find(Boolean);
  window.opened = new Promise(resolve => {
    addEventListener('pointerdown', () => { window.began ??= performance.now(); }, {capture: true, once: true});
    const look = () => window.began && found(document)
      ? requestAnimationFrame(() => resolve(performance.now() - window.began)) : requestAnimationFrame(look);
    look();
  });
}
"""
"""Looks in components too, which draw in trees of their own."""


def main() -> int:
    """Starts the app, clicks and tells how long it took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", default="cats-and-dogs", help="a run in checkpoints/")
    parser.add_argument("--clicks", type=int, default=20)
    given = parser.parse_args()
    with TemporaryDirectory() as place, sync_playwright() as playwright:
        url, server = serve(Path(place) / "server.log")
        browser = os.environ.get("CNNVIZ_BROWSER") or shutil.which("chromium")
        try:
            chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
            page = chromium.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"{url}/inside?run={given.run}")
            seconds = sorted(opened(page, given.clicks))
        finally:
            server.terminate()
            server.wait()
    figures = {
        "clicks": len(seconds),
        "median_seconds": round(statistics.median(seconds), 3),
        "p95_seconds": round(seconds[int(0.95 * (len(seconds) - 1))], 3),
        "most_seconds": round(seconds[-1], 3),
    }
    print(json.dumps(figures))
    return 0


def opened(page: Page, clicks: int) -> list[float]:
    """The seconds of each click."""
    image = page.get_by_role("img", name=re.compile(r"^The \d+ channels of .*, for "))
    expect(image).to_be_visible(timeout=180_000)
    number = page.get_by_role("spinbutton", name=re.compile(r"^Channel, 0 to "))
    ready = page.locator("[data-testid=stApp][data-test-script-state=notRunning]")
    ready.wait_for()
    _, count, layer, title = re.match(
        r"(The) (\d+) channels of (.*), for (.*?)[,.;]?$", image.get_attribute("alt").splitlines()[0]
    ).groups()
    print(f"{count} channels of {layer}", file=sys.stderr)
    order, found = list(range(int(count))), []
    random.Random(0).shuffle(order)
    for channel in (order * clicks)[: clicks + 1]:
        if number.input_value() == str(channel):
            continue
        page.evaluate(WATCH, f"Channel {channel} of {layer}, for {title}")
        tile = page.evaluate(
            "([image, at]) => [image.clientWidth, image.clientHeight, at]", [image.element_handle(), channel]
        )
        columns = round((int(count) * tile[0] / tile[1]) ** 0.5)
        rows = -(-int(count) // columns)
        down, across = divmod(channel, columns)
        image.click(position={"x": tile[0] * (across + 0.5) / columns, "y": tile[1] * (down + 0.5) / rows})
        found.append(page.evaluate("window.opened") / 1000)
        ready.wait_for()
    return found


if __name__ == "__main__":
    sys.exit(main())
