"""What a dataset holds, as bars of HTML, which are there at once and are text for those who can't see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from cnnviz.figures.html import render

__all__ = ["class_bars"]

MOST = 500  # rows
_SPLITS = {"train": ("Training", "#14998c"), "validation": ("Validation", "#d07a2b"), "test": ("Test", "#7c74e8")}


def class_bars(classes: Sequence[str], counts: Mapping[str, Sequence[int]]) -> Markup:
    """Returns a bar for each class, its splits one behind another, and how many samples that is; as HTML.

    Args:
        classes: their names, in the order of their indices; they become text, whatever they contain.
        counts: for each split (train, validation, test) a number per class.
    """
    totals = [sum(int(numbers[index]) for numbers in counts.values()) for index in range(len(classes))]
    most = max([1, *totals])
    rows = [
        (name, f"{total:,}", [_bar(split, int(numbers[index]), most) for split, numbers in counts.items()])
        for index, (name, total) in enumerate(zip(classes[:MOST], totals, strict=False))
    ]
    more = f"{len(classes) - MOST:,}" if len(classes) > MOST else ""
    return render("class_bars.html", splits=[_SPLITS[split] for split in counts], rows=rows, more=more)


def _bar(split: str, count: int, most: int) -> tuple[str, str, str, str]:
    """What the bar is called, its number, its width in percent and its colour."""
    word, colour = _SPLITS[split]
    return word, f"{count:,}", f"{100 * count / most:.2f}", colour
