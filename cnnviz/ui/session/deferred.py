"""Parts of a page that are drawn after all else, so that what a person needs first is there first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

__all__ = ["Deferred"]


@dataclass
class Deferred:
    """Images, charts and tables that wait for their turn, each with its place on the page."""

    parts: list[tuple[DeltaGenerator, Callable[..., None], tuple]] = field(default_factory=list)

    def add(self, draw: Callable[..., None], *args: object) -> None:
        """Keeps a place here for what `draw(*args)` will draw."""
        self.parts.append((st.container(), draw, args))

    def draw(self) -> None:
        """Draws all parts, in their order."""
        for place, draw, args in self.parts:
            with place:
                draw(*args)
