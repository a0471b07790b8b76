"""From opening the app to a run that is watched, found again under its address, and stopped."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.drawn import expect_to_grow

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 300_000
CHART = "[class*=st-key-runs_steady_] .js-plotly-plot"


def start_long_run(page: Page, visit: Callable[..., None]) -> None:
    """Starts the small model on digits with more epochs than anybody waits for; the Runs page follows."""
    visit("train")
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()
    epochs = page.get_by_label("Epochs", exact=True)
    epochs.fill("5000")
    epochs.press("Enter")
    start = page.get_by_role("button", name=re.compile("Start training"))
    expect(start).to_be_enabled()
    start.click()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible(timeout=PATIENCE_MS)


def see_it_move(page: Page) -> None:
    """The curve that is drawn gets further epochs, twice, while nobody touches the page."""
    expect(page.get_by_text(re.compile(r"Epoch \d+ of 5000"))).to_be_visible(timeout=PATIENCE_MS)
    for _ in range(2):
        expect_to_grow(page, CHART, "Training", PATIENCE_MS)


def zoom_in(page: Page) -> None:
    """What a person drags a box around stays in sight when the chart is drawn anew, twice."""
    area = page.locator(CHART.split()[0]).first.bounding_box()  # which stays, while charts come and go
    left, top = area["x"] + 0.2 * area["width"], area["y"] + 0.15 * area["height"]
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + 0.2 * area["width"], top + 0.05 * area["height"], steps=4)
    page.mouse.move(left + 0.4 * area["width"], top + 0.1 * area["height"], steps=4)
    page.mouse.up()
    ends = f"document.querySelector('{CHART}').layout.xaxis.range.join()"
    page.wait_for_function(f"{ends}.split(',')[0] > 0", timeout=PATIENCE_MS)
    before = page.evaluate(ends)
    see_it_move(page)
    assert page.evaluate(ends) == before


def watch_it_learn(page: Page) -> None:
    """Epochs that come are followed; without that the slider stays, and what is shown is of its epoch."""
    page.get_by_role("tab", name="Watch it learn").click()
    part = page.get_by_role("tabpanel", name="Watch it learn")
    slider = part.get_by_role("slider", name="Moment")
    expect(slider).to_be_visible(timeout=PATIENCE_MS)
    before = slider.get_attribute("aria-valuetext")
    page.wait_for_function(
        "([slider, before]) => slider.getAttribute('aria-valuetext') !== before",
        arg=[slider.element_handle(), before],
        timeout=PATIENCE_MS,
    )
    part.get_by_text("Follow", exact=True).click()
    expect(slider).to_be_enabled()
    slider.press("Home")
    expect(part.get_by_alt_text("Kernels of the first convolution, before the first batch")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Epoch \d+ of 5000"))).to_be_visible()
    page.wait_for_timeout(5000)  # within which it is drawn anew, as it goes on
    expect(slider).to_have_attribute("aria-valuetext", "Untrained")
    expect(part.get_by_label(re.compile("before the first batch"))).to_have_count(6)
    part.get_by_role("button", name="Play").click()
    expect(part.get_by_alt_text(re.compile(r"Kernels .* after epoch \d+.*"))).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("tab", name="Curves").click()
    expect(page).not_to_have_url(re.compile("show="))  # the address tells a reload which tab is open


def test_a_run_is_started_watched_found_again_and_stopped(page: Page, visit: Callable[..., None]) -> None:
    start_long_run(page, visit)
    see_it_move(page)
    zoom_in(page)
    watch_it_learn(page)
    address = page.url
    assert "run=" in address

    page.reload()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    see_it_move(page)
    assert page.url == address
    page.get_by_role("button", name="Stop").first.click()
    expect(page.get_by_text(re.compile(r"was stopped after \d+ of 5000 epochs")).first).to_be_visible(
        timeout=PATIENCE_MS
    )
    expect(page.get_by_text(re.compile(r"Epoch \d+ of 5000"))).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)
