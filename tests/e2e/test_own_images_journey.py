"""From a folder of photos that is dropped on the page to a classifier of them, and what it looks at in another one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Server, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 300_000
EACH = 30


@pytest.fixture(scope="module")
def server(browser: Browser, data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An app that has the weights of a backbone, as one has that was asked for them once."""
    with serving(tmp_path_factory.mktemp("app"), KERAS_HOME=str(data_root / "keras")) as (running, _):
        yield running


@pytest.fixture
def photos(data_root: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A folder with a folder of photos for each of two classes, and a photo that isn't among them."""
    source = data_root / "cats_and_dogs"
    if not source.is_dir():
        pytest.skip("Needs the photos of cats and dogs in the folder that CNNVIZ_DATA names.")
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for path in sorted((source / "train" / f"{name}s").iterdir())[:EACH]:
            shutil.copy(path, tmp_path / "pets" / name)
    (tmp_path / "pets" / "cat" / "notes.txt").write_text("Three of them are of Tom.")
    return tmp_path / "pets", sorted((source / "validation" / "cats").iterdir())[0]


def drop(page: Page, path: Path) -> None:
    """Drags a file or folder of the computer over the place for it and lets go, as a hand does."""
    box = page.locator(".st-key-train_drop [data-testid=stFileUploaderDropzone]").bounding_box()
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    browser = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        dragged = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        browser.send("Input.dispatchDragEvent", {"type": kind, **at, "data": dragged})


def test_a_dropped_folder_becomes_a_classifier_that_shows_what_it_looks_at(
    page: Page, visit: Callable[..., None], settled: Callable[[], None], photos: tuple[Path, Path]
) -> None:
    folder, other = photos
    visit("train")
    page.get_by_role("button", name="Use my own images").click()
    name = page.get_by_label("Class", exact=True)
    name.fill("a bird")  # which the folders' own names go before
    settled()
    drop(page, folder)
    expect(page.get_by_label("Name of class 1")).to_have_value("cat", timeout=PATIENCE_MS)
    expect(page.get_by_label("Name of class 2")).to_have_value("dog")
    expect(page.get_by_alt_text("An image of dog")).to_have_count(8)
    expect(page.get_by_text("notes.txt")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Name of class 2")).to_have_value("dog", timeout=PATIENCE_MS)

    page.get_by_role("button", name=re.compile("Start training")).click()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    predict = page.get_by_role("button", name="Predict images").or_(page.get_by_role("link", name="Predict images"))
    expect(predict.first).to_be_enabled(timeout=PATIENCE_MS)
    predict.first.click()
    expect(page.get_by_role("heading", name="Predict", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_test_id("stFileUploaderDropzone").get_by_label("file upload").set_input_files(other)
    expect(page.get_by_text(re.compile(r"^Grad-CAM of (cat|dog) at "))).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_test_id("stException")).to_have_count(0)
