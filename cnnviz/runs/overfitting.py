"""Where validation stops following training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["overfitting_onset"]


def overfitting_onset(epochs: Sequence[Mapping[str, Any]], later: int = 4) -> int | None:
    """Returns the epoch at which validation turned away from training, or `None`.

    That is the epoch of the lowest validation loss, if at least `later` epochs follow in which the validation loss
    lies more than 2 % above it and rises by more than twice its own scatter (about a straight line), while the
    training loss went on falling.
    """
    kept = [(record["epoch"], *values) for record in epochs if None not in (values := _pair(record))]
    if len(kept) <= later:
        return None
    number, training, validation = (np.array(column, float) for column in zip(*kept, strict=True))
    low = int(validation.argmin())
    after, steps = validation[low + 1 :], number[low + 1 :]
    if len(after) < later or np.median(after) <= 1.02 * validation[low] or training[-1] >= training[low]:
        return None
    slope, start = np.polyfit(steps, after, 1)
    scatter = math.sqrt(float(np.mean((after - slope * steps - start) ** 2)))
    return int(number[low]) if slope * (steps[-1] - steps[0]) > 2 * scatter else None


def _pair(record: Mapping[str, Any]) -> tuple[float | None, float | None]:
    return _finite(record.get("loss")), _finite(record.get("val_loss"))


def _finite(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and math.isfinite(value) else None
