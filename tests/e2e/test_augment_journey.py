"""From a step that is adjusted to a run that trains with it, and to how its model survives the step."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from cnnviz.policy import POLICIES
from tests.e2e.drawn import expect_drawn
from tests.e2e.seen import SIZES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 300_000


DRAWS = """[...document.querySelectorAll('img[alt^="The image with: "]')]"""
ALL_OTHERS = f"before => {DRAWS}.every(one => !before.includes(one.alt))"
SOME_OTHERS = f"before => {DRAWS}.some(one => !before.includes(one.alt))"


def draws(page: Page) -> Locator:
    """The images that were drawn; what was drawn is their description."""
    return page.get_by_role("img", name=re.compile(r"^The image with: "))


def described(page: Page) -> list[str]:
    return [image.get_attribute("alt") for image in draws(page).all()]


def test_a_policy_is_adjusted_seen_trained_with_and_asked_about(
    page: Page, visit: Callable[..., None], settled: Callable[[], None], checkpoints_of: Path
) -> None:
    visit("augment?policy=light&data=digits&item=3")
    expect(page.get_by_role("heading", name="Augment", exact=True)).to_be_visible()
    expect(draws(page)).to_have_count(9)
    before = described(page)
    assert all("rotation" in one for one in before)

    low = page.get_by_role("slider", name="Range of Rotation").first
    low.focus()
    for value in (-7, -6, -5):
        low.press("ArrowRight")
        expect(low).to_have_value(str(value))
    page.wait_for_function(ALL_OTHERS, arg=before)  # on the way there one has the same value after rounding
    settled()
    expect(page).not_to_have_url(re.compile("policy="))
    seen = described(page)

    page.get_by_role("button", name="Draw again").click()
    expect(draws(page).first).not_to_have_attribute("alt", seen[0])
    page.get_by_role("button", name="Epochs 10–18 · seed 0").click()
    expect(page.get_by_label("From epoch", exact=True)).to_have_value("10")
    page.keyboard.press("Escape")
    page.get_by_test_id("stPopoverButton").first.click()
    expect(page.get_by_role("slider", name="Probability of Rotation")).to_have_value("100")
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Use for training").click()
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()
    expect(page.get_by_text("Training now uses this policy.")).to_be_in_viewport()
    epochs = page.get_by_label("Epochs", exact=True)
    epochs.fill("2")
    epochs.press("Enter")
    start = page.get_by_role("button", name="Start training", exact=True)
    expect(start).to_be_enabled()
    settled()
    start.click()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible(timeout=PATIENCE_MS)

    (file,) = checkpoints_of.glob("*/recipe.json")
    recipe = json.loads(file.read_text())
    wanted = POLICIES["light"].model_dump(mode="json")
    wanted["steps"][0]["low"] = -5.0
    assert recipe["augmentation"] == {**wanted, "name": "light changed"}
    assert recipe["fit"]["epochs"] == 2

    expect(page.get_by_text(re.compile(r"finished", re.IGNORECASE)).first).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_test_id("stTopNavLink").filter(has_text="Augment").click()
    expect(page.get_by_role("heading", name="Augment", exact=True)).to_be_visible()
    expect(page.get_by_role("slider", name="Range of Rotation").first).to_have_value("-5")
    page.get_by_text("Predict with a model", exact=True).click()
    expect(page.get_by_text(re.compile(r"It predicts"))).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Ask about 500 test images").click()
    expect(page.get_by_text(re.compile(r"Over \d+ held-out images"))).to_be_visible(timeout=PATIENCE_MS)
    expect_drawn(page.get_by_test_id("stPlotlyChart"), 3, PATIENCE_MS)
    settled()
    assert list(file.parent.glob("survival/*.json"))


@pytest.fixture
def checkpoints_of(server) -> Path:
    """The server's folder of runs."""
    return server.checkpoints


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_nothing_is_wider_than_the_window(page: Page, visit: Callable[..., None], size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    visit("augment")
    for view in ("Grid", "One step from low to high", "Two images × five", "Before and after"):
        page.get_by_role("button", name=view, exact=True).or_(page.get_by_role("radio", name=view, exact=True)).click()
        expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()
        expect(page.get_by_role("img").first).to_be_visible()
        wide = page.evaluate(
            "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
            ".map(part => part.scrollWidth - part.clientWidth)"
        )
        assert max(wide) <= 0


def test_the_draws_stay_in_sight_on_a_phone_while_the_last_step_is_set(page: Page, visit: Callable[..., None]) -> None:
    page.set_viewport_size(SIZES["phone"])
    visit("augment?policy=light&sample=chelsea")
    last = page.get_by_role("slider", name="Range of Contrast").last
    last.focus()
    expect(page.get_by_text("Contrast", exact=True)).to_be_in_viewport()
    before = described(page)
    last.press("ArrowRight")
    page.wait_for_function(SOME_OTHERS, arg=before)
    for image in draws(page).all():
        expect(image).to_be_in_viewport(ratio=1)
        box = image.bounding_box()
        on_top = page.evaluate("([x, y]) => document.elementFromPoint(x, y).alt ?? ''", [box["x"] + 9, box["y"] + 9])
        assert on_top == image.get_attribute("alt")
