"""What excites a channel, drawn: frames where they belong, bars as long as what they stand for."""

from __future__ import annotations

import re

import numpy as np
import pytest

from cnnviz.figures.top_activations import draw_box, mean_bars, to_side, with_and_without


def test_small_images_get_squares_for_pixels_and_large_ones_get_smaller() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    made = to_side(image, 8)
    np.testing.assert_array_equal(made, image.repeat(2, axis=0).repeat(2, axis=1))
    assert to_side(np.zeros((100, 400, 1), np.uint8), 50).shape == (12, 50, 1)


def test_a_frame_is_around_the_box_and_nowhere_else() -> None:
    made = draw_box(np.zeros((10, 20, 1), np.uint8), (2, 5, 4, 6), 200)
    assert made.shape == (100, 200, 3)
    rows, columns = np.nonzero(made.any(axis=2))
    margin = 2
    assert 20 - margin <= rows.min() <= 20
    assert 59 <= rows.max() <= 59 + margin
    assert 50 - margin <= columns.min() <= 50
    assert 109 <= columns.max() <= 109 + margin
    assert not made[25:55, 55:105].any()
    assert not draw_box(np.zeros((10, 20, 1), np.uint8), (0, 0, 0, 0)).any()


def test_bars_begin_at_0_and_go_both_ways() -> None:
    made = mean_bars([("cats", 3.0), ("dogs", -1.0)], "Means")
    assert re.findall(r"left:([\d.]+)%;width:([\d.]+)%", made) == [("25.00", "75.00"), ("0.00", "25.00")]
    assert ">−1<" in made
    assert 'aria-label="Means"' in made
    assert re.findall(r"width:([\d.]+)%", mean_bars([("none", 0.0)], "")) == ["0.50"]


@pytest.mark.parametrize(("without", "said"), [(0.5, "−40.0"), (0.9, "±0"), (0.9004, "±0"), (0.95, "+5.0")])
def test_shares_with_and_without_and_the_change_in_points(without: float, said: str) -> None:
    made = with_and_without([("All", 0.9, without)], "Accuracy")
    assert re.findall(r"width:([\d.]+)%", made) == ["90.00", f"{100 * without:.2f}"]
    assert f">{said}<" in made


def test_names_are_text() -> None:
    for made in (mean_bars([("<i>", 1.0)], '"<b>'), with_and_without([("<i>", 1.0, 1.0)], '"<b>')):
        assert "<i>" not in made
        assert "<b>" not in made
