"""Targets: the number that an explanation explains."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnviz.errors import ModelError

__all__ = ["Target", "class_index", "weights_of"]


@dataclass(frozen=True)
class Target:
    """A class's score before softmax or sigmoid.

    Attributes:
        head: which of the model's outputs, from 0.
        index: which class of it, from 0. A head of one unit has two classes: 1 is its logit, 0 is minus its logit.
        against: another class whose score is taken away, so that what speaks for `index` rather than for it is
            explained.
    """

    head: int = 0
    index: int = 0
    against: int | None = None

    def weights(self, units: int) -> np.ndarray:
        """Returns by what to multiply the head's logits, whose sum is then the score: float32 (units,).

        Raises:
            ModelError: the head has no such class.
        """
        row = np.zeros(units, np.float32)
        for index, sign in ((self.index, 1), (self.against, -1)):
            if index is None:
                continue
            if not 0 <= index < max(units, 2):
                raise ModelError(f"Class {index} can't be explained: the head's classes are 0 to {max(units, 2) - 1}.")
            if units == 1:
                row[0] += sign * (1 if index == 1 else -1)
            else:
                row[index] += sign
        return row

    def score(self, outputs: Sequence[Any]) -> Any:
        """Returns the scores (n,) from the logits of all heads, arrays or tensors (n, units)."""
        logits = outputs[self.head]
        return (
            (logits * self.weights(int(logits.shape[-1]))).sum(-1)
            if isinstance(logits, np.ndarray)
            else (logits @ self.weights(int(logits.shape[-1]))[:, None])[:, 0]
        )


def weights_of(target: Target | Sequence[Target], units: Sequence[int], count: int) -> tuple[int, np.ndarray]:
    """Returns the head and, for each of `count` images, by what to multiply its logits: float32 (count, units).

    Args:
        target: one for all images, or one for each, all of the same head.
        units: how many each head has.
        count: how many images there are.

    Raises:
        ModelError: no such head or class, different heads, or another number of targets than images.
    """
    targets = [target] * count if isinstance(target, Target) else list(target)
    if len(targets) != count:
        raise ModelError(f"There are {len(targets)} targets for {count} images: expected one for all or one for each.")
    heads = {one.head for one in targets}
    if len(heads) != 1:
        raise ModelError(f"The targets are of {len(heads)} heads: images explained at once need the same one.")
    head = heads.pop()
    if not 0 <= head < len(units):
        raise ModelError(f"Head {head} can't be explained: the model's heads are 0 to {len(units) - 1}.")
    return head, np.stack([one.weights(units[head]) for one in targets])


def class_index(subject: str | None, classes: Sequence[str]) -> int | None:
    """Returns the class of this name, else of this index; `None` where there is neither."""
    if subject is None:
        return None
    if subject in classes:
        return list(classes).index(subject)
    return int(subject) if re.fullmatch(r"[0-9]{1,6}", subject) and int(subject) < len(classes) else None
