"""What of a chart reaches the eye: marks with a box in its plotting area. The data behind it are no proof of it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

__all__ = ["expect_drawn", "expect_to_grow"]

# The marks of a trace, of all without a name, that are seen; each by its shape.
_MARKS = """
(chart, name) => {
    const area = chart?.querySelector('.nsewdrag')?.getBoundingClientRect();
    if (!area || area.width < 24 || area.height < 24) return [];
    const called = one => one.closest('.trace')?.__data__?.[0]?.trace?.name ?? '';
    return [...chart.querySelectorAll('.mlayer :is(path, image, rect)')].filter(one => {
        const box = one.getBoundingClientRect();
        return (!name || called(one).startsWith(name)) && Math.max(box.width, box.height) > 1
            && box.right > area.left && box.left < area.right && box.bottom > area.top && box.top < area.bottom
            && one.checkVisibility({opacityProperty: true, visibilityProperty: true});
    }).map(one => one.getAttribute('d') ?? `${one.getAttribute('width')}×${one.getAttribute('height')}`);
}
"""


def expect_drawn(charts: Locator, count: int, timeout: float) -> None:
    """Waits until there are so many charts, all visible, each with a mark in its plotting area; `timeout` in ms."""
    expect(charts).to_have_count(count, timeout=timeout)
    for chart in charts.all():
        expect(chart).to_be_visible()
        chart.page.wait_for_function(
            f"chart => ({_MARKS})(chart).length > 0", arg=chart.element_handle(), timeout=timeout
        )


def expect_to_grow(page: Page, selector: str, trace: str, timeout: float) -> None:
    """Waits until the line of the trace whose name begins so is drawn and then changes; `timeout` in ms."""
    line = f"(({_MARKS})(document.querySelector(selector), trace).join())"
    page.wait_for_function(f"([selector, trace]) => {line}", arg=[selector, trace], timeout=timeout)
    before = page.evaluate(f"([selector, trace]) => {line}", [selector, trace])
    page.wait_for_function(
        f"([selector, trace, before]) => {line} && {line} !== before", arg=[selector, trace, before], timeout=timeout
    )
