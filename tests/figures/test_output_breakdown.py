"""A number taken apart: every value is there, what adds up is aligned, and names are only text."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest

from cnnviz.figures.output_breakdown import Line, Window, curve, decimals, ledger, signed_number, windows


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.012345, "0.0123"),
        (-4.5, "−4.5"),
        (12345.6, "12,346"),
        (-0.0000312, "−3.12e−5"),
        (3.1e9, "3.1e9"),
        (999.4, "999"),
        (float("nan"), "no number"),
        (float("-inf"), "−∞"),
    ],
)
def test_numbers_are_short_with_a_true_minus(value: float, text: str) -> None:
    assert signed_number(value) == text


def test_windows_have_every_value_with_padding_and_the_chosen_one_marked() -> None:
    values = np.array([[0.0, -1.5], [2.0, 3.0]])
    padding = np.array([[True, False], [False, False]])
    made = windows([Window("Input", values, 0, padding, (1, 1)), Window("Kernel", values)], ("×",))
    cells = re.findall(r"<td title=\"([^\"]*)\" style=\"([^\"]*)\">([^<]*)</td>", made)
    assert [shown for *_, shown in cells] == ["0", "−1.5", "2", "3"] * 2
    assert cells[0][0] == "padding"
    assert ["dashed" in style for _, style, _ in cells] == [True] + 7 * [False]
    assert ["outline" in style for _, style, _ in cells] == 3 * [False] + [True] + 4 * [False]
    assert made.count(">×<") == 1


def test_colours_say_sign_and_size_on_the_scale_that_is_given() -> None:
    made = windows([Window("x", np.array([[4.0, -2.0]]), scale=4.0)])
    strengths = re.findall(r"background:rgb\((\d+ \d+ \d+) / ([\d.]+)\)", made)
    assert [float(strength) for _, strength in strengths] == [0.65, 0.33]
    assert strengths[0][0] != strengths[1][0]


def test_large_windows_are_colours_with_their_numbers_as_tooltips() -> None:
    made = windows([Window("x", np.arange(144.0).reshape(12, 12))])
    assert re.findall(r"<td title=\"([^\"]*)\"", made) == [signed_number(value, 5) for value in range(144)]
    assert not re.search(r">\d", made.split("<table")[1])


def test_names_are_text() -> None:
    made = windows([Window("<b>x</b>", np.ones((1, 1)))]) + ledger([Line("<i>", 1.0, note='"><script>')])
    assert "<b>" not in made
    assert "<i>" not in made
    assert "<script" not in made


def test_lines_are_aligned_and_add_up_as_they_are_written() -> None:
    parts = [12.34567, -0.001234, 0.25]
    made = ledger([*(Line(f"part {n}", value) for n, value in enumerate(parts)), Line("sum", sum(parts), "result")])
    numbers = [float(one.replace("−", "-")) for one in re.findall(r">(−?[\d,]+\.\d+)</div>", made)]
    assert numbers[:3] == [12.3457, -0.0012, 0.25]
    assert numbers[3] == pytest.approx(sum(numbers[:3]), abs=2e-4)
    bars = re.findall(r"(left|right):50%;width:([\d.]+)%", made)
    assert bars == [("left", "50.00"), ("right", "0.00"), ("left", "1.01")]


def test_a_result_far_smaller_than_its_parts_keeps_its_digits_and_zero_has_no_sign() -> None:
    made = ledger([Line("score", -612.5), Line("nothing", -1e-9), Line("share", 1.2345e-7, "result")])
    assert "1.2345e−7" in made
    assert ">0.000</div>" in made


@pytest.mark.parametrize(("values", "digits"), [([0.5, 3.0], 5), ([1234.0], 2), ([1e9], 0), ([1e-9], 8), ([0], 1)])
def test_six_digits_count(values: list[float], digits: int) -> None:
    assert decimals(values) == digits


def test_the_graph_has_its_dot_where_the_number_is() -> None:
    made = curve(lambda x: max(0.0, x), -2.0, "relu")
    svg = base64.b64decode(re.search(r"base64,([^\"]+)", made)[1]).decode()
    x, y = map(float, re.search(r'circle cx="([\d.]+)" cy="([\d.]+)"', svg).groups())
    assert x == pytest.approx(8 + 204 * (3 - 2) / 6, abs=0.1)
    assert y == pytest.approx(112)
    assert 'alt="relu"' in made
