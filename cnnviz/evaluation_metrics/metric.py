"""What an evaluation metric is: one number for one head on one split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["EvaluationMetric"]


@dataclass(frozen=True)
class EvaluationMetric:
    """A number for one head's predictions; the file's name is its key in reports.

    Attributes:
        title: what a page calls it.
        description: one sentence.
        value: from true classes int (n,), n at least 1, and class probabilities float32 (n, classes) to the number, or
            `None` where it says nothing.
        source: the library or paper.
    """

    title: str
    description: str
    value: Callable[[np.ndarray, np.ndarray], float | None]
    source: str
