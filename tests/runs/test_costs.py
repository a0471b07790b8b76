"""What mistakes cost at each threshold, against counting by hand."""

import numpy as np
import pytest

from cnnviz.runs.costs import THRESHOLDS, best_threshold, costs_of_answering, costs_of_two_classes


def test_costs_of_two_classes_are_those_counted_by_hand() -> None:
    rng = np.random.default_rng(0)
    labels, share = rng.integers(0, 2, 200), rng.random(200)
    found = costs_of_two_classes(labels, share, 2.0, 7.0)
    for at in (0, 37, 100, 163, 200):
        said = [value >= THRESHOLDS[at] for value in share]
        false_positive = sum(one and label == 0 for one, label in zip(said, labels, strict=True))
        false_negative = sum(not one and label == 1 for one, label in zip(said, labels, strict=True))
        assert found.counts["false_positive"][at] == false_positive
        assert found.counts["false_negative"][at] == false_negative
        assert found.mean[at] == pytest.approx((2 * false_positive + 7 * false_negative) / 200)


def test_the_best_threshold_is_that_of_the_theory() -> None:
    """With calibrated probabilities it is where both answers cost the same: c(fp) / (c(fp) + c(fn)) (Elkan 2001)."""
    rng = np.random.default_rng(1)
    share = rng.random(200_000)
    labels = (rng.random(200_000) < share).astype(int)
    for false_positive, false_negative in ((1, 1), (1, 4), (3, 1)):
        found = costs_of_two_classes(labels, share, false_positive, false_negative)
        wanted = false_positive / (false_positive + false_negative)
        assert THRESHOLDS[best_threshold(found)] == pytest.approx(wanted, abs=0.03)


def test_costs_of_answering_are_those_counted_by_hand() -> None:
    right, confidence = np.array([True, True, False, False]), np.array([0.99, 0.6, 0.7, 0.3])
    found = costs_of_answering(right, confidence, 10, 1)
    assert found.mean[[0, 80, 130, 150, 200]].tolist() == [5, 2.75, 3, 0.75, 1]
    assert found.counts["unanswered"][[0, 80, 200]].tolist() == [0, 1, 4]
    assert THRESHOLDS[best_threshold(found)] == pytest.approx((0.705 + 0.99) / 2, abs=0.01)


def test_where_no_answer_costs_as_much_as_a_wrong_one_all_are_answered() -> None:
    found = costs_of_answering(np.array([True, False]), np.array([0.6, 0.5]), 1, 1)
    assert THRESHOLDS[best_threshold(found)] <= 0.5
