"""A card to share: an image, what made the model answer as it did, and the answer, as one picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cnnviz.figures.style import ACCENT
from cnnviz.images import enlarge, fit, with_channels
from cnnviz.overlay import map_layer

__all__ = ["SIZE", "Card", "card"]

SIZE = (1200, 630)
"""Width and height in pixels, which is what messengers and networks show in full."""
_EDGE, _GAP, _TOP, _HIGH = 48, 32, 40, 372
_INK, _MUTED, _PAPER, _GROUND = "#10201e", "#4f5b59", "#ffffff", "#f1f4f4"
_FONTS = ("DejaVuSans.ttf", "NotoSansCJK-Regular.ttc", "Arial Unicode.ttf", "YuGothM.ttc", "Hiragino Sans GB.ttc")
"""Tried one after the other for what Pillow's own font has no letters for."""


@dataclass(frozen=True)
class Card:
    """What stands on a card: the answer, such as "cat", and "97 %"; what the map is of; who made it, and when."""

    answer: str
    probability: str
    model: str
    method: str
    date: str
    trust: str = ""


def card(image: np.ndarray, overlay: np.ndarray, words: Card, *, strength: float, colour_map: str) -> np.ndarray:
    """Returns a card: uint8 RGB (630, 1200, 3). Texts too long for their line are cut and end in "…".

    Args:
        image: uint8 (height, width, 1 or 3).
        overlay: the same with the map over it.
        words: what is said of them.
        strength: the map's greatest value, for the scale of its colours.
        colour_map: a name of `overlay.COLOUR_MAPS`.
    """
    canvas = Image.new("RGB", SIZE, _PAPER)
    pen = ImageDraw.Draw(canvas)
    wide = (SIZE[0] - 2 * _EDGE - _GAP) // 2
    for nth, one in enumerate((image, overlay)):
        left = _EDGE + nth * (wide + _GAP)
        pen.rounded_rectangle((left, _TOP, left + wide, _TOP + _HIGH), 12, _GROUND)
        picture = Image.fromarray(_contained(with_channels(one, 3), wide, _HIGH))
        canvas.paste(picture, (left + (wide - picture.width) // 2, _TOP + (_HIGH - picture.height) // 2))
    left, right, below = _EDGE + wide + _GAP, SIZE[0] - _EDGE, _TOP + _HIGH + 14
    bar = map_layer(np.arange(256, dtype=np.float32)[None], (12, wide - 120), colour_map)
    canvas.paste(Image.fromarray(bar), (left + 24, below + 4))
    _write(pen, (left, below), "0", 20, _MUTED, 20)
    _write(pen, (right, below), f"{strength:.3g}", 20, _MUTED, 84, anchor="ra")
    used = _write(pen, (_EDGE, 466), words.answer, 60, _INK, SIZE[0] - 2 * _EDGE - 300)
    _write(pen, (_EDGE + used + 20, 466), words.probability, 60, ACCENT, 280)
    _write(pen, (_EDGE, 546), words.model, 26, _INK, SIZE[0] - 2 * _EDGE - 330)
    _write(pen, (_EDGE, 584), words.method, 22, _MUTED, SIZE[0] - 2 * _EDGE - 330)
    _write(pen, (right, 546), words.trust, 26, _INK, 300, anchor="ra")
    _write(pen, (right, 584), f"cnnviz · {words.date}", 22, _MUTED, 300, anchor="ra")
    return np.asarray(canvas)


def _contained(image: np.ndarray, wide: int, high: int) -> np.ndarray:
    """The image as large as it fits there, pixels of small ones as squares."""
    image = enlarge(image, min(wide // image.shape[1], high // image.shape[0]))
    scale = min(wide / image.shape[1], high / image.shape[0])
    return fit(image, tuple(max(1, round(side * scale)) for side in image.shape[:2]))


def _write(
    pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size: int, colour: str, room: int, anchor: str = "la"
) -> int:
    """Writes a line, cut to so many pixels; returns how many it takes."""
    text = " ".join(text.split())
    font = _font(size, frozenset(text))
    if font.getlength(text) > room:
        kept = len(text)
        while kept and font.getlength(text[:kept].rstrip() + "…") > room:
            kept -= max(1, kept // 16)
        text = text[:kept].rstrip() + "…"
    pen.text(place, text, colour, font, anchor=anchor)
    return round(font.getlength(text))


@lru_cache(64)
def _font(size: int, letters: frozenset[str]) -> ImageFont.FreeTypeFont:
    """The first font that has all the letters; Pillow's own where none has, which draws boxes for them."""
    own = ImageFont.load_default(size)
    assert isinstance(own, ImageFont.FreeTypeFont)
    for font in (own, *filter(None, (_installed(name, size) for name in _FONTS))):
        missing = bytes(font.getmask("\U0010ffff"))
        if all(letter.isspace() or bytes(font.getmask(letter)) != missing for letter in letters):
            return font
    return own


def _installed(name: str, size: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None
