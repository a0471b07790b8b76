"""A run learning, as a film that the browser plays by itself: heat maps on images, answers, and growing curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnviz.ui.components.component import component

__all__ = ["learning"]


def learning(film: Mapping[str, Any], alt: str, *, key: str) -> None:
    """Draws the film. It can be paused and moved by hand, and stands still at its end for who wants no motion.

    Args:
        film: what `ui.home.learning.film_data` gives.
        alt: what it shows, for those who can't see it.
        key: of the element.
    """
    component("learning")(data={**film, "alt": alt}, key=key)
