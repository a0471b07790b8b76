"""The attribution methods: every file in `methods/` that holds a `METHOD`. Importing this loads no TensorFlow."""

from __future__ import annotations

import importlib
import pkgutil

from cnnviz.explain.attribution import methods
from cnnviz.explain.attribution.method import Method

__all__ = ["METHODS"]


def _found() -> list[Method]:
    """All of them, families one after the other, older papers first."""
    names = [f"{methods.__name__}.{module.name}" for module in pkgutil.iter_modules(methods.__path__)]
    found: list[Method] = [importlib.import_module(name).METHOD for name in names]
    return sorted(found, key=lambda method: (method.family, method.year, method.id))


METHODS: dict[str, Method] = {method.id: method for method in _found()}
