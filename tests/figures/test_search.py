"""Charts of a search hold what the study says: the best so far by hand, each trial once, its run behind each point."""

from __future__ import annotations

import pytest

from cnnviz.figures.search import best_so_far, importance_bars, parallel_lines, slices, timeline
from cnnviz.search.study import Trial


def trial(number: int, value: float | None, state: str = "complete", **parameters: object) -> Trial:
    """A trial that took ten seconds."""
    began = 1.7e9 + 10 * number
    ended = None if state == "running" else began + 10
    return Trial(number, state, f"run-{number}", value, {"fit.rate": 10.0**-number, **parameters}, {}, began, ended, "")


TRIALS = [
    trial(0, 0.5, kind="a"),
    trial(1, 0.9, "pruned", kind="b"),
    trial(2, 0.7, kind="b"),
    trial(3, 0.6, kind="<b>"),
    trial(4, None, "running", kind="a"),
    trial(5, 0.1, "failed", kind="a"),
]
NAMES = {"fit.rate": "Rate", "kind": "Kind <i>"}


def test_the_best_so_far_is_of_complete_trials_and_each_trial_stands_once() -> None:
    figure = best_so_far(TRIALS, "val_accuracy", largest=True, names=NAMES)
    line, *points = figure.data
    assert list(line.x) == [0, 1, 2, 3, 4, 5]
    assert list(line.y) == [0.5, 0.5, 0.7, 0.7, 0.7, 0.7]
    shown = {(one.name, x, y) for one in points for x, y in zip(one.x, one.y, strict=True)}
    assert shown == {(one.state, one.number, one.value) for one in TRIALS if one.value is not None}
    assert {data[0] for one in points for data in one.customdata} == {"run-0", "run-1", "run-2", "run-3", "run-5"}
    smallest = best_so_far(TRIALS, "val_loss", largest=False, names=NAMES)
    assert list(smallest.data[0].y) == [0.5] * 6


def test_parallel_lines_stand_between_the_least_and_the_greatest_and_the_best_is_drawn_last() -> None:
    figure = parallel_lines(
        TRIALS, "val_accuracy", largest=True, scales={"fit.rate": "log", "kind": "category"}, names=NAMES
    )
    lines = {line.name: list(line.y) for line in figure.data}
    assert lines.keys() == {"trial 0", "trial 1", "trial 2", "trial 3"}
    assert lines["trial 0"] == pytest.approx([1.0, 0.5, 0.0])  # rate 1 of 1 to 1e-3; "a" of "<b>", "a", "b"; 0.5
    assert lines["trial 2"] == pytest.approx([1 / 3, 1.0, 0.5])
    assert figure.data[-1].name == "trial 1"
    assert figure.data[-1].line.dash == "dot"
    worst = parallel_lines(
        TRIALS, "val_loss", largest=False, scales={"fit.rate": "log", "kind": "category"}, names=NAMES
    )
    assert worst.data[-1].name == "trial 0"
    texts = [note.text for note in figure.layout.annotations]
    assert "&lt;b&gt;" in texts
    assert not any("<b>" in text or "<i>" in text for text in texts)
    assert {"1", "0.001", "90.00%", "50.00%"} <= set(texts)


def test_slices_have_a_chart_for_each_setting_on_its_own_scale() -> None:
    figure = slices(TRIALS, "val_accuracy", scales={"fit.rate": "log", "kind": "category"}, names=NAMES)
    assert len(figure.data) == 2
    assert list(figure.data[0].x) == pytest.approx([1, 0.1, 0.01, 0.001])
    assert list(figure.data[0].y) == list(figure.data[1].y) == [0.5, 0.9, 0.7, 0.6]
    assert (figure.layout.xaxis.type, figure.layout.xaxis2.type) == ("log", "category")
    assert list(figure.layout.xaxis2.categoryarray) == ["<b>", "a", "b"]


def test_bars_of_importance_have_the_most_important_at_the_top() -> None:
    [bars] = importance_bars({"kind": 0.75, "fit.rate": 0.25}, NAMES).data
    assert list(bars.x) == [0.25, 0.75]
    assert list(bars.y) == ["Rate", "Kind<br>&lt;i&gt;"] or list(bars.y) == ["Rate", "Kind &lt;i&gt;"]


def test_the_timeline_ends_now_where_a_trial_goes_on() -> None:
    figure = timeline(TRIALS, 1.7e9 + 45)
    bars = {bar.name: bar for bar in figure.data}
    assert list(bars["complete"].x) == [10_000, 10_000, 10_000]
    assert list(bars["running"].x) == [5_000]
    assert list(bars["failed"].y) == [5]


@pytest.mark.parametrize("count", [0, 1])
def test_few_trials_are_drawn_too(count: int) -> None:
    some = TRIALS[:count]
    best_so_far(some, "val_loss", largest=False, names=NAMES)
    timeline(some, 1.7e9)
    slices(some, "val_loss", scales={}, names={})
    if some:
        parallel_lines(some, "val_loss", largest=False, scales={"fit.rate": "log"}, names={})
