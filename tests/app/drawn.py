"""What a page without a browser draws, as pixels: images in its HTML and in its components."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from cnnviz import images
from tests.app.pages import html

__all__ = ["colours", "component", "html_images", "pixels_of"]


def pixels_of(url: str) -> np.ndarray:
    """The pixels of a data address, uint8 RGB (h, w, 3)."""
    return images.with_channels(images.decode(base64.b64decode(url.partition("base64,")[2])), 3)


def html_images(app: AppTest, alt: str = "") -> list[np.ndarray]:
    """The images of the page's HTML from the first that stands behind this text on."""
    page = html(app)
    assert alt in page, f"nothing is called {alt!r}"
    return [pixels_of(url) for url in re.findall(r'src="(data:image/(?:png|jpeg)[^"]+)"', page[page.index(alt) :])]


def component(app: AppTest, name: str) -> dict[str, Any]:
    """What a component of the page was given, by the end of its key."""
    [found] = [one.proto for one in app.get("bidi_component") if one.proto.id.endswith(name)]
    return json.loads(found.json)


def colours(image: np.ndarray) -> int:
    """How many colours an image has."""
    return len(np.unique(image.reshape(-1, image.shape[-1]), axis=0))
