"""How large the tiles of a TIFF are, by its first directory itself.

The library that decodes TIFF makes room for a whole tile, however small the image, and where a tag is there twice it
takes the first one while Pillow shows the last.
"""

from __future__ import annotations

import struct

__all__ = ["tile_pixels"]

_WIDTH, _HEIGHT = 322, 323
_BYTES = {1: 1, 3: 2, 4: 4, 6: 1, 8: 2, 9: 4, 16: 8, 17: 8}  # of the types that a length may have
_ENDLESS = 2**64


def tile_pixels(data: bytes) -> int:
    """Returns the pixels of a tile, the largest that any reading of the tags gives; 0 where there are no tiles.

    Raises:
        struct.error: the directory is cut off.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    field = 8 if big else 4
    (start,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, start)
    start += 8 if big else 2
    sides = {_WIDTH: 0, _HEIGHT: 0}
    for at in range(start, start + min(count, 4096) * (4 + 2 * field), 4 + 2 * field):
        tag, kind = struct.unpack_from(order + "HH", data, at)
        if tag in sides:
            size = _BYTES.get(kind, _ENDLESS)
            value = data[at + 4 + field :][:size]
            whole = int.from_bytes(value, "little" if order == "<" else "big") if size <= field else _ENDLESS
            sides[tag] = max(sides[tag], whole)
    return sides[_WIDTH] * sides[_HEIGHT]
