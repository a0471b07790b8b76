"""The window that slides over Learn's image, as a person moves it and types its weights."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from cnnviz.ui.learn.demos import KERNELS, SMALL, grey
from tests.e2e.conftest import Server

pytestmark = pytest.mark.browser
ROW, COLUMN = 6, 9


def said(value: float) -> str:
    return f"Sum {value:g}".replace("-", "−")


def test_the_sum_beside_the_window_is_that_of_its_nine_products(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/learn?topic=convolution")
    frame = page.get_by_role("group", name=re.compile("^The image"))
    expect(frame).to_be_visible()
    window = grey(SMALL)[ROW : ROW + 3, COLUMN : COLUMN + 3].astype(int)

    def point() -> None:
        box = frame.bounding_box()
        page.mouse.move(
            box["x"] + (COLUMN + 1.5) / SMALL * box["width"], box["y"] + (ROW + 1.5) / SMALL * box["height"]
        )

    point()
    expect(page.get_by_text(said(int(np.sum(window * np.array(KERNELS["Edges from left to right"])))))).to_be_visible()
    expect(page.get_by_role("button", name="Slide the window")).to_be_visible()
    corner = page.get_by_role("textbox", name="Weight in row 3, column 3")
    corner.fill("-0.5")
    corner.press("Enter")
    own = np.array(KERNELS["Edges from left to right"], float)
    own[2, 2] = -0.5
    expect(page.get_by_text(said(float(np.sum(window * own))))).to_be_visible()
    frame.focus()
    frame.press("ArrowLeft")
    expect(
        page.get_by_text(said(float(np.sum(grey(SMALL)[ROW : ROW + 3, COLUMN - 1 : COLUMN + 2] * own))))
    ).to_be_visible()
    page.get_by_role("link", name="Runs").first.click()
    page.get_by_role("link", name="Learn").first.click()
    expect(corner).to_have_value("−0.5")
