"""Prepared images: equal to decode and fit one by one, in memory and on disk."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest

from cnnviz import images
from cnnviz.data import open_dataset, prepare
from cnnviz.data.disk_cache import cache_folder
from cnnviz.errors import DataError
from cnnviz.progress import Cancelled


@pytest.fixture
def split(recipe_data, tmp_path):
    """60 noisy images of different sizes."""
    rng = np.random.default_rng(0)
    for i in range(100):
        folder = tmp_path / "set" / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        noise = rng.integers(0, 256, (20 + i % 7, 20 + i % 5, 3), dtype=np.uint8)
        (folder / f"{i:03}.png").write_bytes(images.to_png(noise))
    (tmp_path / "set" / "a" / "050.png").write_text("broken")
    return open_dataset(recipe_data(tmp_path / "set")).splits["train"]


@pytest.mark.parametrize("budget", [2**30, 0], ids=["memory", "disk"])
@pytest.mark.parametrize("settings", [{}, {"channels": 3, "crop": "centre"}, {"image_size": (30, 12), "crop": "face"}])
def test_images_are_fitted_as_one_by_one(recipe_data, split, budget: int, settings: dict) -> None:
    data = recipe_data("unused", **settings)
    source_images = prepare(split, data, budget=budget)
    assert len(source_images) + len(source_images.skipped) == len(split)
    assert source_images.array.shape == (len(source_images), *data.input_shape)
    for position, row in enumerate(source_images.kept):
        expected = images.fit(split.image(int(row)), data.image_size, channels=data.channels, crop=data.crop)
        np.testing.assert_array_equal(source_images[position], expected)


@pytest.mark.parametrize("budget", [2**30, 0], ids=["memory", "disk"])
def test_whole_images_keep_a_margin(recipe_data, split, budget: int) -> None:
    data = recipe_data("unused", image_size=(16, 16))
    source_images = prepare(split, data, whole=True, budget=budget)
    assert source_images.array is None
    for position, row in enumerate(source_images.kept):
        height, width, _ = split.image(int(row)).shape
        image = source_images[position]
        assert min(image.shape[:2]) == 16
        assert abs(image.shape[0] / image.shape[1] - height / width) < 0.06
    assert source_images[-1].shape == source_images[len(source_images) - 1].shape
    with pytest.raises(IndexError):
        source_images[len(source_images)]


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((218, 178), (64, 64), (78, 64)),
        ((100, 200), (50, 50), (50, 100)),
        ((10, 10), (72, 59), (72, 72)),
        ((4, 4000), (16, 16), (16, 256)),
    ],
)
def test_whole_images_have_the_size_of_their_largest_window(shape, size, expected, tmp_path, recipe_data) -> None:
    for name in ("a", "b"):
        (tmp_path / "own" / name).mkdir(parents=True)
        for number in range(5):
            (tmp_path / "own" / name / f"{number}.png").write_bytes(images.to_png(np.full((*shape, 3), 9, np.uint8)))
    data = recipe_data(tmp_path / "own", image_size=size, channels=3)
    source_images = prepare(open_dataset(data).splits["train"], data, whole=True)
    assert {image.shape for image in source_images} == {(*expected, 3)}


def test_a_file_on_disk_serves_again_until_an_image_changes(recipe_data, split, tmp_path) -> None:
    data, told = recipe_data("unused"), []
    first = prepare(split, data, budget=0, progress=lambda *args: told.append(args))
    assert told[-1][1:] == (len(split), len(split))
    assert len(list((cache_folder() / "images").glob("*.bin"))) == 1
    told.clear()
    again = prepare(split, data, budget=0, progress=lambda *args: told.append(args))
    assert told == []
    np.testing.assert_array_equal(first.array, again.array)
    assert (again.skipped, again.kept.tolist()) == (first.skipped, first.kept.tolist())
    changed = split.path_of(3)
    changed.write_bytes(images.to_png(np.zeros((30, 30, 3), np.uint8)))
    third = prepare(split, data, budget=0, progress=lambda *args: told.append(args))
    assert told
    assert (third[3 - (first.kept[:4].tolist() != [0, 1, 2, 3])] == 0).all()
    for file in (cache_folder() / "images").glob("*.bin"):
        file.unlink()
        file.write_bytes(bytes(100))
    np.testing.assert_array_equal(prepare(split, data, budget=0).array, third.array)


def test_arrays_beyond_the_budget_leave_no_file(recipe_data) -> None:
    data = recipe_data("digits", image_size=16, channels=3)
    split = open_dataset(data).splits["test"]
    on_disk = prepare(split, data, budget=0)
    np.testing.assert_array_equal(on_disk.array, prepare(split, data).array)
    assert list((cache_folder() / "images").iterdir()) == []


def test_no_room_and_no_permission_are_sentences(recipe_data, split, monkeypatch, tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"can't be kept in .*CNNVIZ_CACHE"):
        prepare(split, recipe_data("unused"), budget=0)
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path / "cache"))
    status = os.statvfs(tmp_path)
    from cnnviz.data import disk_cache as kept

    with pytest.raises(DataError, match="GB are free: make room"):
        kept.on_disk(split, recipe_data("unused"), False, status.f_frsize * status.f_blocks * 2, iter(()))
    assert list((tmp_path / "cache" / "images").iterdir()) == []


@pytest.mark.parametrize("budget", [2**30, 0], ids=["memory", "disk"])
def test_cancelling_leaves_nothing(recipe_data, split, budget: int) -> None:
    asked = iter([False, False, True, True])
    with pytest.raises(Cancelled):
        prepare(split, recipe_data("unused"), budget=budget, cancelled=lambda: next(asked))
    folder = cache_folder() / "images"
    assert not folder.exists() or list(folder.iterdir()) == []


def test_arrays_of_the_right_size_are_not_copied(recipe_data) -> None:
    data = recipe_data("shapes", image_size=64, channels=3)
    split = open_dataset(data).splits["train"]
    assert prepare(split, data).array is split.source.array()
    some = open_dataset(recipe_data("shapes", limits={"train": 100})).splits["train"]
    np.testing.assert_array_equal(prepare(some, data).array, split.source.array()[:100])


@pytest.mark.parametrize("whole", [False, True], ids=["one size", "many sizes"])
@pytest.mark.parametrize(
    "change",
    [
        lambda index: [],
        lambda index: {},
        lambda index: 7,
        lambda index: {**index, "kept": index["kept"][:-1]},
        lambda index: {**index, "kept": [10**30] * len(index["kept"])},
        lambda index: {**index, "kept": "abc"},
        lambda index: {**index, "kept": [*index["kept"][:-1], 5000]},
        lambda index: {**index, "kept": index["kept"][::-1]},
        lambda index: {**index, "shapes": [[-1, 4, 3]]},
        lambda index: {**index, "shapes": None},
        lambda index: {**index, "skipped": [["a"]]},
        lambda index: {**index, "bytes": "many"},
    ],
)
def test_a_damaged_index_is_made_anew(change, whole: bool, recipe_data, split) -> None:
    data = recipe_data("unused", image_size=(16, 16))
    wanted = prepare(split, data, whole=whole, budget=0)
    (index,) = (cache_folder() / "images").glob("*.json")
    index.write_text(json.dumps(change(json.loads(index.read_text()))))
    found = prepare(split, data, whole=whole, budget=0)
    assert found.kept.tolist() == wanted.kept.tolist()
    assert found.skipped == wanted.skipped
    assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))


def test_a_cache_that_is_wiped_while_it_is_filled_does_no_harm(recipe_data, split) -> None:
    def wipe(*said: object) -> None:
        shutil.rmtree(cache_folder() / "images", ignore_errors=True)

    found = prepare(split, recipe_data("unused"), budget=0, progress=wipe)
    np.testing.assert_array_equal(found.array, prepare(split, recipe_data("unused")).array)
