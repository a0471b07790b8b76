"""Slices and what is said of them, against SciPy's figures and cases by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, fisher_exact

from cnnviz.runs.pairs import difference_interval, mcnemar
from cnnviz.runs.slices import LEAST, ImageProperties, Slice, bins, clusters, holm, measure, most_changed, slices, worst


def right(count: int, *wrong: range) -> np.ndarray:
    """Which of so many predictions are right: all but these."""
    found = np.ones(count, bool)
    for part in wrong:
        found[part] = False
    return found


def of(name: str, images: range) -> Slice:
    return Slice("class", name, np.array(images))


def test_there_is_a_slice_for_each_class_of_each_head_that_has_images() -> None:
    labels = {"colour": np.array([0, 1, 1]), "shape": np.array([2, 0, 2])}
    classes = {"colour": ("red", "blue"), "shape": ("disc", "ring", "star")}
    found = slices("shape", labels, classes)
    assert [(one.title, one.images.tolist()) for one in found] == [
        ("class: disc", [1]),
        ("class: star", [0, 2]),
        ("colour: red", [0]),
        ("colour: blue", [1, 2]),
    ]


def test_properties_are_sliced_and_what_is_unknown_is_in_none() -> None:
    properties = ImageProperties(
        brightness=np.array([10, 200, np.nan, 10.4]),
        size=np.full(4, 64.0),
        cluster=np.array([1, 0, -1, 0]),
        clustered="thumbnails",
    ).take(np.arange(4))
    labels = {"label": np.array([1, 0, 0, 0])}
    found = slices("label", labels, {"label": ("cat", "dog")}, properties)[2:]
    assert [(one.title, one.images.tolist()) for one in found] == [
        ("brightness: 10, darkest", [0, 3]),
        ("brightness: 200, brightest", [1]),
        ("cluster: 1, mostly cat", [1, 3]),
        ("cluster: 2, mostly dog", [0]),
    ]  # the size is everywhere the same


def test_quarters_are_of_equally_many_images_and_named_by_their_range() -> None:
    values = np.random.default_rng(0).permutation(100) + 100.0
    found = bins(values, "smallest", "largest", " px")
    assert [name for name, _ in found] == ["100–124 px, smallest", "125–149 px", "150–174 px", "175–199 px, largest"]
    assert [len(images) for _, images in found] == [25] * 4
    assert all((np.diff(images) > 0).all() for _, images in found)
    assert values[found[0][1]].max() == 124


def test_equal_values_are_never_in_two_bins() -> None:
    values = np.array([7.0] * 60 + [1, 2, 3, 4] * 5 + [9.0] * 20)
    found = bins(values, "least", "most")
    assert [(name, len(images)) for name, images in found] == [("1–7, least", 80), ("9, most", 20)]
    assert bins(np.array([300.0] * 9 + [500.0]), "least", "most")[1][1].tolist() == [9]
    assert bins(np.full(9, 3.0), "least", "most") == []
    most_alike = bins(np.array([1.0, 2, 3, 4] + [5.0] * 95), "least", "most")
    assert [(name, len(images)) for name, images in most_alike] == [("1–4, least", 4), ("5, most", 95)]
    assert bins(np.full(3, np.nan), "least", "most") == []


def test_clusters_are_numbered_by_their_size_and_fewer_of_few_images() -> None:
    centres = np.repeat([[0, 0], [50, 0], [0, 50]], [20, 70, 40], axis=0)
    points = centres + np.random.default_rng(1).normal(size=centres.shape)
    assert clusters(points, 3).tolist() == [2] * 20 + [0] * 70 + [1] * 40
    assert set(clusters(points[:LEAST], 3)) == {0}
    assert set(clusters(np.ones((100, 3)))) == {0}
    assert (clusters(points) == clusters(points)).all()


def test_accuracy_and_interval_are_those_of_the_slice() -> None:
    found = measure([of("a", range(40))], [right(100, range(35, 45))])
    [one] = found
    interval = binomtest(35, 40).proportion_ci(0.95, "wilson")
    assert one.accuracies == (0.875,)
    assert one.intervals[0] == pytest.approx((interval.low, interval.high))
    assert (one.change, one.changed) == (None, None)


def test_a_slice_is_held_against_all_other_images_by_fishers_test() -> None:
    [one] = measure([of("a", range(40))], [right(100, range(33, 44))])
    expected = fisher_exact([[7, 33], [4, 56]], "greater").pvalue  # wrong and right, on the slice and on the others
    assert one.below == pytest.approx(expected)
    assert not one.is_below, "7 of 40 and 4 of 60"


def test_a_change_has_the_interval_and_the_test_of_the_whole_comparison() -> None:
    # of the slice's 60 images 12 are mended and 3 are broken; the others don't change
    runs = [right(200, range(12), range(100, 120)), right(200, range(12, 15), range(100, 120))]
    [one] = measure([of("a", range(60))], runs)
    assert one.change == pytest.approx((9 / 60, *difference_interval(12, 3, 60)))
    assert one.changed == pytest.approx(mcnemar(12, 3))
    assert one.has_changed
    assert one.accuracies == (48 / 60, 57 / 60)


def test_the_first_is_the_one_whose_interval_ends_lowest_and_small_slices_are_last() -> None:
    parts = [of("good", range(50)), of("bad", range(50, 100)), of("few", range(100, 104)), of("mid", range(110, 130))]
    found = measure(parts, [right(200, range(50, 70), range(100, 104), range(110, 113))])
    assert [one.slice.name for one in found] == ["bad", "mid", "good", "few"]
    assert found[-1].below is None, "four wrong of four images name no slice"
    assert worst(found) is found[0]
    assert found[0].is_below


def test_a_small_slice_that_is_a_little_worse_is_not_first() -> None:
    # 90 % of ten images may be 98 %, 93 % of 600 at most 95 %
    found = measure([of("small", range(10)), of("large", range(10, 610))], [right(1000, range(1), range(10, 52))])
    assert [one.slice.name for one in found] == ["large", "small"]
    assert found[0].accuracies > found[1].accuracies


def test_a_large_slice_that_is_surely_worse_goes_before_a_small_one_that_may_be() -> None:
    # the small one's interval ends lower, and of 400 such slices one is so bad by chance
    parts = [of("large", range(600)), of("small", range(600, 610)), *(of(str(k), range(700, 710)) for k in range(400))]
    found = measure(parts, [right(2000, range(60), range(600, 604))])
    assert found[0].slice.name == "small"
    assert worst(found).slice.name == "large"


def test_where_nothing_is_sure_the_first_is_named_and_not_called_worse() -> None:
    found = measure([of("a", range(20)), of("b", range(20, 40))], [right(40, range(2))])
    assert worst(found).slice.name == "a"
    assert not worst(found).is_below
    assert worst(measure([of("a", range(3))], [right(40)])) is None
    assert worst([]) is None


def test_only_a_change_that_chance_does_not_explain_is_named() -> None:
    parts = [of("mended", range(40)), of("broken", range(40, 80)), of("same", range(80, 120))]
    before, after = right(120, range(9)), right(120, range(40, 60))
    assert most_changed(measure(parts, [before, after])).slice.name == "broken"
    assert most_changed(measure(parts, [before, before])) is None
    assert most_changed(measure(parts, [after])) is None


def test_p_values_are_raised_by_holm() -> None:
    # as p.adjust(c(0.01, 0.02, 0.03, 0.04), "holm") of R
    assert holm([0.04, 0.02, 0.01, 0.03]) == pytest.approx([0.06, 0.06, 0.04, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.2, 0.2, 0.001]) == pytest.approx([0.4, 0.4, 0.003])
    assert holm([]) == []


def test_chance_alone_names_a_slice_seldom() -> None:
    draw, named = np.random.default_rng(2), 0
    for _ in range(200):
        labels = {"label": draw.integers(0, 20, 600)}
        found = measure(slices("label", labels, {"label": [str(k) for k in range(20)]}), [draw.random(600) < 0.9])
        named += any(one.is_below for one in found)
    assert named <= 200 * 0.05 + 3 * np.sqrt(200 * 0.05 * 0.95)
