"""Many small images with their captions as one piece of HTML: one element for the browser instead of dozens."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from cnnviz.figures.html import render

__all__ = ["tiles"]


def tiles(images: Iterable[tuple[bytes, str, str]], width: int) -> Markup:
    """Returns images in rows that wrap, each over its caption; as HTML.

    Args:
        images: PNG or JPEG bytes, the caption, and a text for those who can't see the image; names in them become
            text, whatever they contain.
        width: of each image, in pixels on the page.
    """
    return render("tiles.html", images=images, width=width)
