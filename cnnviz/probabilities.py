"""Probabilities: made of scores, and as a person reads them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["percent", "percents", "softmax"]


def percents(probabilities: Sequence[float]) -> list[str]:
    """Returns the probabilities of one prediction's classes, all with the same decimals: ["99.9 %", "0.1 %"].

    Those of all classes add up to 100 %, and those of some of them to what they have in all (largest remainder). There
    are as many decimals (two at most) as it takes to tell the likeliest from 100 % and the others from 0 %; what can't
    be told so is "> 99.99 %" or, as "< 0.1 %", less than the last decimal.

    Args:
        probabilities: 0..1.

    Example:
        >>> percents([0.9985, 0.0015])
        ['99.9 %', '0.1 %']
        >>> percents([0.6, 0.3999, 0.0001])
        ['60.0 %', '40.0 %', '< 0.1 %']
    """
    probabilities = [float(one) for one in probabilities]
    greatest = max(probabilities, default=0)
    certain = greatest >= 1 and sum(one > 0 for one in probabilities) == 1  # rounding makes a 1 of what is nearly one
    digits = 1 if greatest > 0.99 or any(0 < one < 0.005 for one in probabilities) else 0
    if certain or greatest > 0.999:
        digits = 0 if certain else 2
    unit = 10.0 ** -(digits + 2)
    exact = [one / unit for one in probabilities]
    whole = [math.floor(one + 1e-6) for one in exact]
    missing = round(sum(exact)) - sum(whole)
    for at in sorted(range(len(probabilities)), key=lambda at: whole[at] - exact[at])[: max(0, missing)]:
        whole[at] += 1
    words = []
    for share, units in zip(probabilities, whole, strict=True):
        if share > 0 and not units:
            words.append(f"< {100 * unit:.{digits}f} %")
        elif units * unit > 1 - unit / 2:
            words.append("100 %" if certain else f"> {100 - 100 * unit:.{digits}f} %")
        else:
            words.append(f"{100 * units * unit:.{digits}f} %" if share > 0 else "0 %")
    return words


def percent(share: float) -> str:
    """Returns a probability by itself: "97 %", "99.98 %", "0.3 %", "< 0.01 %"; as beside that of all other classes."""
    return percents([share, 1 - share])[0]


def softmax(scores: np.ndarray) -> np.ndarray:
    """Returns the probabilities of scores, of the type of `scores`, (n, classes): exp over its sum in each row, written
    so that nothing overflows.

    Args:
        scores: float (n, classes); -inf for a class that can't be.

    Example:
        >>> softmax(np.log([[1.0, 3.0]])).tolist()
        [[0.25, 0.75]]
    """
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return found
