"""The attribution methods: every file in `methods/` that holds a `METHOD`. Importing this loads no TensorFlow."""

from __future__ import annotations

from cnnviz.discovery import found_in
from cnnviz.explain.attribution import methods
from cnnviz.explain.attribution.method import Method

__all__ = ["METHODS"]


_FOUND: list[Method] = list(found_in(methods, "METHOD").values())
METHODS: dict[str, Method] = {
    method.id: method for method in sorted(_FOUND, key=lambda method: (method.family, method.year, method.id))
}
"""By id; families one after the other, older papers first."""
