"""Samples that a recipe leaves out."""

import numpy as np
import pytest

from cnnviz.data import open_dataset
from cnnviz.data.exclusions import names_of
from cnnviz.data.fingerprint import fingerprint
from cnnviz.errors import DataError
from cnnviz.images import to_png
from cnnviz.recipe import Data, Limits

DIGITS = Data(dataset="digits", image_size=(8, 8), channels=1)


def left(data, *names):
    return data.model_copy(update={"without": names})


@pytest.fixture(scope="module")
def digits():
    return open_dataset(DIGITS)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_the_others_stay_where_they_are(digits, split):
    (name,) = names_of(digits, split, [3])
    fewer = open_dataset(left(DIGITS, name))
    for other, one in digits.splits.items():
        expected = np.delete(one.rows, 3) if other == split else one.rows
        assert fewer.splits[other].rows.tolist() == expected.tolist()
        assert len(fewer.splits[other].labels["label"]) == len(expected)
    assert any("1 image" in note for note in fewer.notes)
    assert fingerprint(fewer) != fingerprint(digits)


def test_the_same_data_have_the_same_fingerprint(digits):
    assert fingerprint(open_dataset(DIGITS)) == fingerprint(digits)
    other = DIGITS.model_copy(update={"split_seed": 5})
    assert fingerprint(open_dataset(other)) != fingerprint(digits)


def test_a_limit_takes_the_next_image_instead(digits):
    data = DIGITS.model_copy(update={"limits": Limits(test=10)})
    (name,) = names_of(digits, "test", [0])
    assert len(open_dataset(left(data, name)).splits["test"]) == 10


@pytest.mark.parametrize(
    ("name", "said"), [("#9999", r"no image '#9999' to leave out"), ("<b>", "'<b>'"), ("test:#9999", "data.without")]
)
def test_an_unknown_name_is_a_sentence(name, said):
    with pytest.raises(DataError, match=said):
        open_dataset(left(DIGITS, name))


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    """Arrays for training and testing, each with images of the numbers from 0 on."""
    path = tmp_path_factory.mktemp("pets") / "pets.npz"
    images, labels = np.arange(10, dtype=np.uint8)[:, None, None] * np.ones((1, 8, 8), np.uint8), np.arange(10) % 2
    np.savez(path, x_train=images, y_train=labels, x_test=images + 100, y_test=labels)
    return Data(dataset=str(path), image_size=(8, 8), channels=1, validation_share=0.2)


def test_equal_numbers_in_two_splits_need_the_split(pets):
    whole = open_dataset(pets)
    assert names_of(whole, "test", [0]) == ["test:#0"]
    with pytest.raises(DataError, match="2 images '#0'"):
        open_dataset(left(pets, "#0"))
    fewer = open_dataset(left(pets, "test:#0"))
    assert [len(fewer.splits[name]) for name in ("train", "validation", "test")] == [8, 2, 9]


def test_an_image_is_found_when_another_seed_has_moved_it(pets):
    held = names_of(open_dataset(pets), "validation", range(2))
    fewer = open_dataset(pets.model_copy(update={"split_seed": 7, "without": tuple(held)}))
    assert len(fewer.splits["train"]) + len(fewer.splits["validation"]) == 8
    rows = {f"validation:#{row}" for split in ("train", "validation") for row in fewer.splits[split].rows}
    assert not rows & set(held)


def test_a_split_with_nothing_left_is_a_sentence(pets):
    held = names_of(open_dataset(pets), "validation", range(2))
    with pytest.raises(DataError, match="no validation image left"):
        open_dataset(left(pets, *held))


def test_files_go_by_their_paths(tmp_path):
    for split in ("train", "test"):
        for at, kind in enumerate(("cat", "dog")):
            folder = tmp_path / split / kind
            folder.mkdir(parents=True)
            for number in range(5):
                grey = np.full((8, 8, 1), 20 * number + 100 * at, np.uint8)
                (folder / f"{number}.png").write_bytes(to_png(grey))
    data = Data(dataset=str(tmp_path), image_size=(8, 8), channels=1, validation_share=0.2)
    whole = open_dataset(data)
    (name,) = names_of(whole, "test", [0])
    assert name == "test/cat/0.png"
    fewer = open_dataset(left(data, name))
    assert len(fewer.splits["test"]) == 9
    before = fingerprint(whole)
    (tmp_path / "test" / "dog" / "0.png").write_bytes(to_png(np.zeros((9, 8, 1), np.uint8)))
    assert fingerprint(open_dataset(data)) != before
