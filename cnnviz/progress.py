"""How slow work says how far it is, and how it is cancelled."""

from __future__ import annotations

from collections.abc import Callable, Iterator

__all__ = ["CancelCheck", "Cancelled", "Progress", "batches", "check_cancelled"]

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done and how much there is (0: unknown)."""
CancelCheck = Callable[[], bool]
"""Asked now and then; `True` ends the work."""


class Cancelled(Exception):
    """The work was asked to stop."""


def check_cancelled(cancelled: CancelCheck | None) -> None:
    """Raises `Cancelled` where `cancelled` says so."""
    if cancelled is not None and cancelled():
        raise Cancelled


def batches(
    total: int,
    size: int,
    what: str = "",
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
    *,
    before: int = 0,
    whole: int | None = None,
) -> Iterator[slice]:
    """Yields the parts of a work of `total`, at most `size` each; says how far it is after each.

    Args:
        total: how much there is.
        size: of a part.
        what: what is being done.
        progress: see `Progress`.
        cancelled: asked before each part.
        before: how much was done before, where this is a piece of a larger work …
        whole: … of so much.

    Raises:
        Cancelled: `cancelled` said so.
    """
    for start in range(0, total, size):
        check_cancelled(cancelled)
        end = min(start + size, total)
        yield slice(start, end)
        if progress is not None:
            progress(what, before + end, total if whole is None else whole)
