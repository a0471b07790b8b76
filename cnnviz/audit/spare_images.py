"""Which of several duplicates to leave out, so that one of each stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cnnviz.audit.audit import Audit
from cnnviz.audit.pool import Pool
from cnnviz.data.review import Decision, Review
from cnnviz.frozen_model import FrozenDict

__all__ = ["duplicates_review", "spare_images"]

_ORDER = ("test", "validation", "train")


def spare_images(groups: Iterable[Sequence[str]], pool: Pool) -> list[str]:
    """Returns the names of all images but one of each group; of images in several splits that in the test split stays,
    so that what is measured is honest.

    Args:
        groups: of duplicates, by their images' names.
        pool: the images' splits.
    """
    split = dict(zip(pool.names, pool.split.tolist(), strict=True))
    return [name for group in groups for name in sorted(group, key=lambda name: _ORDER.index(split[name]))[1:]]


def duplicates_review(found: Audit, pool: Pool) -> Review:
    """Returns the review that keeps one of each group of duplicates, exact and near, and leaves out the others."""
    gone = dict.fromkeys(spare_images(found.duplicates, pool), Decision(leave_out=True))
    return Review(dataset=found.dataset, decisions=FrozenDict(gone))
