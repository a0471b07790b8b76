"""A few large numbers with their names, as one piece of HTML that is there at once."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from cnnviz.figures.html import render

__all__ = ["numbers"]


def numbers(figures: Iterable[tuple[str, str, str]]) -> Markup:
    """Returns name, value and an explaining sentence for each figure, the sentence as a tooltip; as HTML."""
    return render("numbers.html", figures=figures)
