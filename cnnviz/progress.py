"""How long work is stopped."""

from __future__ import annotations

__all__ = ["Cancelled"]


class Cancelled(Exception):
    """The work was asked to stop."""
