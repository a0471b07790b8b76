"""How many bits the values of an image of 9 to 16 bits use: 12 of a microscope's or a camera's, in files of 16.

One function, `of`, decides it. Values of n bits become 0..255 by 255 / (2ⁿ - 1), whatever the file has room for.
"""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

__all__ = ["BITS", "holding", "message", "of"]

BITS = (8, 10, 12, 14, 16)
"""What is taken where only the values show it: the least that holds the greatest of them."""
_BITS_PER_SAMPLE, _MAX_SAMPLE_VALUE = 258, 281


def holding(top: int) -> int:
    """Returns the least of `BITS` that holds the value `top`; 16 for greater ones."""
    return next((bits for bits in BITS if top < 1 << bits), 16)


def of(image: Image.Image, data: bytes, values: np.ndarray) -> tuple[int, bool]:
    """Returns how many bits an image's values use, 8 to 16, and whether its file says so.

    A PNG of n significant bits has them at the upper end of its 16, as the format wants it, or at the lower end, as
    many programs write it: then no value reaches 2ⁿ, and some have bits that n bits at the upper end would not have.

    Args:
        image: where the values are from.
        data: its file.
        values: integers from 0 on, of any shape.
    """
    top, told = int(values.max(initial=0)), _said(image, data)
    if told is None:
        return holding(top), False
    below = (1 << (16 - told)) - 1
    shifted = image.format == "PNG" and top and not (values & below).any()
    return (16 if shifted or top >= 1 << told else told), True


def _said(image: Image.Image, data: bytes) -> int | None:
    """Returns how many bits a file says that its values use: by a PNG's sBIT, by a TIFF's BitsPerSample or the bits of
    its MaxSampleValue (which some programs set to each image's own greatest value); `None` where it says nothing."""
    if image.format == "PNG":
        return _significant(data)
    tags = getattr(image, "tag_v2", {})
    bits = _first(tags.get(_BITS_PER_SAMPLE))
    if bits and 8 < bits < 16:
        return bits
    top = _first(tags.get(_MAX_SAMPLE_VALUE))
    return holding(top) if top and 0 < top <= 65_535 else None


def _first(value: object) -> int | None:
    value = value[0] if isinstance(value, tuple) and value else value
    return value if isinstance(value, int) else None


def _significant(data: bytes) -> int | None:
    """What a PNG's chunk sBIT says, which comes before its pixels."""
    at = 8
    while at + 12 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        if name == b"sBIT":
            return data[at + 8] if size and 8 <= data[at + 8] <= 16 else None
        if name == b"IDAT":
            return None
        at += size + 12
    return None


def message(bits: int, why: str) -> str:
    """Returns how values of more than 8 bits became 0..255."""
    return f"Its values have more than 8 bits: 0..{(1 << bits) - 1:,} ({bits} bits, {why}) became 0..255."
