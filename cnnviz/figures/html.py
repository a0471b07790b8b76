"""Pieces of HTML and SVG from the templates in `templates/`: what stands in them becomes text, whatever it contains."""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from cnnviz.figures.style import ACCENT, shorten

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["data_address", "environment", "render"]

TEMPLATES = Path(__file__).with_name("templates")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")


def render(name: str, /, **values: Any) -> Markup:
    """Returns a template with these values filled in.

    Args:
        name: of a file in `templates/`.
        **values: what the template names, all of it. Texts are escaped; what `render` returned is not escaped again, so
            that a piece can stand in another.

    Raises:
        jinja2.UndefinedError: a value that the template names is not given.

    Example:
        >>> render("log.html", text="1 < 2", height="height:5rem")[-15:]
        Markup('>1 &lt; 2</pre>')
    """
    return Markup(environment().get_template(name).render(values))


@cache
def environment() -> Environment:
    """Returns the templates' environment, which is the same for all of them."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # a page that draws no HTML does without it

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # they change no more than the code does, and it asks the disk at each call
    )
    made.filters |= {"shorten": shorten, "address": data_address, "humps": _humps}
    made.globals["ACCENT"] = ACCENT
    return made


def data_address(image: bytes | str) -> Markup:
    """Returns an image as an address that holds all of it.

    Args:
        image: the bytes of a PNG, JPEG or WebP file, or the text of an SVG file.
    """
    data = image.encode() if isinstance(image, str) else image
    kinds = ((b"\xff\xd8", "jpeg"), (b"RIFF", "webp"), (b"<svg", "svg+xml"))
    kind = next((kind for start, kind in kinds if data.startswith(start)), "png")
    # Marked as what needs no escaping: to look through megabytes of base64 takes as long as to make them.
    return Markup(f"data:image/{kind};base64,{base64.b64encode(data).decode()}")


def _humps(text: str) -> Markup:
    """A name such as BatchNormalization, which may be broken before its capitals where there is little room."""
    return Markup(_HUMP.sub("<wbr>", str(escape(text))))
