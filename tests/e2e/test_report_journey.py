"""From a cell of the confusion matrix to its images, a contrast map, a flag, and a run without that image."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from cnnviz import runs
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import flags
from tests.e2e.conftest import Server
from tests.made_runs import give_model, make_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 300_000
SMALL = {"fit.epochs": 1, "data.limits": {"train": 60, "validation": 40, "test": 40}}


@pytest.fixture(scope="module")
def run(server: Server) -> runs.Run:
    """A run whose model has learned nothing, so that most of its predictions are wrong."""
    return give_model(make_run(replace(PRESETS["Q"], SMALL), runs=server.checkpoints))


def report(page: Page) -> None:
    page.get_by_role("tab", name="Report").click()


def test_from_a_cell_to_a_run_without_a_flagged_image(
    page: Page, visit: Callable[[str], None], server: Server, run: runs.Run
) -> None:
    visit(f"runs?run={run.id}")
    report(page)
    page.get_by_role("button", name="Evaluate on test images").click()
    table = page.get_by_role("table", name="Confusion matrix")
    expect(table).to_be_visible(timeout=PATIENCE_MS)

    wrong = table.locator("button:not([aria-pressed=true])").filter(has_not_text="·")
    true, said = re.match(r"true label (\d), predicted (\d): \d+", wrong.nth(1).get_attribute("aria-label")).groups()
    wrong.nth(1).click()
    expect(page.get_by_text(re.compile(rf"True label {true}, predicted {said}: \d+ of 40 images"))).to_be_visible()
    expect(table.locator("button[aria-pressed=true]")).to_have_attribute(
        "aria-label", re.compile(f"true label {true}, predicted {said}")
    )
    table.locator("button[aria-pressed=true]").press("ArrowDown")
    page.keyboard.press("Enter")
    below = min(9, int(true) + 1)
    expect(page.get_by_text(re.compile(rf"True label {below}, predicted {said}:"))).to_be_visible()

    expect(page).to_have_url(re.compile(rf"(?=.*show=report)(?=.*split=test)(?=.*cell={below}-{said})"))
    page.reload()
    expect(page.get_by_text(re.compile(rf"True label {below}, predicted {said}:"))).to_be_visible(timeout=PATIENCE_MS)

    page.get_by_text("Most confident mistakes", exact=True).click()
    mistakes = page.get_by_role("list", name="Most confident mistakes")
    first = mistakes.get_by_role("listitem").first
    href = first.get_by_role("link").get_attribute("href")
    assert "against=truth" in href
    first.get_by_role("button", name=re.compile("^wrong label")).click()
    expect(page.get_by_text("1 image flagged")).to_be_visible()
    expect(first.get_by_role("button", name=re.compile("^wrong label"))).to_have_attribute("aria-pressed", "true")
    (flag,) = flags.read(run.folder).values()
    assert flag == "wrong label"

    first.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Predict", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"against=truth"))
    expect(page.get_by_text(re.compile("✗ true label")).first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("img", name=re.compile(r"^Heat map over .* rather than")).first).to_be_visible(
        timeout=PATIENCE_MS
    )

    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    report(page)
    page.get_by_role("button", name="Train again without the flagged").click()
    expect(page.get_by_text("1 image left out")).to_be_visible(timeout=PATIENCE_MS)
    start = page.get_by_role("button", name=re.compile("Start training"))
    expect(start).to_be_enabled()
    start.click()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    newest = runs.listing(server.checkpoints)[0]
    assert newest.recipe.data.without == tuple(flags.read(run.folder))
    assert newest.recipe.name.endswith("· without 1")
