"""Two runs on the same images, against scikit-learn's and SciPy's figures and cases by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, bootstrap

from cnnviz.errors import DataError
from cnnviz.runs.pairs import OUTCOMES, difference_interval, mcnemar, pair, shared_heads
from cnnviz.runs.predictions import Predictions


def predictions(labels: list[int], probabilities: list[list[float]], classes=("cat", "dog"), head="label"):
    return Predictions(
        "test",
        "",
        "",
        np.arange(len(labels)),
        {head: np.array(labels, np.int64)},
        {head: np.array(probabilities, np.float32)},
        {head: np.zeros(len(labels), np.float32)},
        {head: tuple(classes)},
    )


FIRST = predictions([0, 0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])


def test_images_are_found_by_name_whatever_their_order() -> None:
    # b is mended, c is broken, a right in both; d was not measured by the second run, e not by the first
    second = predictions([1, 0, 0, 0], [[0.8, 0.2], [0.7, 0.3], [0.9, 0.1], [0.5, 0.5]])
    found = pair(FIRST, ["a", "b", "c", "d"], second, ["c", "b", "a", "e"], "label")
    assert found.names == ("c", "b", "a")
    told = {outcome: [found.names[k] for k in found.positions(outcome)] for outcome in OUTCOMES}
    assert told == {"mended": ["b"], "broken": ["c"], "wrong": [], "right": ["a"]}
    assert found.accuracies == (2 / 3, 2 / 3)
    assert found.sure[0].tolist() == pytest.approx([0.7, 0.8, 0.9])
    assert found.sure[1].tolist() == pytest.approx([0.8, 0.7, 0.9])
    assert FIRST.indices[found.at[0]].tolist() == [2, 1, 0]


def test_classes_are_told_by_name() -> None:
    second = predictions([1, 1], [[0.1, 0.9], [0.9, 0.1]], classes=("dog", "cat"))
    found = pair(FIRST, ["a", "b", "c", "d"], second, ["a", "b"], "label")
    assert found.relabelled.sum() == 0
    assert [found.positions(outcome).tolist() for outcome in OUTCOMES] == [[], [], [1], [0]]


def test_a_relabelled_image_has_the_later_label_and_is_counted() -> None:
    second = predictions([1, 0], [[0.1, 0.9], [0.9, 0.1]])
    found = pair(FIRST, ["a", "b", "c", "d"], second, ["a", "b"], "label")
    assert found.relabelled.sum() == 1
    assert found.positions("mended").tolist() == [0, 1]  # "a" is a dog by now, which the first run called a cat


def test_the_surest_stand_first() -> None:
    first = predictions([0, 0, 0], [[0.1, 0.9], [0.4, 0.6], [0.3, 0.7]])
    found = pair(first, "abc", first, "abc", "label")
    assert found.positions("wrong").tolist() == [0, 2, 1]


def test_some_of_the_images_are_taken_with_all_that_is_known_of_them() -> None:
    second = predictions([1, 0, 0], [[0.1, 0.9], [0.9, 0.1], [0.5, 0.5]])
    whole = pair(FIRST, ["a", "b", "c", "d"], second, ["a", "b", "c"], "label")
    taken = whole.take(np.array([2, 0]))
    assert taken.names == ("c", "a")
    assert [positions.tolist() for positions in taken.at] == [[2, 0], [2, 0]]
    assert taken.labels.tolist() == [0, 1]
    assert taken.predicted[1].tolist() == [0, 1]
    assert taken.relabelled.tolist() == [True, True]
    assert taken.sure[0].tolist() == pytest.approx([0.7, 0.9])


def test_heads_are_shared_by_name_and_classes() -> None:
    assert shared_heads(FIRST, predictions([0], [[1, 0]], classes=("dog", "cat"))) == ["label"]
    assert shared_heads(FIRST, predictions([0], [[1, 0]], classes=("dog", "fox"))) == []
    assert shared_heads(FIRST, predictions([0], [[1, 0]], head="other")) == []


def test_no_image_in_common_is_said() -> None:
    with pytest.raises(DataError, match="no image in common"):
        pair(FIRST, ["a", "b", "c", "d"], FIRST, ["e", "f", "g", "h"], "label")


@pytest.mark.parametrize(("mended", "broken"), [(0, 0), (1, 0), (5, 5), (12, 3), (3, 12), (60, 90)])
def test_mcnemar_is_the_two_sided_binomial_sum(mended: int, broken: int) -> None:
    count = mended + broken
    each = binom.pmf(np.arange(count + 1), count, 0.5)
    assert mcnemar(mended, broken) == pytest.approx(each[each <= each[mended] * (1 + 1e-7)].sum())


def test_the_interval_is_the_percentile_bootstrap_of_single_images() -> None:
    mended, broken, images = 31, 12, 300
    each = np.repeat([1.0, -1.0, 0.0], [mended, broken, images - mended - broken])
    told = bootstrap((each,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(5))
    interval = told.confidence_interval
    assert difference_interval(mended, broken, images) == pytest.approx((interval.low, interval.high), abs=0.004)
