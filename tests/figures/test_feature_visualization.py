"""The grid of patterns: every image in its place, and what is said of it there."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest

from cnnviz.figures.feature_visualization import grid, on_page


@pytest.mark.parametrize("channels", [1, 3])
def test_every_image_is_in_its_place_with_black_between(channels: int) -> None:
    images = np.random.default_rng(0).integers(1, 256, (11, 6, 6, channels), np.uint8)
    made = grid(images)
    assert made.shape == (2 * 11 - 5, 6 * 11 - 5, channels)
    rest = made.copy()
    for nth, image in enumerate(images):
        top, left = 11 * (nth // 6), 11 * (nth % 6)
        np.testing.assert_array_equal(made[top : top + 6, left : left + 6], image)
        rest[top : top + 6, left : left + 6] = 0
    assert not rest.any()


def test_few_images_leave_no_room_at_the_right() -> None:
    assert grid(np.ones((2, 6, 6, 3), np.uint8)).shape == (6, 17, 3)


def test_on_a_page_each_has_its_words_and_one_a_frame() -> None:
    words = [f"Channel {nth}" for nth in range(10)]
    made = on_page(b"\x89PNG", (17, 50, 3), words, side=6, alt="Patterns", marked=9)
    assert base64.b64decode(re.search('base64,([^"]+)"', made)[1]) == b"\x89PNG"
    assert re.findall('title="([^"]+)"', made) == words
    [framed] = re.findall("<span[^>]*outline[^>]*>", made)
    assert 'title="Channel 9"' in framed
    assert f"left:{100 * 44 / 50:.3f}%;top:{100 * 11 / 17:.3f}%" in framed
    assert 'aria-label="Patterns"' in made


def test_a_name_is_text() -> None:
    made = on_page(b"", (6, 6, 3), ['"><script>'], side=6, alt="<b>")
    assert "<script" not in made
    assert "<b>" not in made
