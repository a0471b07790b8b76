"""From opening the app to a run that is watched, found again under its address, and stopped."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.drawn import expect_to_grow

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 300_000
CARD_CHART = "[class*=st-key-runs_card_] .js-plotly-plot"


def start_long_run(page: Page, visit: Callable[..., None]) -> None:
    """Starts the small model on digits with more epochs than anybody waits for; the Runs page follows."""
    visit()
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
        expect_to_grow(page, CARD_CHART, "Training", PATIENCE_MS)


def watch_it_learn(page: Page) -> None:
    """Epochs that come are followed; without that the slider stays, and what is shown is of its epoch."""
    page.get_by_text("Watch it learn").first.click()
    part = page.locator("[class*=st-key-runs_card_epochs][class*=_open]")
    slider = part.get_by_role("slider", name="Epoch")
    expect(slider).to_be_visible(timeout=PATIENCE_MS)
    before = parsed(slider.get_attribute("aria-valuetext"))
    page.wait_for_function(
        "([slider, before]) => parseInt(slider.getAttribute('aria-valuetext')) > before",
        arg=[slider.element_handle(), before],
        timeout=PATIENCE_MS,
    )
    part.get_by_text("Follow", exact=True).click()
    expect(slider).to_be_enabled()
    slider.press("Home")
    expect(part.get_by_alt_text("Kernels of the first convolution, before the first batch")).to_be_visible()
    see_it_move(page)
    expect(slider).to_have_attribute("aria-valuetext", "0, untrained")
    expect(part.get_by_label(re.compile("before the first batch"))).to_have_count(6)
    part.get_by_role("button", name="Play").click()
    expect(part.get_by_alt_text(re.compile(r"Kernels .* after epoch \d+"))).to_be_visible()


def parsed(epoch: str) -> int:
    """The number in what a slider says; the first one reads "0, untrained"."""
    return int(epoch.partition(",")[0])


def test_a_run_is_started_watched_found_again_and_stopped(page: Page, visit: Callable[..., None]) -> None:
    start_long_run(page, visit)
    see_it_move(page)
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
