"""From a map to how far it can be trusted: opened, stopped, measured on the test split, saved."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run
from tests.e2e.drawn import expect_drawn
from tests.made_runs import give_model, make_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 300_000


@pytest.fixture(scope="module")
def shapes(server) -> Run:
    """A small model of shapes, whose objects' places are known."""
    layers = [{"type": "Conv2D", "filters": 4, "padding": "same"}, {"type": "MaxPool", "pool_size": 4}, {"type": "GAP"}]
    recipe = replace(PRESETS["S"], {"data.image_size": [32, 32], "network.layers": layers})
    return give_model(make_run(recipe, runs=server.checkpoints))


def charts(page: Page) -> Locator:
    return page.locator(".js-plotly-plot")


def open_panel(page: Page, settled: Callable[[], None]) -> None:
    """Opens the panel by a key: images above it that arrive late may move it from under a mouse."""
    button = page.get_by_role("radio", name="Trust")
    expect(button).to_be_visible(timeout=PATIENCE_MS)
    settled()
    button.press("Enter")
    expect(page.get_by_role("heading", name="How far can this map be trusted?")).to_be_visible()


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_a_map_is_measured_when_the_panel_is_opened(
    page: Page, shapes: Run, visit: Callable[[str], None], settled: Callable[[], None], size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    visit(f"predict?run={shapes.id}&item=3&method=gradient")
    expect(charts(page)).to_have_count(0)
    open_panel(page, settled)
    expect_drawn(charts(page), 3, PATIENCE_MS)
    expect(page.get_by_text(re.compile(r"fall clearly faster than with \d+ of 10 random maps"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"rank correlation .*\d\.\d\d")).first).to_be_visible()
    for chart in charts(page).all():
        box = chart.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0] + 1


def test_objects_are_measured_and_all_figures_saved(
    page: Page, shapes: Run, visit: Callable[[str], None], settled: Callable[[], None]
) -> None:
    visit(f"predict?run={shapes.id}&item=3&method=gradient")
    open_panel(page, settled)
    expect_drawn(charts(page), 3, PATIENCE_MS)
    page.get_by_role("button", name="Measure on the test split").click()
    expect_drawn(charts(page), 4, PATIENCE_MS)
    expect(page.get_by_text(re.compile(r"a random position hits it in \d+%"))).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("button", name="All metrics").click()
    told = json.loads(started.value.path().read_text())
    assert [row["map"] for row in told["curves"]][:2] == ["Gradient", "Grad-CAM"]
    assert {row["method"] for row in told["objects"]} >= {"gradient", "grad-cam"}
    assert {row["images"] for row in told["objects"]} == {500}
