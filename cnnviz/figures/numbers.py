"""A few large numbers with their names, as one piece of HTML that is there at once."""

from __future__ import annotations

from collections.abc import Iterable

from cnnviz.figures.style import escape_attr, escape_text

__all__ = ["numbers"]


def numbers(figures: Iterable[tuple[str, str, str]]) -> str:
    """Returns name, value and an explaining sentence for each figure, the sentence as a tooltip; as HTML."""
    drawn = "".join(
        f'<div title="{escape_attr(message)}" style="min-width:7.5rem"><dt style="font-size:0.85rem;opacity:0.75">'
        f'{escape_text(name, 60)}</dt><dd style="margin:0;font-size:1.75rem;line-height:1.4;white-space:nowrap;'
        f'font-variant-numeric:tabular-nums">{escape_text(value, 40)}</dd></div>'
        for name, value, message in figures
    )
    return f'<dl style="display:flex;flex-wrap:wrap;gap:0.5rem 2.5rem;margin:0">{drawn}</dl>'
