"""What is drawn for one image: a pure function of (policy, seed, epoch, sample).

The random numbers come from Philox4x32-10, a counter-based generator (Salmon et al., "Parallel random numbers: as easy
as 1, 2, 3", 2011): a number is a hash of its counter, so that every (seed, epoch, sample, step) has its own numbers and
a whole batch is drawn by a few NumPy calls. NumPy's own Philox is not used because it is started once a stream, which
for six numbers an image takes longer than the numbers.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cnnviz.errors import RecipeError, one_of
from cnnviz.policy import STEPS, Policy

__all__ = ["Drawn", "draw", "draw_batch", "drawn_at", "uniform"]

ASPECT = 3.0  # an erased rectangle is at most this many times as wide as high, or as high as wide
_WORD = np.uint64(32)
_LOW = np.uint64(2**32 - 1)
_FACTORS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_STEPS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)


class Drawn(NamedTuple):
    """What was drawn for a step: whether it is applied, and its values by the names of `STEPS[type].draws`.

    `value` (for zoom, `x` and `y`) lies in the step's range. The others are places and patterns: `x` and `y` are
    shares, 0..1, of the room that the window or rectangle can move in, `aspect` is width over height, both as shares
    of the image's (1/3 to 3, evenly in its logarithm), and `pattern`, 0..1, tells one field of noise from another.
    """

    type: str
    applied: bool
    values: dict[str, float]


def draw(policy: Policy, *, seed: int, epoch: int, sample: int) -> tuple[Drawn, ...]:
    """Returns what is drawn for one image, a `Drawn` for each of the policy's steps in their order.

    Numbers are keyed by the kind of step and how many of that kind come before it: adding, removing or moving other
    steps leaves them as they are.

    Args:
        policy: The steps, with the ranges that are drawn from evenly.
        seed: 0 to 2³²−1, the recipe's.
        epoch: 0 to 2³²−1.
        sample: 0 to 2⁶⁴−1, the number of the image in its dataset.

    Raises:
        RecipeError: a number out of these bounds.
    """
    return draw_batch(policy, seed=seed, epoch=epoch, samples=(sample,))[0]


def draw_batch(
    policy: Policy, *, seed: int, epoch: int, samples: Sequence[int] | np.ndarray
) -> list[tuple[Drawn, ...]]:
    """Returns `draw` of every sample, in one go."""
    samples = _checked(seed, epoch, samples)
    if not policy.steps:
        return [()] * len(samples)
    numbered: list[tuple[str, int]] = []
    seen: dict[str, int] = {}
    for step in policy.steps:
        numbered.append((step.type, seen.get(step.type, 0)))
        seen[step.type] = seen.get(step.type, 0) + 1
    names = [STEPS[step.type].draws for step in policy.steps]
    numbers = uniform(numbered, 1 + max(map(len, names)), seed=seed, epoch=epoch, samples=samples)
    applied = (numbers[..., 0] < [step.probability for step in policy.steps]).tolist()
    values = numbers[..., 1:]
    for position, step in enumerate(policy.steps):
        for column, name in enumerate(names[position]):
            if name in STEPS[step.type].ranged:
                low, high = map(float, step.ends)
                values[:, position, column] = np.clip(low + values[:, position, column] * (high - low), low, high)
            elif name == "aspect":
                values[:, position, column] = ASPECT ** (2 * values[:, position, column] - 1)
    kinds = [step.type for step in policy.steps]
    rows = zip(applied, values.tolist(), strict=True)
    return [
        tuple(Drawn(*one) for one in zip(kinds, flags, map(_named, names, places), strict=True))
        for flags, places in rows
    ]


def drawn_at(kind: str, value: float) -> Drawn:
    """Returns a step of this kind applied with this value, in the middle where it has a place; for strips.

    Kinds without a range are applied from 0.5 on.
    """
    if kind not in STEPS:
        raise RecipeError(f"There is no step {kind!r}: {one_of(kind, STEPS)}.")
    if STEPS[kind].bounds is None:
        return Drawn(kind, value >= 0.5, {})
    ranged = STEPS[kind].ranged
    middle = {"x": 0.5, "y": 0.5, "aspect": 1.0, "pattern": 0.5}
    values = {name: float(value) if name in ranged else middle[name] for name in STEPS[kind].draws}
    return Drawn(kind, True, values)


def uniform(kinds: Sequence[tuple[str, int]], count: int, *, seed: int, epoch: int, samples: np.ndarray) -> np.ndarray:
    """Returns `count` numbers in (0, 1) for each sample and kind, float64 of shape (n, kinds, count).

    Args:
        kinds: Any names, each with a number below 2²⁴; together with seed, epoch and sample they choose the numbers.
        samples: uint64 of shape (n,).
    """
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    names = np.array([zlib.crc32(kind.encode()) for kind, _ in kinds], np.uint64)
    turns = np.array([nth << 8 for _, nth in kinds], np.uint64)
    counter = np.empty((4, len(samples), len(kinds), len(blocks)), np.uint64)
    counter[0] = turns[:, None] + blocks
    counter[1] = names[:, None]
    counter[2] = (samples & _LOW)[:, None, None]
    counter[3] = epoch
    words = philox(counter, (np.uint64(seed), (samples >> _WORD)[:, None, None]))
    return (np.stack(words, axis=-1).reshape(*counter.shape[1:3], -1)[..., :count] + 0.5) / 2.0**32


def philox(counter: np.ndarray, key: tuple) -> tuple[np.ndarray, ...]:
    """Returns Philox4x32-10's four output words for four counter words and two key words, all 32 bits in uint64."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        first, second = c0 * _FACTORS[0], c2 * _FACTORS[1]
        c0, c1, c2, c3 = (second >> _WORD) ^ c1 ^ k0, second & _LOW, (first >> _WORD) ^ c3 ^ k1, first & _LOW
        k0, k1 = (k0 + _STEPS[0]) & _LOW, (k1 + _STEPS[1]) & _LOW
    return c0, c1, c2, c3


def _checked(seed: int, epoch: int, samples: Sequence[int] | np.ndarray) -> np.ndarray:
    for name, number in (("seed", seed), ("epoch", epoch)):
        if not 0 <= number < 2**32:
            raise RecipeError(f"The {name} of a draw is {number}: expected a whole number from 0 to {2**32 - 1}.")
    wanted = np.asarray(samples)
    if wanted.ndim != 1 or (wanted.size and (wanted.dtype.kind not in "iu" or wanted.min() < 0)):
        raise RecipeError("The samples of a draw must be a flat list of whole numbers from 0 on.")
    return wanted.astype(np.uint64)


def _named(names: tuple[str, ...], numbers: list[float]) -> dict[str, float]:
    return dict(zip(names, numbers, strict=False))
