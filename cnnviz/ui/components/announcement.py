"""What a page says to those who can't see it change: a live region that stays, whose text is put anew."""

from __future__ import annotations

from cnnviz.ui.components.component import component

__all__ = ["announce"]


def announce(text: str, *, key: str) -> None:
    """Has screen readers say a text when it differs from the last one under this key; it isn't to be seen."""
    component("announcement")(data={"text": text}, key=key)
