"""The layouts: every file in this folder that holds a `LAYOUT`, in the order in which they are asked."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from cnnviz.data import layouts
from cnnviz.data.layouts.layout import Layout

__all__ = ["LAYOUTS", "layout_of"]


def _found() -> tuple[Layout, ...]:
    names = [module.name for module in pkgutil.iter_modules(layouts.__path__) if module.name != "registry"]
    modules = [importlib.import_module(f"{layouts.__name__}.{name}") for name in names]
    found: list[Layout] = [module.LAYOUT for module in modules if hasattr(module, "LAYOUT")]
    return tuple(sorted(found, key=lambda layout: layout.rank))


LAYOUTS: tuple[Layout, ...] = _found()


def layout_of(path: Path) -> Layout | None:
    """Returns the layout of a folder or file, by names only; `None` where it is in none."""
    return next((layout for layout in LAYOUTS if layout.fits(path)), None)
