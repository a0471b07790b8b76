"""The errors a person can cause. Each message is one sentence: what happened, what was expected, how to fix it."""

from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

__all__ = [
    "NOT_ENOUGH_MEMORY",
    "CnnvizError",
    "DataError",
    "ImageError",
    "ModelError",
    "RecipeError",
    "RunError",
    "disk_full",
    "enough_memory",
    "first_line",
    "one_of",
    "out_of_memory",
    "short",
    "unexpected",
]

NOT_ENOUGH_MEMORY = "The memory was not enough for this model and batch; choose a smaller batch, image or model."
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class CnnvizError(ValueError):
    """Base of every error that cnnviz shows as a sentence instead of a traceback."""


class RecipeError(CnnvizError):
    """A recipe, or a part of one, is not valid."""


class DataError(CnnvizError):
    """A dataset can't be found, read or used."""


class ImageError(CnnvizError):
    """Bytes that can't be used as an image."""


class ModelError(CnnvizError):
    """A model can't be read or doesn't fit its recipe."""


class RunError(CnnvizError):
    """A run can't be found, started, stopped or deleted."""


def first_line(error: BaseException) -> str:
    """Returns the beginning of what a library says is wrong, to stand in a sentence: its first line without the full
    stop, or the error's type where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")


def unexpected(what: str, error: BaseException, log: str) -> str:
    """Returns the sentence for an error that nobody has foreseen.

    Args:
        what: failed, such as "Training".
        error: why.
        log: where its traceback is, such as "the log".
    """
    first = str(error).strip().splitlines()[:1]
    return f"{what} failed with {type(error).__name__}: {first[0][:200] if first else 'no message'}; see {log}."


def disk_full(error: BaseException | None) -> bool:
    """Whether this, or what it came from, is a full disk; HDF5 says so only in its words."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if isinstance(error, (OSError, RuntimeError)) and "No space left on device" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def out_of_memory(error: BaseException) -> bool:
    """Whether Python's or TensorFlow's memory was not enough."""
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


@contextmanager
def enough_memory() -> Iterator[None]:
    """Turns what is raised where the memory is not enough into a sentence; as `with` or as a decorator.

    Raises:
        ModelError: the memory was not enough.
    """
    try:
        yield
    except Exception as error:
        if not out_of_memory(error):
            raise
        raise ModelError(
            "The memory of this computer isn't enough to ask the model this: end other programs, or "
            "take fewer or smaller images or a smaller model."
        ) from None


def short(text: object, most: int = 60) -> str:
    """Returns a stranger's or a library's text as it may stand in a sentence: one line, printable, short."""
    line = _COLOURS.sub("", str(text)[: 4 * most])
    line = "".join(c if c.isprintable() else " " for c in line)
    line = " ".join(line.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def one_of(value: object, allowed: Iterable[str]) -> str:
    """Returns the tail of a sentence that names the allowed values and the nearest one, if any is near."""
    allowed = list(allowed)
    by_lower = {name.lower(): name for name in allowed}
    near = difflib.get_close_matches(str(value).lower(), by_lower, n=1)
    hint = f" (did you mean {by_lower[near[0]]!r}?)" if near else ""
    return f"choose one of {', '.join(allowed)}{hint}"
