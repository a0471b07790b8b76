"""What a learning-rate range test says: a loss for each rate, its smooth curve, and the rate that it suggests."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["LearningRateRange", "learning_rate_range", "running_mean", "valley"]

SMOOTHING = 0.9
"""How much a loss counts beside the one after it: the last ten or so count, half a power of ten. fastai's
0.98 lags a whole one behind."""
FEWEST = 20
"""So many steps are needed for a suggestion."""
_BEFORE, _AFTER = 0.1, 5  # the share of the first steps and the number of the last that fastai leaves out


@dataclass(frozen=True)
class LearningRateRange:
    """A learning-rate range test (L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", 2015,
    arXiv:1506.01186).

    Attributes:
        rates: the learning rate of each step, ascending.
        losses: each step's loss, of its batch alone.
        smoothed: their running mean, see `running_mean`.
        suggestion: the suggested learning rate, rounded to two significant digits; `None` where there is none.
        reason: why there is none, one sentence; else "".
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float | None
    reason: str = ""


def learning_rate_range(rates: Sequence[float], losses: Sequence[float]) -> LearningRateRange:
    """Returns the range test of these steps, with the rate that `valley` suggests.

    There is none where the steps are too few, or where the smooth loss nowhere falls by more than a batch's loss
    differs from another's (the standard deviation over the first sixth, at rates that change next to nothing).

    Args:
        rates: ascending, above 0.
        losses: as many, all finite.

    Example:
        >>> rates = [10 ** (at / 10 - 7) for at in range(80)]
        >>> losses = [2.0] * 30 + [2.0 - 0.05 * at for at in range(30)] + [0.6 + 0.3 * at for at in range(20)]
        >>> learning_rate_range(rates, losses).suggestion
        0.00063
    """
    smoothed = running_mean(losses)
    if len(losses) < FEWEST:
        why = f"The loss could be followed for {len(losses)} steps only, as it grew too fast already at low rates."
        return LearningRateRange(tuple(rates), tuple(losses), tuple(smoothed), None, why)
    count = max(2, len(losses) // 6)
    level, differs = statistics.fmean(losses[:count]), statistics.pstdev(losses[:count])
    if level - min(smoothed[count:]) <= differs + 1e-6 * abs(level):  # the last for what sums are rounded by
        why = "No learning rate lowers the loss by more than batches differ anyway: data or model may be the cause."
        return LearningRateRange(tuple(rates), tuple(losses), tuple(smoothed), None, why)
    start = int(_BEFORE * len(smoothed))
    at = start + valley(smoothed[start : len(smoothed) - _AFTER])
    return LearningRateRange(tuple(rates), tuple(losses), tuple(smoothed), float(f"{rates[at]:.2g}"))


def running_mean(losses: Sequence[float], weight: float = SMOOTHING) -> list[float]:
    """Returns the mean of all losses up to each, every one counting `weight` times as much as the one after it.

    Args:
        losses: one for each step.
        weight: 0 (nothing is smoothed) to less than 1.

    Example:
        >>> running_mean([1.0, 2.0], 0.5)
        [1.0, 1.6666666666666667]
    """
    mean, found = 0.0, []
    for count, loss in enumerate(losses, 1):
        mean = weight * mean + (1 - weight) * loss
        found.append(mean / (1 - weight**count))
    return found


def valley(losses: Sequence[float]) -> int:
    """Returns the number of the step that fastai's rule "valley" suggests, its default since 2.3: half-way down the
    longest valley.

    The valley ends with the longest decreasing subsequence of the losses, the first of several as long, and begins as
    many steps before; the suggestion is a third and a sixth of its length behind its beginning, each rounded down.

    Args:
        losses: smooth, one for each step, at least one.

    Example:
        >>> valley([3.0, 3.0, 2.5, 2.0, 1.5, 1.0, 0.5, 4.0])
        2
    """
    lengths: list[int] = []  # of the longest decreasing subsequence that ends with each
    for at, loss in enumerate(losses):
        lengths.append(1 + max((lengths[k] for k in range(at) if losses[k] > loss), default=0))
    longest = max(lengths)
    start = lengths.index(longest) - longest
    return max(0, start + int(longest / 3) + int(longest / 6))
