"""The errors a person can cause. Each message is one sentence: what happened, what was expected, how to fix it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["CnnvizError", "DataError", "ImageError", "ModelError", "RecipeError", "RunError", "one_of"]


class CnnvizError(ValueError):
    """Base of every error that cnnviz shows as a sentence instead of a traceback."""


class RecipeError(CnnvizError):
    """A recipe, or a part of one, is not valid."""


class DataError(CnnvizError):
    """A dataset can't be found, read or used."""


class ImageError(CnnvizError):
    """Bytes that can't be used as a picture."""


class ModelError(CnnvizError):
    """A network can't be read or doesn't fit its recipe."""


class RunError(CnnvizError):
    """A run can't be found, started, stopped or deleted."""


def one_of(value: object, allowed: Iterable[str]) -> str:
    """Returns the tail of a sentence that names the allowed values and the nearest one, if any is near."""
    allowed = list(allowed)
    by_lower = {name.lower(): name for name in allowed}
    near = difflib.get_close_matches(str(value).lower(), by_lower, n=1)
    hint = f" (did you mean {by_lower[near[0]]!r}?)" if near else ""
    return f"choose one of {', '.join(allowed)}{hint}"
