"""Drawings prepared as MNIST's digits were, and strokes as a text."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz.drawing import MOST_POINTS, checked_strokes, pack_strokes, prepare, rasterize, unpack_strokes
from cnnviz.errors import ImageError

SEVEN = ((70, 60, 190, 60, 120, 210),)
ONE = ((150, 40, 130, 120),)
ZERO = ((30, 30, 90, 20, 110, 90, 60, 130, 25, 80, 30, 30),)


@pytest.mark.parametrize("size", [(28, 28), (8, 8), (64, 64)])
@pytest.mark.parametrize("strokes", [SEVEN, ONE, ZERO])
def test_a_drawing_fills_its_box_and_has_its_mass_in_the_middle(
    strokes: tuple[tuple[int, ...], ...], size: tuple[int, int]
) -> None:
    made = prepare(rasterize(strokes), size)
    assert (made.shape, made.dtype) == ((*size, 1), np.uint8)
    plane = made[..., 0].astype(float)
    rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == round(20 / 28 * size[0])
    for axis in (0, 1):
        centre = (plane.sum(axis=1 - axis) * np.arange(size[axis])).sum() / plane.sum()
        assert centre == pytest.approx((size[axis] - 1) / 2, abs=0.5 + 1e-9)


def test_the_aspect_stays_and_rims_are_smooth() -> None:
    canvas = np.zeros((200, 100), np.uint8)
    canvas[20:180, 10:90] = 255  # 160 × 80
    made = prepare(canvas)
    assert made[4:24, 9:19, 0].min() == 255
    assert made.sum() == 20 * 10 * 255
    seven = prepare(rasterize(SEVEN))
    assert ((seven > 0) & (seven < 255)).sum() > 20


def test_it_does_not_matter_where_on_the_pad_it_is() -> None:
    canvas = np.zeros((280, 280), np.uint8)
    canvas[30:130, 20:80] = rasterize(SEVEN)[60:160, 80:140]
    moved = np.roll(canvas, (97, 151), axis=(0, 1))
    np.testing.assert_array_equal(prepare(canvas), prepare(moved))


def test_an_empty_pad_is_a_sentence() -> None:
    with pytest.raises(ImageError, match=r"^Draw a digit\.$"):
        prepare(rasterize(()))


def test_a_point_is_a_dot() -> None:
    assert rasterize(((128, 128),))[140, 140] == 255
    assert prepare(rasterize(((128, 128),))).max() == 255


def test_strokes_survive_as_a_text() -> None:
    strokes = (*SEVEN, *ONE, (0, 255))
    packed = pack_strokes(strokes)
    assert unpack_strokes(packed) == strokes
    assert packed.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("text", ["", "x", "!!!!", pack_strokes(SEVEN)[:-4], pack_strokes([(1, 2, 3)]), "é" * 9])
def test_a_changed_text_is_a_sentence(text: str) -> None:
    with pytest.raises(ImageError, match="drawing"):
        unpack_strokes(text)


@pytest.mark.parametrize("given", [None, 3, "ab", [[1]], [[]], [[1, 256]], [[-1, 0]], [[1.5, 2]], [[True, 1]], [None]])
def test_what_a_browser_says_is_checked(given: object) -> None:
    with pytest.raises(ImageError, match="can't be read"):
        checked_strokes(given)


def test_a_drawing_has_an_end() -> None:
    with pytest.raises(ImageError, match=f"more than {MOST_POINTS:,} points"):
        checked_strokes([[1, 2] * (MOST_POINTS + 1)])
