"""From a folder with a leak and a wrong label to a training on mended data: found, decided, undone, kept, handed on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import Server, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 300_000
EACH = {"train": 24, "test": 8}


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An app whose data is one folder of red and blue noise: a test image is one of training, and a red one is called
    blue."""
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for split, count in EACH.items():
        for label, channel in (("blue", 2), ("red", 0)):
            place = folder / "paint" / split / label
            place.mkdir(parents=True)
            for n in range(count):
                pixels = rng.integers(0, 90, (48, 48, 3), np.uint8)
                pixels[..., channel] += 120
                Image.fromarray(pixels).save(place / f"{label}{n}.png")
    paint = folder / "paint"
    (paint / "test/red/red0.png").write_bytes((paint / "train/red/red0.png").read_bytes())
    (paint / "train/red/red9.png").rename(paint / "train/blue/wrong.png")
    cache = str(tmp_path_factory.mktemp("cache"))  # another time's review is of the same name
    with serving(tmp_path_factory.mktemp("app"), CNNVIZ_DATA=str(folder), CNNVIZ_CACHE=cache) as (running, _):
        yield running


def bar(page: Page) -> Locator:
    return page.locator(".st-key-data_bar")


def test_what_is_wrong_is_found_decided_on_and_left_out_of_the_next_training(
    page: Page, visit: Callable[..., None], settled: Callable[[], None], tmp_path: Path
) -> None:
    visit("data?data=paint")
    expect(page.get_by_text("1 test image is in the training data")).to_be_visible(timeout=PATIENCE_MS)
    settled()
    expect(page.get_by_role("radio", name="Leaks 1", exact=True)).to_be_checked()
    expect(page.get_by_role("img", name="red, train/red/red0.png")).to_be_visible()
    page.get_by_role("button", name="Keep one of each, leave out 1").click()
    expect(bar(page)).to_contain_text("1 left out")
    expect(page.get_by_role("button", name="leave out: red, train/red/red0.png")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.get_by_role("button", name="Undo").click()
    expect(bar(page)).to_contain_text("Nothing decided yet")
    page.get_by_role("button", name="Keep one of each, leave out 1").click()
    expect(bar(page)).to_contain_text("1 left out")

    page.get_by_role("radio", name="Wrong labels").click()
    settled()
    wrong = page.get_by_role("button", name="relabel: blue, rather red").first
    wrong.focus()
    page.keyboard.press("Enter")
    expect(bar(page)).to_contain_text("1 relabelled")

    canvas = page.get_by_role("application", name="Map of")
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    for x, y in ((0.99, 0.01), (0.99, 0.99), (0.01, 0.99)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
    page.mouse.up()
    expect(page.get_by_text("64 images chosen on the map.")).to_be_visible()

    page.reload()
    settled()
    expect(bar(page)).to_contain_text("1 left out · 1 relabelled")
    page.get_by_role("button", name="File").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON").click()
    download.value.save_as(tmp_path / "review.json")
    review = json.loads((tmp_path / "review.json").read_text())
    assert review["decisions"] == {
        "train/red/red0.png": {"leave_out": True},
        "train/blue/wrong.png": {"labels": {"label": "red"}},
    }
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Train again on the mended data").click()
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()
    expect(page.get_by_text("1 image left out")).to_be_visible()
    expect(page.get_by_text("1 image relabelled")).to_be_visible()
