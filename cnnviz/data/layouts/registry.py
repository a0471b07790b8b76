"""The layouts: every file in this folder that holds a `LAYOUT`, in the order in which they are asked."""

from __future__ import annotations

from pathlib import Path

from cnnviz.data import layouts
from cnnviz.data.layouts.layout import Layout
from cnnviz.discovery import found_in

__all__ = ["LAYOUTS", "layout_of"]


_FOUND: list[Layout] = list(found_in(layouts, "LAYOUT").values())
LAYOUTS: tuple[Layout, ...] = tuple(sorted(_FOUND, key=lambda layout: layout.rank))


def layout_of(path: Path) -> Layout | None:
    """Returns the layout of a folder or file, by names only; `None` where it is in none."""
    return next((layout for layout in LAYOUTS if layout.fits(path)), None)
