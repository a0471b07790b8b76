"""Images that a recipe leaves out, relabels or moves to another split."""

import numpy as np
import pytest

from cnnviz.data import edits, open_dataset, prepare
from cnnviz.data.dataset import Arrays, Joined
from cnnviz.data.edits import names_of
from cnnviz.data.features import features
from cnnviz.data.fingerprint import fingerprint
from cnnviz.errors import DataError
from cnnviz.images import to_png
from cnnviz.recipe import SPLITS, Data, Limits

DIGITS = Data(dataset="digits", image_size=(8, 8), channels=1)


def left(data, *names):
    return data.model_copy(update={"without": names})


def edited(data, **changes):
    return Data.model_validate(data.model_dump() | changes)


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


@pytest.fixture
def folder(tmp_path):
    for split in ("train", "test"):
        for at, kind in enumerate(("cat", "dog")):
            folder = tmp_path / split / kind
            folder.mkdir(parents=True)
            for number in range(5):
                grey = np.full((8, 8, 1), 20 * number + 100 * at, np.uint8)
                (folder / f"{number}.png").write_bytes(to_png(grey))
    return Data(dataset=str(tmp_path), image_size=(8, 8), channels=1, validation_share=0.2)


def test_files_go_by_their_paths(folder, tmp_path):
    data = folder
    whole = open_dataset(data)
    (name,) = names_of(whole, "test", [0])
    assert name == "test/cat/0.png"
    fewer = open_dataset(left(data, name))
    assert len(fewer.splits["test"]) == 9
    before = fingerprint(whole)
    (tmp_path / "test" / "dog" / "0.png").write_bytes(to_png(np.zeros((9, 8, 1), np.uint8)))
    assert fingerprint(open_dataset(data)) != before


def labels_of(dataset, split, head="label"):
    """Each image's name and its class's."""
    one, classes = dataset.splits[split], dataset.head(head).classes
    names = names_of(dataset, split, range(len(one)))
    return {name: classes[number] for name, number in zip(names, one.labels[head], strict=True)}


@pytest.mark.parametrize("split", SPLITS)
def test_a_label_is_another_and_all_else_stays(digits, split):
    (name,) = names_of(digits, split, [3])
    other = open_dataset(edited(DIGITS, labels={name: {"label": "7"}}))
    for one in SPLITS:
        expected = labels_of(digits, one)
        assert labels_of(other, one) == expected | ({name: "7"} if one == split else {})
        assert other.splits[one].rows.tolist() == digits.splits[one].rows.tolist()
    assert "Relabelled by the recipe (data.labels): 1 images." in other.notes
    assert fingerprint(other) != fingerprint(digits)
    assert labels_of(open_dataset(DIGITS), split) == labels_of(digits, split)  # the data itself is as it was


def test_the_splits_that_are_relabelled_are_others(digits):
    data = edited(DIGITS, labels={"#3": {"label": "7"}, "#4": {"label": "7"}})
    before = {split: labels_of(digits, split) for split in SPLITS}
    places = edits.find(digits.splits, data, digits.title)
    made = edits.relabel(digits.splits, data.labels, places, digits)
    assert {split: labels_of(digits, split) for split in SPLITS} == before
    assert sum((made[split].labels["label"] != digits.splits[split].labels["label"]).sum() for split in SPLITS) == 2


def test_a_label_of_a_head_that_is_not_learned_is_passed_over():
    data = Data(dataset="shapes", image_size=(8, 8), limits=Limits(train=60))
    plain = open_dataset(data, ["colour"])
    (name,) = names_of(plain, "train", [0])
    other = edited(data, labels={name: {"shape": "triangle"}})
    assert labels_of(open_dataset(other, ["colour"]), "train", "colour") == labels_of(plain, "train", "colour")
    assert not any("Relabelled" in note for note in open_dataset(other, ["colour"]).notes)
    assert labels_of(open_dataset(other), "train", "shape")[name] == "triangle"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": {"#9999": {"label": "1"}}}, r"no image '#9999' to relabel: take it out of data\.labels"),
        ({"splits": {"#9999": "test"}}, r"no image '#9999' to move: take it out of data\.splits"),
        (
            {"labels": {"#3": {"label": "11"}}},
            r"gives '#3' the class '11', which label .*choose one of 0, 1.*mean '1'\?",
        ),
        ({"labels": {"#3": {"lable": "1"}}}, r"no head 'lable', which data\.labels names for '#3': .*mean 'label'\?"),
        ({"labels": {"#3": {"label": "1"}, "train:#3": {"label": "2"}}}, r"'#3' and 'train:#3' are one image"),
        (
            {"splits": {"#3": "test", "train:#3": "train"}},
            r"'#3' and 'train:#3' are one image of .*once in data\.splits",
        ),
    ],
)
def test_what_the_data_does_not_have_is_a_sentence(changes, said):
    with pytest.raises(DataError, match=said):
        open_dataset(edited(DIGITS, **changes))


def test_of_many_classes_the_nearest_are_named(tmp_path):
    names = np.array([f"kind {number}" for number in range(40)])
    path = tmp_path / "kinds.npz"
    images = np.zeros((160, 8, 8), np.uint8)
    np.savez(path, images=images, labels=np.tile(names, 4))
    data = Data(dataset=str(path), image_size=(8, 8), channels=1, validation_share=0.25, test_share=0.25)
    with pytest.raises(DataError, match="mean 'kind 31'") as caught:
        open_dataset(edited(data, labels={"#0": {"label": "kind 31 "}}))
    assert str(caught.value).count("kind") == 5 + 2


def test_a_moved_image_lies_behind_those_of_its_new_split(digits):
    (name,) = names_of(digits, "train", [3])
    row = digits.splits["train"].rows[3]
    other = open_dataset(edited(DIGITS, splits={name: "test"}))
    assert other.splits["test"].rows.tolist() == [*digits.splits["test"].rows, row]
    assert other.splits["train"].rows.tolist() == np.delete(digits.splits["train"].rows, 3).tolist()
    assert other.splits["validation"].rows.tolist() == digits.splits["validation"].rows.tolist()
    assert names_of(other, "test", [len(other.splits["test"]) - 1]) == [name]
    assert other.splits["test"].labels["label"][-1] == digits.splits["train"].labels["label"][3]
    assert "Moved by the recipe (data.splits): 1 images." in other.notes


def test_images_of_two_arrays_are_one_split_and_keep_their_names(pets):
    """Train's are 0 to 9 and test's 100 to 109, in every pixel."""
    whole = open_dataset(pets)
    moving = {"test:#4": "train", "test:#1": "validation", names_of(whole, "validation", [0])[0]: "test"}
    other = open_dataset(edited(pets, splits=moving))
    for name in SPLITS:
        split = other.splits[name]
        called = names_of(other, name, range(len(split)))
        assert len(set(called)) == len(split)
        for i, one in enumerate(called):
            assert split.image(i).max() == int(one.rpartition("#")[2]) + (100 if one.startswith("test:") else 0)
        assert set(called) >= {image for image, target in moving.items() if target == name}
        prepared = prepare(split, pets)
        assert prepared.array[:, 0, 0, 0].tolist() == [split.image(i).max() for i in range(len(split))]
    assert isinstance(other.splits["train"].source, Joined)
    every = [name for split in SPLITS for name in names_of(other, split, range(len(other.splits[split])))]
    again = open_dataset(
        edited(pets, splits=dict.fromkeys(every, "train") | {every[0]: "test", every[1]: "validation"})
    )
    assert {split: len(one) for split, one in again.splits.items()} == {"train": 18, "validation": 1, "test": 1}
    assert names_of(again, "test", [0]) == every[:1]


def test_a_name_stays_though_source_and_split_would_do(pets):
    whole = open_dataset(pets)
    (name,) = names_of(whole, "validation", [0])
    other = open_dataset(edited(pets, splits={name: "train"}))
    assert names_of(other, "train", [len(other.splits["train"]) - 1]) == [name]
    alone = pets.model_copy(update={"validation_share": 0})
    other = open_dataset(edited(alone, splits={"test:#0": "train"}))
    assert names_of(other, "test", [0]) == ["test:#1"]
    (again,) = names_of(other, "validation", [0])
    assert len(open_dataset(edited(alone, splits={"test:#0": "train", again: "train"})).splits["test"]) == 8


def test_names_are_of_the_source_where_a_split_has_only_moved_images(pets):
    data = pets.model_copy(update={"validation_share": 0})
    moving = {f"test:#{number}": "train" for number in range(10)} | {"train:#4": "test", "train:#5": "test"}
    other = open_dataset(edited(data, splits=moving))
    assert names_of(other, "test", [0, 1]) == names_of(other, "validation", [0, 1]) == ["train:#4", "train:#5"]
    assert "test:#9" in names_of(other, "train", range(18))


def test_pixels_of_moved_images_count_in_what_is_kept(pets, tmp_path, monkeypatch):
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path))
    asked = []

    def compute(images):
        asked.append(len(images))
        return images.reshape(len(images), -1).astype(np.float32)

    for target in ("#4", "#4", "#5"):
        other = open_dataset(edited(pets, splits={f"test:{target}": "train"}))
        found = features(other.splits["train"], pets, "stem", compute)
        assert found.array[-1].max() == 100 + int(target[1:])
    assert asked == [9, 9]
    marks = {fingerprint(open_dataset(edited(pets, splits={f"test:#{n}": "train"}))) for n in (4, 4, 5)}
    assert len(marks) == 2
    swapped = {"test:#0": "train", "train:#0": "test"}  # so that no split has one source alone
    data = edited(pets, splits=swapped, validation_share=0, dataset=str(tmp_path / "other.npz"))
    arrays = dict(np.load(pets.dataset))
    for pixel in (3, 4):
        arrays["x_test"][5, 0, 0] = pixel
        np.savez(data.dataset, **arrays)
        marks.add(fingerprint(open_dataset(data)))
    assert len(marks) == 4


def test_arrays_of_two_sizes_are_fitted_one_by_one(tmp_path):
    path = tmp_path / "sizes.npz"
    labels = np.arange(10) % 2
    small, large = np.full((10, 8, 8), 3, np.uint8), np.full((10, 16, 16, 3), 9, np.uint8)
    np.savez(path, x_train=small, y_train=labels, x_test=large, y_test=labels)
    data = Data(dataset=str(path), image_size=(8, 8), channels=1, validation_share=0.2, splits={"test:#0": "train"})
    split = open_dataset(data).splits["train"]
    assert split.pixels() is None
    assert prepare(split, data).array[:, 0, 0, 0].tolist() == [3] * 8 + [9]


def test_masks_go_with_their_images():
    data = Data(dataset="shapes", image_size=(8, 8), splits={"test:#5": "train"})
    train, test = open_dataset(data).splits["train"], open_dataset(edited(data, splits={})).splits["test"]
    np.testing.assert_array_equal(train.mask(len(train) - 1), test.mask(5))
    np.testing.assert_array_equal(train.image(len(train) - 1), test.image(5))


def test_moved_files_keep_path_name_and_bits(folder):
    whole = open_dataset(folder)
    other = open_dataset(
        edited(folder, splits={"test/cat/0.png": "train"}, labels={"test/cat/0.png": {"label": "dog"}})
    )
    train = other.splits["train"]
    last = len(train) - 1
    assert names_of(other, "train", [last]) == [train.name_of(last)] == ["test/cat/0.png"]
    assert train.path_of(last) == whole.splits["test"].path_of(0)
    assert train.mask(last) is None
    assert other.bits == whole.bits
    assert labels_of(other, "train")["test/cat/0.png"] == "dog"
    np.testing.assert_array_equal(prepare(train, folder).array, [train.image(i)[..., :1] for i in range(len(train))])


def test_sixteen_bits_stay_so_in_a_split_with_moved_images(tmp_path):
    import cv2

    for split in ("train", "test"):
        for at, kind in enumerate(("cat", "dog")):
            (tmp_path / split / kind).mkdir(parents=True)
            for number in range(5):
                grey = np.full((8, 8), 1000 * number + 100 * at + 2000, np.uint16)
                cv2.imwrite(str(tmp_path / split / kind / f"{number}.png"), grey)
    data = Data(dataset=str(tmp_path), image_size=(8, 8), channels=1, validation_share=0.2)
    whole, other = open_dataset(data), open_dataset(edited(data, splits={"test/cat/0.png": "train"}))
    assert other.splits["train"].bits == whole.bits == 14
    np.testing.assert_array_equal(other.splits["train"].image(8), whole.splits["test"].image(0))


def test_where_validation_is_the_test_split_a_move_to_either_is_to_both(pets):
    data = pets.model_copy(update={"validation_share": 0})
    for target in ("validation", "test"):
        other = open_dataset(edited(data, splits={"train:#0": target, "test:#2": "train", "test:#3": "validation"}))
        assert other.validates_on_test
        called = names_of(other, "validation", range(10))
        assert called == names_of(other, "test", range(10))
        assert called == [*(f"test:#{n}" for n in range(10) if n != 2), "train:#0"]
        assert len(other.splits["train"]) == 10


def test_a_split_that_there_is_not_is_a_sentence(tmp_path):
    labels = np.arange(10) % 2
    images = np.zeros((10, 8, 8), np.uint8)
    np.savez(tmp_path / "set.npz", x_train=images, y_train=labels, x_val=images, y_val=labels)
    data = Data(dataset=str(tmp_path / "set.npz"), image_size=(8, 8), channels=1, splits={"train:#0": "test"})
    with pytest.raises(
        DataError, match=r"moves 'train:#0' to 'test', which .* doesn't have: choose one of train, valid"
    ):
        open_dataset(data)


def test_a_split_that_all_are_moved_from_is_a_sentence(pets):
    held = names_of(open_dataset(pets), "validation", range(2))
    with pytest.raises(DataError, match=r"of data\.splits gone from it, .* has no validation image left"):
        open_dataset(edited(pets, splits=dict.fromkeys(held, "test")))
    with pytest.raises(DataError, match=r"of data\.without and data\.splits gone"):
        open_dataset(edited(pets, splits={held[0]: "test"}, without=held[1:]))


def test_what_is_left_out_is_so_wherever_it_is_moved(pets):
    other = open_dataset(edited(pets, splits={"test:#0": "train"}, without=["test:#0"]))
    assert not any(name == "test:#0" for split in SPLITS for name in labels_of(other, split))


def test_limits_take_of_each_class_though_classes_lie_together_no_more(folder):
    """Images are relabelled in the middle of a class's, and moved behind the last class's."""
    changes = {"labels": {"train/cat/1.png": {"label": "dog"}}, "splits": {"test/cat/0.png": "train"}}
    data = edited(folder, **changes, limits={"train": 4})
    assert open_dataset(data).counts("train", "label").tolist() == [2, 2]


def test_balance_and_limits_come_after_the_edits(pets):
    data = edited(pets, labels={"test:#0": {"label": "1"}}, balanced=True)
    assert open_dataset(data).counts("test", "label").tolist() == [4, 4]


def test_who_is_held_out_does_not_change(pets):
    whole = open_dataset(pets)
    labels = {name: {"label": "0"} for name in names_of(whole, "train", [1, 3])}
    other = open_dataset(edited(pets, labels=labels))
    for name in SPLITS:
        assert other.splits[name].rows.tolist() == whole.splits[name].rows.tolist()
        assert isinstance(other.splits[name].source, Arrays)
