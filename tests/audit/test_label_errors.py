"""Wrong labels: folds and out-of-fold predictions by their definition, cleanlab's indices, and planted errors."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from cleanlab.filter import find_label_issues
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnviz.audit.label_errors import FOLDS, components, folds, label_errors, out_of_fold


def blobs(count: int = 300, classes: int = 3, seed: int = 0, apart: float = 6, size: int = 20) -> tuple:
    """Clouds of points, as far apart as is said, and their true classes."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    middles = np.linalg.qr(random.normal(size=(size, classes)))[0].T * apart
    return (middles[labels] + random.normal(size=(count, size))).astype(np.float32), labels


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 80), classes=st.integers(1, 8), size=st.integers(1, 6))
def test_folds_hold_out_every_image_once_and_groups_together(seed: int, count: int, classes: int, size: int) -> None:
    random = np.random.default_rng(seed)
    labels, groups = random.integers(0, classes, count), random.integers(0, max(1, count // size), count)
    parts = folds(labels, groups)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(count))
    assert 2 <= len(parts) <= FOLDS
    assert all(len(part) for part in parts)
    if len(np.unique(groups)) > 1:
        fold = np.zeros(count, int)
        for k, part in enumerate(parts):
            fold[part] = k
        assert all(len(np.unique(fold[groups == one])) == 1 for one in np.unique(groups))


def test_folds_are_stratified_and_drawn_by_the_seed() -> None:
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    parts = folds(labels, np.arange(160))
    assert len(parts) == FOLDS
    assert [np.bincount(labels[part], minlength=3).tolist() for part in parts] == [[20, 10, 2]] * 5
    assert all(map(np.array_equal, parts, folds(labels, np.arange(160))))
    assert not all(map(np.array_equal, parts, folds(labels, np.arange(160), seed=1)))
    assert len(folds(labels, np.arange(160), 3)) == 3


def test_a_rare_class_does_not_take_the_others_folds() -> None:
    labels = np.repeat([0, 1, 2], [20, 20, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(folds(labels, np.arange(41))) == FOLDS
    assert len(folds(np.repeat([0, 1], 6), np.repeat(np.arange(6), 2))) == 3  # of groups each class has three


def test_what_is_predicted_has_not_been_seen() -> None:
    """More features than images: a model that had seen them would know all labels by heart."""
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(200, 400)).astype(np.float32), random.integers(0, 2, 200)
    found = out_of_fold(features, labels, np.arange(200), 2)
    assert 0.35 < (found.argmax(axis=1) == labels).mean() < 0.65


def test_twins_of_a_held_out_image_are_not_learned_from() -> None:
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(100, 400)).astype(np.float32), random.integers(0, 2, 100)
    features, labels = np.repeat(features, 2, axis=0), np.repeat(labels, 2)
    kept = out_of_fold(features, labels, np.repeat(np.arange(100), 2), 2).argmax(axis=1) == labels
    seen = out_of_fold(features, labels, np.arange(200), 2).argmax(axis=1) == labels
    assert kept.mean() < 0.65 < 0.8 < seen.mean()


def test_predictions_are_probabilities_of_the_right_classes() -> None:
    features, labels = blobs()
    labels = np.array([1, 4, 2])[labels]  # classes 0, 3 and 5 have no image
    found = out_of_fold(features, labels, np.arange(300), 6)
    assert found.dtype == np.float32
    assert found.shape == (300, 6)
    assert not found[:, [0, 3, 5]].any()
    assert found.sum(axis=1) == pytest.approx(np.ones(300), abs=1e-5)
    assert (found.argmax(axis=1) == labels).mean() > 0.98


def test_few_images_and_classes_of_one() -> None:
    features, labels = blobs(31)
    labels[30] = 3
    found = out_of_fold(features, labels, np.arange(31), 4)
    assert found[30, 3] == 0
    judged = label_errors(found, labels)
    assert 30 not in judged.wrong or judged.suggested[judged.wrong == 30] != 3
    # where all others are of one class, nothing else can be predicted
    assert out_of_fold(features[:11], np.repeat([0, 1], [10, 1]), np.arange(11), 2)[10].tolist() == [1, 0]
    assert (out_of_fold(features[:9], np.ones(9, int), np.arange(9), 3) == [0, 1, 0]).all()
    assert out_of_fold(features[:2], np.array([0, 1]), np.arange(2), 2).tolist() == [[0, 1], [1, 0]]
    one = out_of_fold(features[:8], np.array([0, 1] * 4), np.zeros(8, int), 2)
    assert one.sum(axis=1) == pytest.approx(np.ones(8))


def test_one_class_alone_has_no_wrong_labels() -> None:
    judged = label_errors(np.array([[0.9, 0.1], [0.55, 0.45], [0.2, 0.8]], np.float32), np.zeros(3, int))
    assert judged.wrong.tolist() == []
    assert judged.hard.tolist() == [2, 1]


def test_scores_suggestions_and_order_by_hand() -> None:
    """Twenty images of two classes; each class has one whose label the model is sure to be wrong, and one unsure."""
    labels = np.repeat([0, 1], 10)
    probabilities = np.where(labels[:, None] == [0, 1], 0.9, 0.1)
    probabilities[3], probabilities[14] = (0.2, 0.8), (0.95, 0.05)
    probabilities[5], probabilities[16], probabilities[17] = (0.55, 0.45), (0.41, 0.59), (0.39, 0.61)
    judged = label_errors(probabilities.astype(np.float32), labels)
    assert judged.wrong.tolist() == [14, 3]
    assert judged.suggested.tolist() == [0, 1]
    assert judged.scores.tolist() == pytest.approx([0.5 + (0.95 - 0.05) / 2, 0.5 + (0.8 - 0.2) / 2])
    assert judged.hard.tolist() == [5, 16]  # by 0.10 and 0.18; 0.22 is sure enough


@pytest.mark.parametrize("seed", range(4))
def test_wrong_labels_are_cleanlabs(seed: int) -> None:
    random = np.random.default_rng(seed)
    features, true = blobs(240, 4, seed, apart=3)
    labels = np.where(random.random(240) < 0.1, random.integers(0, 4, 240), true)
    probabilities = out_of_fold(features, labels, np.arange(240), 4)
    judged = label_errors(probabilities, labels)
    theirs = np.flatnonzero(find_label_issues(labels, probabilities, filter_by="prune_by_noise_rate", n_jobs=1))
    assert len(judged.wrong) > 5
    assert sorted(judged.wrong.tolist()) == theirs.tolist()
    assert (np.diff(judged.scores) <= 0).all()
    assert not set(judged.wrong) & set(judged.hard)
    given = probabilities[np.arange(240), labels]
    others = np.where(np.eye(4, dtype=bool)[labels], -1, probabilities).max(axis=1)
    assert set(judged.hard) == set(np.flatnonzero(given - others < 0.2)) - set(judged.wrong)
    assert (np.diff((given - others)[judged.hard]) >= 0).all()


def test_classes_without_images_change_nothing() -> None:
    features, labels = blobs(120)
    labels[:4] = (labels[:4] + 1) % 3
    few = label_errors(out_of_fold(features, labels, np.arange(120), 3), labels)
    spread = np.array([0, 7, 9])
    many = label_errors(out_of_fold(features, spread[labels], np.arange(120), 12), spread[labels])
    assert many.wrong.tolist() == few.wrong.tolist()
    assert many.suggested.tolist() == spread[few.suggested].tolist()


@pytest.mark.parametrize("seed", range(3))
def test_swapped_labels_are_found_with_the_true_class(seed: int) -> None:
    features, true = blobs(300, seed=seed, apart=30, size=400)
    swapped = np.random.default_rng(seed).choice(300, 15, replace=False)
    labels = true.copy()
    labels[swapped] = (true[swapped] + 1) % 3
    judged = label_errors(out_of_fold(features, labels, np.arange(300), 3), labels)
    found = dict(zip(judged.wrong.tolist(), judged.suggested.tolist(), strict=True))
    right = [i for i in swapped.tolist() if found.get(i) == true[i]]
    assert len(right) >= 14
    assert len(found) <= 16


def test_of_many_classes_swapped_labels_are_found_as_of_few() -> None:
    features, labels = blobs(4000, 200, size=300, apart=9)
    rng = np.random.default_rng(1)
    swapped = rng.choice(4000, 200, replace=False)
    given = labels.copy()
    given[swapped] = (given[swapped] + rng.integers(1, 200, 200)) % 200
    probabilities = out_of_fold(components(features), given, np.arange(4000), 200, quick=True)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-3)
    found = label_errors(probabilities, given)
    hits = np.isin(found.wrong, swapped).sum()
    assert hits / 200 > 0.9
    assert hits / len(found.wrong) > 0.8
    assert (
        found.suggested[np.isin(found.wrong, swapped)] == labels[found.wrong[np.isin(found.wrong, swapped)]]
    ).mean() > 0.9


@pytest.mark.parametrize(("count", "classes"), [(200, 200), (201, 200), (120, 60), (50, 200)])
def test_many_classes_of_one_or_two_images_are_no_error(count: int, classes: int) -> None:
    features, _ = blobs(count, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = out_of_fold(components(features), np.arange(count) % classes, np.arange(count), classes, quick=True)
    assert found.shape == (count, classes)
    assert np.isfinite(found).all()
