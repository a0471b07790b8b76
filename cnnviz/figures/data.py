"""What a dataset holds, as bars of HTML, which are there at once and are text for those who can't see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnviz.figures.style import escape_attr, escape_text

__all__ = ["class_bars"]

MOST = 500  # rows
_SPLITS = {"train": ("Training", "#14998c"), "validation": ("Validation", "#d07a2b"), "test": ("Test", "#7c74e8")}


def class_bars(classes: Sequence[str], counts: Mapping[str, Sequence[int]]) -> str:
    """Returns a bar for each class, its splits one behind another, and how many samples that is; as HTML.

    Args:
        classes: their names, in the order of their indices; they become text, whatever they contain.
        counts: for each split (train, validation, test) a number per class.
    """
    totals = [sum(int(numbers[index]) for numbers in counts.values()) for index in range(len(classes))]
    most = max([1, *totals])
    rows = []
    for index, (name, total) in enumerate(zip(classes[:MOST], totals, strict=False)):
        bars = "".join(_bar(split, int(numbers[index]), most) for split, numbers in counts.items())
        rows.append(
            f'<div title="{escape_attr(name)}" style="max-width:8rem;overflow:hidden;text-overflow:ellipsis;'
            f'white-space:nowrap">{escape_text(name, 60)}</div><div style="display:flex;height:0.9rem">{bars}</div>'
            f'<div style="text-align:right;opacity:0.75">{total:,}</div>'
        )
    more = f"<p>… and {len(classes) - MOST:,} more classes</p>" if len(classes) > MOST else ""
    return (
        f'<div style="font-size:0.85rem;font-variant-numeric:tabular-nums"><div>{_legend(counts)}</div>'
        '<div style="display:grid;grid-template-columns:max-content 1fr max-content;gap:0.35rem 0.6rem;'
        f'align-items:center;max-height:25rem;overflow-y:auto;margin-top:0.6rem">{"".join(rows)}</div>{more}</div>'
    )


def _bar(split: str, count: int, most: int) -> str:
    word, colour = _SPLITS[split]
    return f'<div title="{word}: {count:,}" style="width:{100 * count / most:.2f}%;background:{colour}"></div>'


def _legend(splits: Sequence[str] | Mapping[str, object]) -> str:
    marks = (_SPLITS[split] for split in splits)
    return "".join(
        '<span style="white-space:nowrap;margin-right:1rem"><span style="display:inline-block;width:0.7rem;'
        f'height:0.7rem;border-radius:0.15rem;background:{colour};margin-right:0.35rem"></span>{word}</span>'
        for word, colour in marks
    )
