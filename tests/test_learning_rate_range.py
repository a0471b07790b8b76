"""The suggestion of a learning-rate range test, held against curves worked out by hand and another implementation."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnviz.learning_rate_range import FEWEST, learning_rate_range, running_mean, valley

RATES = [10 ** (at / 10 - 7) for at in range(80)]


def brute_valley(losses: list[float]) -> int:
    """The rule by trying all subsequences, the longest first, and of these the one that ends first."""
    for length in range(len(losses), 0, -1):
        ends = [
            chosen[-1]
            for chosen in combinations(range(len(losses)), length)
            if all(losses[a] > losses[b] for a, b in pairwise(chosen))
        ]
        if ends:
            start = min(ends) - length
            return max(0, start + length // 3 + length // 6)
    raise AssertionError


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 6).map(float), min_size=1, max_size=11))
def test_the_valley_is_that_of_all_subsequences(losses: list[float]) -> None:
    assert valley(losses) == brute_valley(losses)


@pytest.mark.parametrize(
    ("losses", "step"),
    [
        # a flat one and 12 lower ones down to number 14: it begins 13 before, at 1, and 4 + 2 steps on is 7
        ([5.0, 5.0, 5.0, *(4.5 - at / 4 for at in range(12)), 9.0], 7),
        # 6 steps down from the first: begins at −1 as fastai counts, and 2 + 1 steps on is 2
        ([6.0, 5.0, 4.0, 3.0, 2.0, 1.0], 2),
        # rises only: each step alone, the first of which counts
        ([1.0, 2.0, 3.0], 0),
    ],
)
def test_curves_by_hand(losses: list[float], step: int) -> None:
    assert valley(losses) == step


def test_the_running_mean_begins_with_the_first_loss_and_keeps_a_constant() -> None:
    assert running_mean([3.0] * 9, 0.9) == pytest.approx([3.0] * 9)
    assert running_mean([1.0, 2.0, 4.0], 0.5) == pytest.approx([1, 5 / 3, (0.25 * 1 + 0.5 * 2 + 4) / 1.75])
    assert running_mean([4.0, 7.0], 0.0) == [4.0, 7.0]


def test_a_clean_valley_has_its_suggestion_on_the_way_down() -> None:
    losses = [2.0] * 30 + [2.0 - 0.05 * at for at in range(30)] + [0.6 + 0.3 * at for at in range(20)]
    found = learning_rate_range(RATES, losses)
    assert found.reason == ""
    assert RATES[30] < found.suggestion < RATES[60]
    assert found.suggestion == float(f"{found.suggestion:.2g}")
    smooth = running_mean(losses)
    assert found.suggestion == pytest.approx(RATES[8 + brute_index(smooth[8:75])], rel=0.05)
    assert (found.rates, found.losses, found.smoothed) == (tuple(RATES), tuple(losses), tuple(smooth))


def brute_index(losses: list[float]) -> int:
    """The rule as fastai writes it, with its loops over all pairs."""
    lengths, start, end = [1] * len(losses), 0, 0
    for i in range(1, len(losses)):
        for j in range(i):
            if losses[i] < losses[j] and lengths[i] < lengths[j] + 1:
                lengths[i] = lengths[j] + 1
            if lengths[end] < lengths[i]:
                end, start = i, i - lengths[i]
    sections = (end - start) / 3
    return start + int(sections) + int(sections / 2)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 5), min_size=30, max_size=60, unique=True))
def test_the_valley_is_fastais(losses: list[float]) -> None:
    assert valley(losses) == max(0, brute_index(losses))


@pytest.mark.parametrize(
    "losses",
    [
        [2.0] * 80,  # nothing happens
        [2.0 + at / 40 for at in range(80)],  # it only rises
        [2.0 + 0.3 * (-1) ** at for at in range(80)],  # it only differs by batch
    ],
)
def test_where_no_rate_lowers_the_loss_none_is_suggested(losses: list[float]) -> None:
    found = learning_rate_range(RATES, losses)
    assert found.suggestion is None
    assert found.reason.startswith("No learning rate lowers the loss")


@pytest.mark.parametrize("count", [0, 1, FEWEST - 1])
def test_too_few_steps_give_none(count: int) -> None:
    found = learning_rate_range(RATES[:count], [1.0] * count)
    assert found.suggestion is None
    assert f"for {count} steps only" in found.reason
