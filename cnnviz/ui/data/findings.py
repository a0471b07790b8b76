"""What an audit found, as views of images: which, in what order, and what is said of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cnnviz.audit.audit import Audit
from cnnviz.audit.pool import Pool

__all__ = ["FINDINGS", "Finding", "Shown"]


@dataclass(frozen=True)
class Shown:
    """An image of a finding: its name, what is said of it beside label and split, and the class that is suggested for a
    head, if one is."""

    image: str
    words: str = ""
    suggested: tuple[str, str] | None = None


@dataclass(frozen=True)
class Finding:
    """A kind of finding.

    Attributes:
        title: of the choice.
        caption: one line on what is shown.
        images: the groups of an audit's images, or one image each.
    """

    title: str
    caption: str
    images: Callable[[Audit, Pool], list[list[Shown]]]


def _single(shown: list[Shown]) -> list[list[Shown]]:
    return [[one] for one in shown]


def _leaks(found: Audit, pool: Pool) -> list[list[Shown]]:
    return [group for group in _duplicates(found, pool) if _leaky({one.words for one in group})]


def _leaky(splits: set[str]) -> bool:
    return "train" in splits and bool(splits & {"test", "validation"})


def _duplicates(found: Audit, pool: Pool) -> list[list[Shown]]:
    return _with_splits(found.duplicates, pool)


def _with_splits(groups: list[tuple[str, ...]], pool: Pool) -> list[list[Shown]]:
    split = dict(zip(pool.names, pool.split.tolist(), strict=True))
    return [[Shown(name, split[name]) for name in group] for group in groups]


def _contradictions(found: Audit, pool: Pool) -> list[list[Shown]]:
    wanted = {found.exact[k] for numbers in found.contradictions.values() for k in numbers}
    wanted |= {found.near[k] for numbers in found.near_contradictions.values() for k in numbers}
    return _with_splits(sorted(wanted), pool)


def _wrong(found: Audit, pool: Pool) -> list[list[Shown]]:
    return _single(
        [
            Shown(one.image, f"rather {one.suggested} · {one.score:.0%}", (one.head, one.suggested))
            for one in found.suspects
        ]
    )


def _hard(found: Audit, pool: Pool) -> list[list[Shown]]:
    return _single([Shown(one.image, f"{one.label} only {one.probability:.0%}") for one in found.hard])


def _odd(found: Audit, pool: Pool) -> list[list[Shown]]:
    return _single([Shown(one.image, one.kind) for one in found.outliers])


FINDINGS: dict[str, Finding] = {
    "leaks": Finding("Leaks", "The same images in training and in another split, group by group.", _leaks),
    "duplicates": Finding("Duplicates", "Exact and near duplicates, group by group.", _duplicates),
    "contradictions": Finding("Contradictions", "The same image with different labels.", _contradictions),
    "labels": Finding("Wrong labels", "Models that did not see the image say otherwise, the surest first.", _wrong),
    "hard": Finding("Hard", "Probably labelled right, but models find it hard.", _hard),
    "odd": Finding("Odd ones", "Images that differ from all others.", _odd),
}
"""By what stands for them in the page's address."""
