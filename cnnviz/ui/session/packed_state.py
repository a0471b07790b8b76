"""What a person has set on a page as a text for its address, so that a link holds all of it."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from cnnviz.errors import RecipeError

__all__ = ["MOST", "pack", "unpack"]

MOST = 16_000
"""So many characters are written at most; servers and messengers cut longer addresses."""
_BYTES = 1 << 20


def pack(tree: dict[str, Any]) -> str:
    """Returns a JSON object as letters, digits, "-" and "_"; "" where these would be more than `MOST`.

    Example:
        >>> unpack(pack({"epochs": 3}))
        {'epochs': 3}
    """
    text = json.dumps(tree, separators=(",", ":"), ensure_ascii=False).encode()
    packed = base64.urlsafe_b64encode(zlib.compress(text, 9)).decode().rstrip("=")
    return packed if len(packed) <= MOST else ""


def unpack(text: str) -> dict[str, Any]:
    """Returns the JSON object that `pack` made a text of.

    Raises:
        RecipeError: a text that was cut off or changed, or that stands for more than a megabyte.
    """
    try:
        unpacking = zlib.decompressobj()
        found = unpacking.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), _BYTES)
        tree = json.loads(found) if unpacking.eof else None
    except (ValueError, zlib.error, RecursionError):
        tree = None
    if not isinstance(tree, dict):
        raise RecipeError("What the link holds can't be read: it was cut off or changed on its way. Ask for it again.")
    return tree
