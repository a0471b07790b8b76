"""From an image on disk to a prediction, a map and a saved overlay; and a model with two heads."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Download, Locator, Page, expect

from cnnviz.data.samples import sample
from cnnviz.data.shapes import COLOURS
from cnnviz.presets import PRESETS
from cnnviz.runs import Run
from tests.made_runs import give_model, make_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 300_000
SIZES = [(1440, 900), (390, 844)]


@pytest.fixture(scope="module")
def shapes(server) -> Run:
    """A run with two heads; the newest."""
    return give_model(make_run(PRESETS["S"], created=1_700_000_100.0, runs=server.checkpoints))


@pytest.fixture(scope="module")
def digits(server) -> Run:
    """A run with one head, of grey images."""
    return give_model(make_run(PRESETS["Q"], runs=server.checkpoints))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A real image, as a JPEG on disk."""
    path = tmp_path / "holiday.jpg"
    Image.fromarray(sample("chelsea")).save(path, quality=95)
    return path


def overlay(page: Page, name: str) -> Locator:
    return page.get_by_role("img", name=re.compile(rf"^Heat map over {name}: where evidence for "))


def explained(page: Page, name: str) -> str:
    """The class whose evidence is shown."""
    return overlay(page, name).get_attribute("aria-label").partition("evidence for ")[2].removesuffix(" is")


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=re.compile(rf"\b{label}$")).click()
    page.get_by_role("option", name=option, exact=True).click()


def save(page: Page, name: str) -> Download:
    with page.expect_download() as started:
        page.get_by_role("button", name=name, exact=True).click()
    return started.value


def opened(download: Download) -> np.ndarray:
    return np.asarray(Image.open(download.path()).convert("RGB"), np.int16)


def pixels(locator: Locator) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("RGB"), np.int16)


def difference(seen: np.ndarray, saved: np.ndarray) -> float:
    """How far a screenshot is from a saved image, in levels; without the rim, whose corners are round."""
    resized = np.asarray(Image.fromarray(saved.astype(np.uint8)).resize(seen.shape[1::-1]), np.int16)
    return float(np.abs(seen - resized)[12:-12, 12:-12].mean())


def test_an_image_from_disk_is_answered_explained_and_saved(
    page: Page, visit: Callable[..., None], settled: Callable[[], None], digits: Run, image: Path
) -> None:
    visit(f"predict?run={digits.id}")
    expect(page.get_by_role("heading", name="Predict", exact=True)).to_be_visible()
    expect(overlay(page, "Chelsea")).to_be_visible(timeout=PATIENCE_MS)

    page.get_by_test_id("stFileUploaderDropzone").get_by_label("file upload").set_input_files(image)
    expect(overlay(page, "holiday.jpg")).to_be_visible(timeout=PATIENCE_MS)
    settled()
    expect(page.get_by_text(re.compile(r"^\d \d+ %$")).first).to_be_visible()
    answered = explained(page, "holiday.jpg")

    slider = page.get_by_role("slider", name="Opacity of the map")
    slider.focus()
    slider.press("End")
    expect(slider).to_have_value("100")
    settled()
    strong = opened(save(page, "Overlay"))
    assert strong.shape == (*sample("chelsea").shape[:2], 3)
    slider.focus()
    slider.press("Home")
    expect(slider).to_have_value("0")
    settled()
    bare = opened(save(page, "Overlay"))
    assert np.abs(bare - sample("chelsea")).mean() < 4  # JPEG's loss
    for value in range(5, 55, 5):
        slider.press("ArrowRight")
        expect(slider).to_have_value(str(value))
    settled()
    half = opened(save(page, "Overlay"))
    np.testing.assert_allclose(half, (strong + bare) / 2, atol=1)

    seen = pixels(overlay(page, "holiday.jpg"))
    far, near = [difference(seen, image) for image in (bare, strong)], difference(seen, half)
    assert near < min(far) / 3, "the saved overlay is not what is shown"

    other = str((int(answered) + 1) % 10)
    choose(page, "Class", other)
    expect(page.get_by_role("img", name=f"Heat map over holiday.jpg: where evidence for {other} is")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"[?&]class={other}(&|$)"))
    settled()
    values = np.load(save(page, "Map").path())
    assert values.dtype == np.float32
    assert values.ndim == 2
    assert values.min() >= 0
    (record,) = json.loads(Path(save(page, "Predictions (JSON)").path()).read_text())
    assert record["photo"] == "holiday.jpg"
    (record,) = record["heads"]
    assert record["target"] == other
    assert record["class"] == answered
    assert record["strength"] == pytest.approx(float(values.max()))


def test_two_questions_side_by_side_and_a_link_to_them(
    page: Page, visit: Callable[..., None], settled: Callable[[], None], shapes: Run
) -> None:
    visit(f"predict?run={shapes.id}&item=17")
    colours = "|".join(COLOURS)
    maps = page.get_by_role("img", name=re.compile("^Heat map over Test 17"))
    expect(maps).to_be_visible(timeout=PATIENCE_MS)
    for head in ("shape", "colour"):
        expect(page.get_by_text(head, exact=True).first).to_be_visible()
    expect(page.get_by_text(re.compile("true label")).first).to_be_visible()
    choose(page, "Head", "colour")
    expect(page).to_have_url(re.compile("head=colour"))
    expect(page.get_by_text(re.compile(rf"^Grad-CAM of ({colours}) at "))).to_be_visible(timeout=PATIENCE_MS)
    settled()
    choose(page, "Class", "green")
    expect(page.get_by_role("img", name=re.compile("evidence for green is$"))).to_be_visible()
    choose(page, "Layer", "conv2d_1")
    expect(page.get_by_text(re.compile(r"^Grad-CAM of green at conv2d_1\."))).to_be_visible(timeout=PATIENCE_MS)
    settled()
    link = page.url.partition("/predict")[2]

    page.get_by_role("radio", name="Every layer").click()
    count = sum(layer.type == "Conv2D" for layer in shapes.recipe.network.layers)
    expect(page.get_by_role("img", name=re.compile("^Heat map at conv2d"))).to_have_count(count, timeout=PATIENCE_MS)
    page.get_by_text("Add to these", exact=True).click()
    settled()
    page.get_by_role("button", name="Chelsea").click()
    expect(overlay(page, "Chelsea")).to_be_visible(timeout=PATIENCE_MS)
    expect(maps).to_be_visible()
    settled()

    page.get_by_test_id("stTopNavLink").filter(has_text="Runs").click()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    page.get_by_test_id("stTopNavLink").filter(has_text="Predict").click()
    expect(overlay(page, "Chelsea")).to_be_visible(timeout=PATIENCE_MS)
    expect(maps).to_be_visible()

    visit(f"predict{link}")
    expect(page.get_by_text(re.compile(r"^Grad-CAM of green at conv2d_1\."))).to_be_visible(timeout=PATIENCE_MS)
    expect(overlay(page, "Chelsea")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_window(
    page: Page, visit: Callable[..., None], settled: Callable[[], None], shapes: Run, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for images in ("chelsea", "chelsea,coffee,rocket"):
        visit(f"predict?run={shapes.id}&sample={images}")
        expect(overlay(page, "Chelsea")).to_be_visible(timeout=PATIENCE_MS)
        settled()
        wide = page.evaluate(
            "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
            ".map(part => part.scrollWidth - part.clientWidth)"
        )
        assert max(wide) <= 0
