"""Through a model: layers by mouse and by keys, a channel by a click, its values, and the same by its address."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from cnnviz.data.samples import sample
from cnnviz.explain.inspection.activations import activations
from cnnviz.models.load.load import load_run
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run
from tests.made_runs import give_model, make_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 300_000
LAYERS = [
    {"type": "Conv2D", "filters": 6, "padding": "same"},
    {"type": "MaxPool", "pool_size": 4},
    {"type": "Conv2D", "filters": 8},
    {"type": "GAP"},
]


@pytest.fixture(scope="module")
def shapes(server) -> Run:
    """A small model of two heads."""
    recipe = replace(PRESETS["S"], {"data.image_size": [32, 32], "network.layers": LAYERS})
    return give_model(make_run(recipe, runs=server.checkpoints))


def strip(page: Page) -> Locator:
    return page.get_by_role("toolbar", name="Layers of the model").get_by_role("button")


def mosaic(page: Page, layer: str) -> Locator:
    return page.get_by_role("img", name=re.compile(rf"^The (\d+ channels|\d+ values|only \w+) of {layer}, for "))


def channel(page: Page) -> Locator:
    return page.get_by_role("spinbutton", name=re.compile(r"^(Channel|Unit), 0 to "))


def values_of(run: Run, layer: str) -> np.ndarray:
    classifier = load_run(run)
    return activations(classifier, classifier.pixels(classifier.fit(sample("chelsea"))[None]), [layer])[layer]


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_layers_are_walked_and_a_channel_is_opened(
    page: Page, shapes: Run, visit: Callable[[str], None], settled: Callable[[], None], size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    visit(f"inside?run={shapes.id}&sample=chelsea")
    expect(mosaic(page, "conv2d")).to_be_visible(timeout=PATIENCE_MS)
    expect(strip(page)).to_have_count(7)
    expect(strip(page).nth(1)).to_have_attribute("aria-pressed", "true")

    strip(page).nth(3).click()
    expect(mosaic(page, "conv2d_1")).to_be_visible()
    settled()
    expect(page).to_have_url(re.compile("layer=conv2d_1&"))
    strip(page).nth(3).press("ArrowRight")
    page.keyboard.press("Enter")
    expect(mosaic(page, "global_average_pooling2d")).to_be_visible()
    settled()
    strip(page).nth(4).press("ArrowLeft")
    page.keyboard.press("Space")
    expect(mosaic(page, "conv2d_1")).to_be_visible()
    settled()

    values = values_of(shapes, "conv2d_1")
    lively = [int(one) for one in np.argsort(-values.std(axis=(0, 1)))]
    chosen = next(one for one in lively if str(one) != channel(page).input_value())
    plane = values[..., chosen]
    image = mosaic(page, "conv2d_1")
    box, tile = image.bounding_box(), divmod(chosen, 4)
    image.click(position={"x": box["width"] * (tile[1] + 0.5) / 4, "y": box["height"] * (tile[0] + 0.5) / 2})
    expect(channel(page)).to_have_value(str(chosen))
    expect(page).to_have_url(re.compile(f"channel={chosen}"))
    large = page.get_by_role("img", name=f"Channel {chosen} of conv2d_1, for Chelsea")
    expect(large).to_be_visible()
    settled()
    large.scroll_into_view_if_needed()
    box = large.bounding_box()
    row, column = (int(one) for one in np.argwhere(plane[:-1] > 0)[0])
    page.mouse.move(
        box["x"] + box["width"] * (column + 0.5) / plane.shape[1],
        box["y"] + box["height"] * (row + 0.5) / plane.shape[0],
    )
    words = page.get_by_role("status").filter(has_text=f"row {row}, column {column}: ")
    expect(words).to_be_visible()
    assert float(re.search(r": ([-+.e\d]+)", words.inner_text()).group(1)) == pytest.approx(
        float(plane[row, column]), rel=2e-3
    )
    large.locator("xpath=..").press("ArrowDown")
    expect(page.get_by_role("status").filter(has_text=f"row {row + 1}, column {column}: ")).to_be_visible()

    wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= size[0]
    with page.expect_download() as started:
        page.get_by_role("button", name="Values", exact=True).click()
    np.testing.assert_allclose(np.load(io.BytesIO(started.value.path().read_bytes())), values, rtol=1e-4, atol=1e-5)

    page.reload()
    expect(page.get_by_role("img", name=f"Channel {chosen} of conv2d_1, for Chelsea")).to_be_visible(
        timeout=PATIENCE_MS
    )
