"""Deletion and insertion curves against cases that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz.errors import ModelError
from cnnviz.explain import Cancelled
from cnnviz.explain.metrics.deletion_insertion import (
    Curves,
    blur,
    curves,
    deletion_insertion,
    mean_colour,
    random_map_like,
    ranking,
    replace_pixels,
    resize_map,
)

SIDE, CORNER = 8, 4
IMAGE = np.zeros((SIDE, SIDE, 1), np.uint8)
IMAGE[:CORNER, :CORNER] = 255
BLACK = np.zeros_like(IMAGE)
PERFECT = IMAGE[..., 0].astype(np.float32)


def corner(images: np.ndarray) -> np.ndarray:
    """A model whose probability is the mean of the upper left corner."""
    return images[:, :CORNER, :CORNER].mean(axis=(1, 2, 3)) / 255


def test_a_perfect_maps_areas_are_those_worked_out_by_hand() -> None:
    found = curves(corner, IMAGE, PERFECT, steps=64, empty=BLACK, start=BLACK)
    # 16 of 64 pixels count: the probability falls from 1 to 0, or rises, along the first quarter; 1/8 under the slope.
    assert found.deletion_area == pytest.approx(1 / 8)
    assert found.insertion_area == pytest.approx(7 / 8)
    assert found.fractions[16] == 0.25
    assert (found.deletion[0], found.deletion[8], found.deletion[16], found.deletion[-1]) == (1, 0.5, 0, 0)
    assert (found.insertion[0], found.insertion[8], found.insertion[16]) == (0, 0.5, 1)


def test_the_worst_maps_areas_are_the_perfect_ones_mirrored() -> None:
    found = curves(corner, IMAGE, 255 - PERFECT, steps=64, empty=BLACK, start=BLACK)
    assert found.deletion_area == pytest.approx(7 / 8)
    assert found.insertion_area == pytest.approx(1 / 8)


def test_a_map_that_says_nothing_comes_out_at_a_half() -> None:
    areas = [
        curves(corner, IMAGE, np.ones((SIDE, SIDE)), steps=64, seed=seed, empty=BLACK).deletion_area
        for seed in range(40)
    ]
    assert np.mean(areas) == pytest.approx(0.5, abs=0.03)


def test_fewer_steps_and_a_map_of_another_size_come_near() -> None:
    coarse = np.array([[1.0, 0], [0, 0]], np.float32)
    found = curves(corner, IMAGE, coarse, steps=8, empty=BLACK, start=BLACK)
    assert found.fractions == pytest.approx(np.arange(9) / 8)
    assert found.deletion_area == pytest.approx(1 / 8, abs=0.05)


def test_equal_values_come_in_random_order_after_greater_and_before_smaller_ones() -> None:
    map_ = np.zeros((SIDE, SIDE), np.float32)
    map_[5] = 2
    map_[0, 0] = -1
    first, other = ranking(map_, (SIDE, SIDE)), ranking(map_, (SIDE, SIDE), seed=1)
    for order in (first, other):
        assert sorted(order) == list(range(64))
        assert set(order[:8]) == set(range(40, 48))
        assert order[-1] == 0
    assert list(first) != list(other)
    assert first[8:20].mean() > 12  # not the top of the image first
    np.testing.assert_array_equal(first, ranking(map_, (SIDE, SIDE)))


def test_rounding_makes_no_differences_between_equal_values() -> None:
    map_ = np.full((3, 3), 0.1, np.float32)
    assert list(ranking(map_, (60, 60))[:60]) != list(range(60))
    assert len(set(ranking(map_, (60, 60))[:200] // 60)) > 30


def test_so_many_pixels_are_taken_from_the_other_image() -> None:
    image, other = np.full((2, 3, 3), 7, np.uint8), np.full((2, 3, 3), 9, np.uint8)
    found = replace_pixels(image, np.array([4, 0, 1, 2, 3, 5]), np.array([0, 1, 2, 6]), other)
    assert found.dtype == np.uint8
    assert [(one == 9).sum() for one in found] == [0, 3, 6, 18]
    assert (found[1, 1, 1] == 9).all()
    assert (found[2, 0, 0] == 9).all()


def test_the_empty_image_has_the_mean_colour_and_the_blurred_one_little_else() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    mean = image.mean(axis=(0, 1))
    assert np.abs(mean_colour(image) - mean).max() <= 0.5
    assert blur(image).std(axis=(0, 1)).max() < 0.1 * image.std()
    assert blur(image).shape == image.shape
    grey = image[..., :1]
    assert blur(grey).shape == mean_colour(grey).shape == grey.shape


def test_a_random_map_keeps_the_grain_but_not_the_place() -> None:
    smooth = resize_map(np.random.default_rng(0).random((4, 4)), (32, 32))
    found = random_map_like(smooth, 1)

    def roughness(map_: np.ndarray) -> float:
        return np.abs(np.diff(map_, axis=1)).mean() / map_.std()

    assert found.shape == smooth.shape
    assert np.mean([roughness(random_map_like(smooth, seed)) for seed in range(20)]) == pytest.approx(
        roughness(smooth), rel=0.3
    )
    assert roughness(np.random.default_rng(1).random((32, 32))) > 4 * roughness(found)
    positions = [np.corrcoef(smooth.ravel(), random_map_like(smooth, seed).ravel())[0, 1] for seed in range(40)]
    assert abs(np.mean(positions)) < 0.2
    np.testing.assert_array_equal(found, random_map_like(smooth, 1))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (7, 7), (4, 6)])
def test_random_maps_of_any_shape(shape: tuple[int, int]) -> None:
    found = random_map_like(np.random.default_rng(0).random(shape), 3)
    assert found.shape == shape
    assert np.isfinite(found).all()


def test_a_perfect_map_beats_random_ones_and_another_map_stands_beside_it() -> None:
    found = deletion_insertion(corner, IMAGE, {"mine": PERFECT, "other": lambda: 255 - PERFECT}, randoms=4)
    assert list(found.curves) == ["mine", "other"]
    assert len(found.random) == 4
    assert found.ended == ""
    own, other = found.curves.values()
    assert all(own.deletion_area < one.deletion_area < other.deletion_area for one in found.random)
    mean = found.random_mean
    assert mean.deletion_area == pytest.approx(np.mean([one.deletion_area for one in found.random]))
    assert mean.insertion[5] == pytest.approx(np.mean([one.insertion[5] for one in found.random]))


def test_the_same_seed_finds_the_same() -> None:
    one, other, third = (deletion_insertion(corner, IMAGE, {"x": PERFECT}, randoms=2, seed=seed) for seed in (0, 0, 1))
    assert one == other != third


def test_what_is_done_when_the_time_is_up_is_returned() -> None:
    found = deletion_insertion(corner, IMAGE, {"mine": PERFECT, "other": PERFECT}, budget=-1)
    assert list(found.curves) == ["mine"]
    assert (found.random, found.random_mean, found.ended) == ((), None, "time")


def test_what_is_done_when_it_is_stopped_is_returned() -> None:
    said = []
    found = deletion_insertion(
        corner,
        IMAGE,
        {"mine": PERFECT, "other": PERFECT},
        progress=lambda *now: said.append(now),
        cancelled=lambda: len(said) == 2,
    )
    assert (list(found.curves), len(found.random), found.ended) == (["mine"], 1, "stop")
    assert [done for _, done, total in said] == [0, 1]
    assert {total for *_, total in said} == {12}


def test_a_map_that_cannot_be_had_is_named() -> None:
    def fails() -> np.ndarray:
        raise ModelError("No convolution.")

    found = deletion_insertion(corner, IMAGE, {"mine": PERFECT, "other": fails}, randoms=1)
    assert list(found.curves) == ["mine"]
    assert found.skipped == {"other": "No convolution."}


def test_a_map_that_is_broken_off_ends_it() -> None:
    def stops() -> np.ndarray:
        raise Cancelled

    found = deletion_insertion(corner, IMAGE, {"mine": PERFECT, "other": stops}, randoms=3)
    assert (list(found.curves), len(found.random), found.ended) == (["mine"], 1, "stop")

    def score(images: np.ndarray) -> np.ndarray:
        raise Cancelled

    with pytest.raises(Cancelled):
        deletion_insertion(score, IMAGE, {"mine": PERFECT})


def test_images_are_asked_about_in_batches() -> None:
    sizes = []

    def score(images: np.ndarray) -> np.ndarray:
        sizes.append(len(images))
        return corner(images)

    found = curves(score, IMAGE, PERFECT, steps=50)
    assert sum(sizes) == 2 * 51
    assert max(sizes) == 33
    assert isinstance(found, Curves)
    assert len(found.deletion) == 51
    sizes.clear()
    curves(score, np.zeros((200, 250, 1), np.uint8), PERFECT, steps=10)
    assert sizes == [8, 3, 8, 3]
