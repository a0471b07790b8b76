"""Probabilities in words: the same decimals, adding up, and never a certainty that isn't there."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz.probabilities import percent, percents


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, "0 %"),
        (0.00001, "< 0.01 %"),
        (0.0004, "0.04 %"),
        (0.004, "0.4 %"),
        (0.0096, "1.0 %"),
        (0.06, "6 %"),
        (0.5, "50 %"),
        (0.99, "99 %"),
        (0.993, "99.3 %"),
        (0.9998, "99.98 %"),
        (0.99999, "> 99.99 %"),
        (1.0, "100 %"),
    ],
)
def test_a_probability_is_rounded_to_what_it_means(share: float, expected: str) -> None:
    assert percent(share) == expected


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ([0.9985, 0.0015], ["99.9 %", "0.1 %"]),
        ([1 / 3, 1 / 3, 1 / 3], ["34 %", "33 %", "33 %"]),
        ([0.57, 0.428, 0.002], ["57.0 %", "42.8 %", "0.2 %"]),
        ([0.75, 0.25, 1e-7], ["75.0 %", "25.0 %", "< 0.1 %"]),
        ([0.99999, 0.00001], ["> 99.99 %", "< 0.01 %"]),
        ([1.0, 1e-9], ["> 99.99 %", "< 0.01 %"]),
        ([1.0, 0.0], ["100 %", "0 %"]),
        ([0.4, 0.3, 0.2], ["40 %", "30 %", "20 %"]),  # of more classes than are listed
        ([], []),
    ],
)
def test_the_probabilities_of_one_answer_are_written_alike(probabilities: list[float], expected: list[str]) -> None:
    assert percents(probabilities) == expected


@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
def test_they_add_up_and_are_near_what_they_are(classes: int) -> None:
    rng = np.random.default_rng(classes)
    for _ in range(300):
        probabilities = rng.dirichlet(np.full(classes, 10 ** rng.uniform(-2, 1))).astype(np.float32)
        written = percents(probabilities.tolist())
        numbers = [word for word in written if word[0] not in "<>"]
        assert len({len(word[:-2].partition(".")[2]) for word in numbers if word not in ("0 %", "100 %")}) <= 1
        if not any(word[0] == ">" for word in written):
            assert sum(float(word[:-2]) for word in numbers) == pytest.approx(100, abs=1e-6)
        for share, word in zip(probabilities.tolist(), written, strict=True):
            assert (word == "0 %") == (share == 0)
            assert (word == "100 %") <= (share == 1)
            assert abs(float(word.strip("<>% ")) - 100 * share) < 1
