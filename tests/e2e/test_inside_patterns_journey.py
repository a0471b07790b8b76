"""What a layer's filters look for, made on the page, stopped and gone on with; and what excites a channel."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from cnnviz.explain.feature_visualization.patterns import Settings
from cnnviz.explain.feature_visualization.patterns_of_run import cached_visualizations
from cnnviz.explain.inspection.top_activations_of_run import cached_top_activations as kept_excited
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run
from tests.made_runs import give_model, make_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 300_000
LAYERS = [
    {"type": "Conv2D", "filters": 32, "padding": "same"},
    {"type": "Conv2D", "filters": 4, "strides": 2, "padding": "same"},
    {"type": "GAP"},
]
SETTINGS = Settings("plain", 400, 1.0, 64)


@pytest.fixture(scope="module")
def run(server) -> Run:
    """A small run of shapes."""
    recipe = replace(PRESETS["S"], {"data.image_size": [32, 32], "network.layers": LAYERS})
    return give_model(make_run(recipe, runs=server.checkpoints))


def fits(page: Page) -> bool:
    """Whether nothing is cut off at the right."""
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_patterns_are_made_stopped_and_gone_on_with(
    page: Page, visit: Callable[[str], None], settled: Callable[[], None], run: Run
) -> None:
    visit(f"inside?run={run.id}&sample=chelsea&layer=conv2d&view=patterns")
    make = page.get_by_role("button", name="Make 32 patterns")
    expect(make).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("radio", name="Raw gradient").click()
    expect(page.get_by_text("is changed 40 times")).to_be_visible()
    settled()  # until then the other mode's steps stand beside
    steps = page.get_by_role("spinbutton", name="Steps")
    steps.fill("400")
    steps.press("Enter")
    expect(page.get_by_text("is changed 400 times")).to_be_visible()
    make.click()
    grid = page.get_by_role("img", name="Feature visualizations of conv2d, channels 0 to 31")
    going = page.locator("[title^='Channel 0: '][title*='400 steps']")
    expect(grid.locator("[title^='Channel 8: '][title$=' of 400 steps']")).not_to_have_attribute(
        "title", re.compile(": 0 of"), timeout=PATIENCE_MS
    )
    expect(going).to_have_count(0)  # the first eight are whole while the next are under way
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).last.click()
    expect(page.get_by_text("Stopped. What was whole by then stays")).to_be_visible(timeout=PATIENCE_MS)
    there = cached_visualizations(run, "conv2d", range(32), SETTINGS)
    assert there is not None
    assert 8 <= len(there.filters) < 32
    steps.fill("3")
    steps.press("Enter")
    expect(page.get_by_text("Stopped.")).to_have_count(0)
    page.get_by_role("button", name="Make 32 patterns").click()
    expect(page.get_by_text("channels 0 to 31 in rows, 3 steps of 1")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("are whole.")).to_have_count(0, timeout=PATIENCE_MS)
    with page.expect_download() as started:
        page.get_by_role("button", name="Grid", exact=True).click()
    image = np.asarray(Image.open(io.BytesIO(started.value.path().read_bytes())))
    assert image.shape == (4 * 69 - 5, 8 * 69 - 5, 3)
    made = cached_visualizations(run, "conv2d", range(32), Settings("plain", 3, 1.0, 64))
    np.testing.assert_array_equal(image[69:133, 69:133], made.images[9])
    box = grid.bounding_box()
    grid.click(position={"x": box["width"] * 2.5 / 8, "y": box["height"] * 1.5 / 4})
    expect(page.get_by_role("spinbutton", name="Channel")).to_have_value("10")
    expect(page).to_have_url(re.compile("channel=10"))
    expect(page.get_by_role("img", name="Feature visualization of channel 10")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(grid).to_be_visible()
    assert fits(page)


def test_what_excites_a_channel_and_what_is_lost_without_it(page: Page, visit: Callable[[str], None], run: Run) -> None:
    visit(f"inside?run={run.id}&sample=chelsea&layer=conv2d_1&channel=2&view=excites")
    page.get_by_role("button", name="Look through the held-out images").click(timeout=PATIENCE_MS)
    expect(page.get_by_text("Strongest positions")).to_be_visible(timeout=PATIENCE_MS)
    known = kept_excited(run, "conv2d_1")
    expect(page.locator("img[alt^='The part: ']")).to_have_count(12)
    expect(page.get_by_text(f"shape: Selectivity {known.selectivity('shape')[2]:.2f}")).to_be_visible()
    channel = page.get_by_role("spinbutton", name="Channel")
    channel.fill("3")
    channel.press("Enter")
    expect(page.get_by_text(f"shape: Selectivity {known.selectivity('shape')[3]:.2f}")).to_be_visible()
    expect(page).to_have_url(re.compile("channel=3"))
    page.get_by_role("button", name="Ablate and predict again").click()
    expect(page.get_by_role("group", name="Accuracy for colour with and without the channel")).to_be_visible(
        timeout=PATIENCE_MS
    )
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_text("Strongest images")).to_be_visible()
    assert fits(page)
