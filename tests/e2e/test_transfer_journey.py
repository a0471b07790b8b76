"""A network on a backbone: chosen on the Train page, trained on kept features, and asked about a picture."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cnnviz import runs
from tests.e2e.conftest import Server

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 120_000


def choose(page: Page, label: str, option: str) -> None:
    """By keyboard: a list that is open closes when the page scrolls."""
    box = page.get_by_role("combobox", name=re.compile(rf"{label}$"))
    box.scroll_into_view_if_needed()
    box.fill(option)
    expect(page.get_by_role("option", name=option, exact=True)).to_be_visible()
    box.press("Enter")


def fill(page: Page, label: str, value: int) -> None:
    box = page.get_by_label(label, exact=True)
    box.fill(str(value))
    box.press("Enter")


def test_a_run_on_kept_features(
    page: Page, visit: Callable[[str], None], settled: Callable[[], None], server: Server
) -> None:
    visit("?preset=Q")
    choose(page, "Backbone", "MobileNetV2")
    start = page.get_by_role("button", name=re.compile("Start training"))
    expect(page.get_by_text(re.compile("takes pictures of at least 32×32 pixels")).first).to_be_visible()
    expect(start).to_be_disabled()
    page.get_by_text("Size, split and limits").click()
    fill(page, "Height", 32)
    fill(page, "Width", 32)
    choose(page, "Its weights", "Random")
    choose(page, "What is trained", "What follows, on kept features")
    choose(page, "Policy", "Pictures as they are")
    fill(page, "Epochs", 3)
    expect(page.get_by_text("2,257,984", exact=True).first).to_be_visible()
    expect(page.get_by_text("12,810", exact=True).first).to_be_visible()
    expect(start).to_be_enabled()
    start.click()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text(re.compile(r"finished in \d+ s")).first).to_be_visible(timeout=PATIENCE_MS)
    (run,) = runs.listing(Path(server.checkpoints))
    assert run.recipe.network.backbone.cached
    assert run.written.epoch == 3

    visit(f"predict?run={run.id}&sample=chelsea")
    overlay = page.get_by_role("img", name=re.compile("^Heat map over .*: where evidence for "))
    expect(overlay).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_test_id("stException")).to_have_count(0)
