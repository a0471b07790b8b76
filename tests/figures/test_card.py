"""Cards to share: their size, what is on them, and that no text leaves its line."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cnnviz.figures.card import SIZE, Card, card

WORDS = Card("cat", "97 %", "My model", "Grad-CAM of cat at conv2d", "2026-11-29", "Map holds")
RED, GREEN = (np.full((30, 60, 3), colour, np.uint8) for colour in ([200, 0, 0], [0, 200, 0]))


def drawn(words: Card = WORDS, image: np.ndarray = RED) -> np.ndarray:
    return card(image, GREEN, words, strength=0.5, colour_map="viridis")


def test_a_card_has_the_image_on_the_left_and_the_map_over_it_on_the_right() -> None:
    made = drawn()
    assert (made.shape, made.dtype) == ((SIZE[1], SIZE[0], 3), np.uint8)
    assert (made[226, 316] == [200, 0, 0]).all()
    assert (made[226, 884] == [0, 200, 0]).all()
    for shape in ((8, 8, 1), (2000, 20, 3), (20, 2000, 3)):
        assert (drawn(image=np.full(shape, 77, np.uint8))[226, 316] == 77).all()


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Card)])
@pytest.mark.parametrize(
    "text",
    ["W" * 500, "漢字" * 200, "ы " * 300, "🐱" * 99, "line\nline\n" * 40, "العربية " * 50],
    ids=lambda text: text[:4].strip(),
)
def test_no_text_leaves_its_place_and_none_is_missing(field: str, text: str) -> None:
    """Margins stay empty, and columns do: between the map's scale and the answer, between left texts and right ones."""
    made = drawn(dataclasses.replace(WORDS, **{field: text}))
    assert (made != drawn()).any()
    for empty in (made[:40], made[-8:], made[:, :46], made[:, -46:], made[542:, 826:850]):
        assert (empty == 255).all()


def test_texts_side_by_side_do_not_meet() -> None:
    wide = drawn(dataclasses.replace(WORDS, answer="W" * 99, probability="> 99.99 %"))
    columns = (wide[470:540] != 255).any(axis=(0, 2)).nonzero()[0]
    assert np.diff(columns).max() >= 15  # the gap between a cut name and its probability
    assert columns.max() < SIZE[0] - 46
