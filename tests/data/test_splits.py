"""Shares, limits and balance, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz.data import open_dataset, splits
from cnnviz.errors import DataError


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_stratified_shares_are_scikit_learns(share: float) -> None:
    from sklearn.model_selection import StratifiedShuffleSplit

    group = np.random.default_rng(1).choice(4, 1003, p=[0.5, 0.3, 0.15, 0.05])
    held = splits.stratify(group, share, seed=3)
    _, reference = next(
        StratifiedShuffleSplit(1, test_size=round(share * len(group)), random_state=0).split(group, group)
    )
    assert held.sum() == len(reference)
    assert np.abs(np.bincount(group[held]) - np.bincount(group[reference])).max() <= 1
    np.testing.assert_array_equal(held, splits.stratify(group, share, seed=3))
    assert (held != splits.stratify(group, share, seed=4)).any()


def test_groups_are_the_combinations_there_are() -> None:
    rng = np.random.default_rng(2)
    labels = {str(head): rng.integers(0, 2, 500) for head in range(70)}
    for heads in (1, 2, 5, 70):
        table = np.stack([labels[str(head)] for head in range(heads)], axis=1)
        reference = np.unique(table, axis=0, return_inverse=True)[1].reshape(-1)
        some = {str(head): labels[str(head)] for head in range(heads)}
        np.testing.assert_array_equal(splits.groups(some), reference)


def test_small_groups_give_one_and_keep_one() -> None:
    held = splits.stratify(np.array([0, 0, 1, 1, 1, 2, 2]), 0.01, seed=0)
    assert [held[:2].sum(), held[2:5].sum(), held[5:].sum()] == [1, 1, 1]


def test_limits_take_the_first() -> None:
    mixed = {"label": np.array([0, 1, 1, 0, 2, 2, 0])}
    assert splits.first(mixed, 3).tolist() == [0, 1, 2]
    assert splits.first(mixed, None).tolist() == list(range(7))
    assert splits.first(mixed, 99).tolist() == list(range(7))


def test_limits_take_the_first_of_each_class_where_classes_lie_together() -> None:
    labels = {"label": np.repeat([0, 1, 2], [4, 4, 8])}
    assert splits.first(labels, 4).tolist() == [0, 4, 8, 9]
    assert splits.first(labels, 8).tolist() == [0, 1, 4, 5, 8, 9, 10, 11]


def test_balance_keeps_the_first_of_every_group() -> None:
    labels = {"a": np.array([0, 0, 0, 1, 1, 1, 0]), "b": np.array([0, 1, 0, 1, 0, 1, 0])}
    chosen, empty = splits.balance(labels, None)
    assert chosen.tolist() == [0, 1, 3, 4]
    assert empty == 0
    assert splits.balance({"a": np.array([0, 0, 1]), "b": np.array([0, 1, 1])}, None)[1] == 1
    assert splits.balance({"a": np.repeat([0, 1], 10)}, 6)[0].tolist() == [0, 1, 2, 10, 11, 12]


def test_no_sample_is_in_two_splits(recipe_data, write, tmp_path) -> None:
    write(tmp_path / "set" / "a", 23)
    write(tmp_path / "set" / "b", 41)
    data = recipe_data(tmp_path / "set", validation_share=0.25, test_share=0.25, split_seed=7)
    dataset = open_dataset(data)
    names = [split.name_of(i) for split in dataset.splits.values() for i in range(len(split))]
    assert len(names) == len(set(names)) == 64
    assert {name: dataset.counts(name, "label").tolist() for name in dataset.splits} == {
        "train": [13, 23],
        "validation": [4, 8],
        "test": [6, 10],
    }
    again = open_dataset(data)
    for name, split in dataset.splits.items():
        np.testing.assert_array_equal(split.rows, again.splits[name].rows)


def test_without_a_share_validation_is_the_test_split(recipe_data) -> None:
    dataset = open_dataset(recipe_data("digits", validation_share=0))
    np.testing.assert_array_equal(dataset.splits["validation"].rows, dataset.splits["test"].rows)
    assert dataset.splits["validation"].name == "validation"
    assert any("Validation is the test split" in note for note in dataset.notes)
    assert dataset.validates_on_test


def test_limits_that_leave_a_class_out(recipe_data) -> None:
    with pytest.raises(DataError, match="no training sample of"):
        open_dataset(recipe_data("digits", limits={"train": 5}))
    with pytest.raises(DataError, match="at least two classes"):
        open_dataset(recipe_data("digits", limits={"train": 1}))


def test_too_few_to_hold_out(recipe_data, write, tmp_path) -> None:
    write(tmp_path / "set" / "a", 2)
    write(tmp_path / "set" / "b", 9)
    with pytest.raises(DataError, match="at least 3 images"):
        open_dataset(recipe_data(tmp_path / "set"))


def test_spread_shows_classes_in_turn(recipe_data) -> None:
    split = open_dataset(recipe_data("digits")).splits["train"]
    assert split.labels["label"][split.spread("label", 20)].tolist() == [*range(10), *range(10)]
