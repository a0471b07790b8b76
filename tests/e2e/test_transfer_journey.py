"""A model on a backbone: chosen on the Train page, trained on cached features, and asked about an image."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, TimeoutError, expect

from cnnviz import runs
from tests.e2e.conftest import Server

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 300_000


def choose(page: Page, label: str, option: str) -> None:
    """By keyboard, as often as it takes where the page was drawn again or scrolled meanwhile, which closes a list."""
    box, listed = combobox(page, label), page.get_by_role("option", name=option, exact=True)
    box.scroll_into_view_if_needed()
    for _ in range(PATIENCE_MS // 3_000):
        box.fill("")  # the same text once more opens no list
        box.fill(option)
        with suppress(TimeoutError):
            listed.wait_for(timeout=3_000)
            break
    else:
        pytest.fail(f"{label} lists no {option!r}.")
    box.press("Enter")
    expect(box).to_have_value(option)


def combobox(page: Page, label: str) -> Locator:
    return page.get_by_role("combobox", name=re.compile(rf"{label}$"))


def fill(page: Page, label: str, value: int) -> None:
    box = page.get_by_label(label, exact=True)
    box.fill(str(value))
    box.press("Enter")


def test_a_run_on_kept_features(
    page: Page, visit: Callable[[str], None], settled: Callable[[], None], server: Server
) -> None:
    visit("train?preset=Q")
    choose(page, "Backbone", "MobileNetV2")
    settled()
    start = page.get_by_role("button", name=re.compile("Start training"))
    expect(page.get_by_text(re.compile("takes images of at least 32×32 pixels")).first).to_be_visible()
    expect(start).to_be_disabled()
    page.get_by_text("Size, split and limits").click()
    for label, side in (("Height", 32), ("Width", 32)):
        fill(page, label, side)
        settled()  # nobody is quicker than the page
    expect(page.get_by_text("2,257,984", exact=True).first).to_be_visible()
    chosen = {
        "Its weights": "Random",
        "What is trained": "What follows, on cached features",
        "Policy": "Images as they are",
    }
    for label, option in chosen.items():
        choose(page, label, option)
        settled()
    fill(page, "Epochs", 3)
    settled()
    expect(page.get_by_text("2,257,984", exact=True).first).to_be_visible()
    expect(page.get_by_text("12,810", exact=True).first).to_be_visible()
    expect(start).to_be_enabled()
    for label, option in chosen.items():
        expect(combobox(page, label)).to_have_value(option)
    start.click()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text(re.compile(r"finished in \d")).first).to_be_visible(timeout=PATIENCE_MS)
    (run,) = runs.listing(Path(server.checkpoints))
    assert run.recipe.network.backbone.cached
    assert run.written.epoch == 3

    visit(f"predict?run={run.id}&sample=chelsea")
    overlay = page.get_by_role("img", name=re.compile("^Heat map over .*: where evidence for "))
    expect(overlay).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_test_id("stException")).to_have_count(0)
