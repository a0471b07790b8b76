"""Inside by clicks: a position is taken apart, a kernel is opened, two images stand side by side."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from cnnviz.data.samples import sample
from cnnviz.explain.inspection.activations import activations
from cnnviz.figures.output_breakdown import signed_number
from cnnviz.models.load.load import load_run
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run
from tests.e2e.seen import settle
from tests.made_runs import give_model, make_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 300_000
LAYERS = [
    {"type": "Conv2D", "filters": 6, "padding": "same"},
    {"type": "MaxPool", "pool_size": 4},
    {"type": "Conv2D", "filters": 8},
    {"type": "GAP"},
]


@pytest.fixture
def settled(page: Page, settled: Callable[[], None]) -> Callable[[], None]:
    """Waits until images are where they stay, too, as they are clicked at a place."""

    def wait() -> None:
        settled()
        settle(page)

    return wait


@pytest.fixture(scope="module")
def shapes(server) -> Run:
    recipe = replace(PRESETS["S"], {"data.image_size": [32, 32], "network.layers": LAYERS})
    return give_model(make_run(recipe, runs=server.checkpoints))


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_a_number_is_taken_apart_where_it_is_clicked(
    page: Page, shapes: Run, visit: Callable[[str], None], settled: Callable[[], None], size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    classifier = load_run(shapes)
    values = activations(classifier, classifier.pixels(classifier.fit(sample("chelsea"))[None]), ["conv2d_1"])[
        "conv2d_1"
    ]
    lively = int(values.std(axis=(0, 1)).argmax())
    visit(f"inside?run={shapes.id}&sample=chelsea&layer=conv2d_1&channel={lively}&view=numbers")
    image = page.get_by_role("img", name=re.compile(f"^Channel {lively} of conv2d_1; bright is strong"))
    expect(image).to_be_visible(timeout=PATIENCE_MS)
    settled()
    row, column = (int(one) for one in np.argwhere(values[..., lively] > 0)[-1])
    box = image.bounding_box()
    rows, columns = values.shape[:2]
    image.click(position={"x": box["width"] * (column + 0.5) / columns, "y": box["height"] * (row + 0.5) / rows})
    expect(page.get_by_text(f"How {signed_number(values[row, column, lively], 5)} comes about")).to_be_visible()
    expect(page.get_by_role("spinbutton", name="Row")).to_have_value(str(row))
    expect(page.get_by_role("spinbutton", name="Column")).to_have_value(str(column))
    expect(page.get_by_role("table", name="Kernel")).to_be_visible()
    settled()

    page.get_by_role("radiogroup", name="View").get_by_role("radio", name="Kernels", exact=True).click()
    mosaic = page.get_by_role("img", name=re.compile("^Kernels of conv2d_1"))
    expect(mosaic).to_be_visible()
    settled()
    box, other = mosaic.bounding_box(), 5 if lively != 5 else 6
    mosaic.click(position={"x": box["width"] * 0.1, "y": box["height"] * (other + 0.5) / 8})
    expect(page.get_by_text(f"Filter {other}", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(f"channel={other}"))
    settled()

    visit(f"inside?run={shapes.id}&sample=chelsea&layer=conv2d_1&view=beside")
    expect(page.get_by_text("Two models", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    right = page.get_by_role("img", name=re.compile("^The 8 channels of conv2d_1: Astronaut"))
    expect(right).to_be_visible(timeout=PATIENCE_MS)
    settled()
    right.click(position={"x": 5, "y": 5})
    expect(page.get_by_role("img", name=re.compile(r"^Channel \d of conv2d_1: Astronaut"))).to_be_visible()
    settled()
    wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= size[0]
