"""Many small images with their captions as one piece of HTML: one element for the browser instead of dozens."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from cnnviz.figures.style import escape_attr, escape_text

__all__ = ["tiles"]


def tiles(images: Iterable[tuple[bytes, str, str]], width: int) -> str:
    """Returns images in rows that wrap, each over its caption; as HTML.

    Args:
        images: PNG or JPEG bytes, the caption, and a text for those who can't see the image; names in them become
            text, whatever they contain.
        width: of each image, in pixels on the page.
    """
    drawn = "".join(
        f'<figure style="width:{width}px;margin:0"><img src="data:image/{_format(data)};base64,'
        f'{base64.b64encode(data).decode()}" alt="{escape_attr(alt)}" title="{escape_attr(caption)}" '
        f'style="width:100%;display:block;border-radius:0.25rem"><figcaption style="font-size:0.8rem;opacity:0.7;'
        f'text-align:center;overflow-wrap:anywhere;padding-top:0.2rem;line-height:1.25">{escape_text(caption, 120)}'
        "</figcaption></figure>"
        for data, caption, alt in images
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:0.7rem 1rem">{drawn}</div>'


def _format(data: bytes) -> str:
    return "jpeg" if data.startswith(b"\xff\xd8") else "png"
