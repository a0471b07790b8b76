"""Folds of cross-validation: every image of training and validation data validates once, in equal shares of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnviz.data import open_dataset, splits
from cnnviz.data.dataset import Dataset
from cnnviz.data.edits import names_of
from cnnviz.errors import DataError, RecipeError
from cnnviz.recipe import Data, parse


def names(dataset: Dataset, split: str) -> list[str]:
    return names_of(dataset, split, range(len(dataset.splits[split])))


def validated(data: Data, count: int) -> list[list[str]]:
    """The images that validate in each fold, after a look at what must hold of every single one."""
    whole = open_dataset(data)
    pool, test = (
        names(whole, "train") + names(whole, "validation"),
        names(whole, "test") if "test" in whole.splits else [],
    )
    found = []
    for number in range(1, count + 1):
        dataset = open_dataset(data.model_copy(update={"fold": (number, count)}))
        found.append(names(dataset, "validation"))
        assert sorted(names(dataset, "train") + found[-1]) == sorted(pool)
        assert (names(dataset, "test") if test else []) == test
        assert any(f"fold {number} of {count}" in note for note in dataset.notes)
    assert sorted(name for fold in found for name in fold) == sorted(pool)
    return found


@pytest.mark.parametrize("count", [2, 3, 5, 20])
def test_folds_have_the_sizes_and_shares_of_scikit_learns(count: int) -> None:
    from sklearn.model_selection import StratifiedKFold

    group = np.random.default_rng(1).choice(4, 1003, p=[0.5, 0.3, 0.15, 0.05])
    fold = splits.folds(group, count, seed=3)
    own = np.stack([np.bincount(group[fold == number], minlength=4) for number in range(count)])
    dealt = StratifiedKFold(count, shuffle=True, random_state=0).split(group, group)
    reference = np.stack([np.bincount(group[held], minlength=4) for _, held in dealt])
    np.testing.assert_array_equal(np.sort(own, axis=0), np.sort(reference, axis=0))  # which fold has one more is chance
    np.testing.assert_array_equal(np.sort(own.sum(axis=1)), np.sort(reference.sum(axis=1)))
    np.testing.assert_array_equal(fold, splits.folds(group, count, seed=3))
    assert (fold != splits.folds(group, count, seed=4)).any()


@pytest.mark.parametrize("count", [2, 5])
def test_each_image_of_digits_validates_once_and_test_is_untouched(recipe_data, count: int) -> None:
    sizes = [len(fold) for fold in validated(recipe_data("digits", validation_share=0.15), count)]
    assert max(sizes) - min(sizes) <= 1


def test_a_validation_split_of_the_data_is_dealt_with_the_training_split(recipe_data, write, tmp_path: Path) -> None:
    """Also where classes lie together, of which a limit takes an equal share."""
    for split, each in (("train", 9), ("val", 3), ("test", 4)):
        for name in ("a", "b"):
            write(tmp_path / "set" / split / name, each)
    data = recipe_data(tmp_path / "set")
    assert {len(fold) for fold in validated(data, 4)} == {6}
    limited = open_dataset(
        data.model_copy(update={"fold": (1, 4), "limits": data.limits.model_copy(update={"train": 6})})
    )
    assert limited.counts("train", "label").tolist() == [3, 3]


def test_numbered_images_of_two_splits_keep_their_names(recipe_data, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {}
    for split, count in (("train", 30), ("val", 12), ("test", 6)):
        arrays[f"x_{split}"] = rng.integers(0, 256, (count, 8, 8), np.uint8)
        arrays[f"y_{split}"] = np.arange(count) % 3
    np.savez(tmp_path / "set.npz", **arrays)
    data = recipe_data(tmp_path / "set.npz")
    assert "validation:#3" in [name for fold in validated(data, 3) for name in fold]
    edited = {"fold": (2, 3), "without": ("validation:#3",), "splits": {"train:#5": "test", "test:#0": "validation"}}
    dataset = open_dataset(Data.model_validate(data.model_dump() | edited))
    everywhere = [name for split in dataset.splits for name in names(dataset, split)]
    assert "validation:#3" not in everywhere
    assert len(everywhere) == len(set(everywhere)) == 47
    assert "train:#5" in names(dataset, "test")
    assert "test:#0" in names(dataset, "validation")
    at = names(dataset, "test").index("train:#5")
    np.testing.assert_array_equal(dataset.splits["test"].image(at).squeeze(), arrays["x_train"][5])


def test_an_image_left_out_changes_no_other_images_fold(recipe_data) -> None:
    data = recipe_data("digits", fold=[2, 5], validation_share=0.15)
    before = names(open_dataset(data), "validation")
    gone = before[3]
    after = names(open_dataset(data.model_copy(update={"without": (gone,)})), "validation")
    assert after == [name for name in before if name != gone]


def test_where_test_serves_as_validation_there_are_no_folds(recipe_data) -> None:
    with pytest.raises(
        DataError, match=r"the test split of .* serves as validation: set data\.validation_share above 0"
    ):
        open_dataset(recipe_data("digits", validation_share=0, fold=[1, 5]))


def test_a_class_with_fewer_images_than_folds_is_named(recipe_data, write, tmp_path: Path) -> None:
    write(tmp_path / "set" / "cat", 5)
    write(tmp_path / "set" / "dog", 40)
    data = recipe_data(tmp_path / "set", test_share=0.2)
    assert len(open_dataset(data.model_copy(update={"fold": (4, 4)})).splits["validation"]) == 9
    with pytest.raises(DataError, match=r"4 training and validation images of 'cat' \(label\), too few for 5 folds"):
        open_dataset(data.model_copy(update={"fold": (1, 5)}))


@pytest.mark.parametrize("fold", [[0, 5], [6, 5], [1, 1], [1, 21], [1], "1 of 5", [1.0, 5], [True, 5], {}])
def test_what_is_no_fold_is_one_sentence(fold: object) -> None:
    with pytest.raises(RecipeError, match=r"^fold is .*: expected null, or a fold and how many there are \(2 to 20\)"):
        parse({"dataset": "digits", "image_size": 8, "fold": fold}, Data)


def test_a_recipe_with_a_fold_is_equal_to_its_json() -> None:
    data = Data(dataset="digits", image_size=8, fold=[2, 5])
    assert data.fold == (2, 5)
    assert parse(data.model_dump_json(), Data) == data
    assert hash(data)
