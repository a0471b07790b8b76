"""Draws to look at: equal to those of training, and the small things round them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cnnviz import augment
from cnnviz.augment.preview import display_size, draws, image_bytes, mark_filled, sheet, short_caption, wipe
from cnnviz.policy import POLICIES, STEPS, Policy, Step

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (60, 90, 3), np.uint8)
OTHERS = [RNG.integers(0, 256, (50, 50, 3), np.uint8), RNG.integers(0, 256, (20, 30, 1), np.uint8)]


@pytest.mark.parametrize("name", POLICIES)
def test_a_draw_is_what_training_makes_of_the_image(name: str) -> None:
    policy, size = POLICIES[name], (40, 40)
    made = draws(IMAGE, policy, seed=3, epochs=range(4, 7), sample=11, size=size)
    for epoch, one in zip(range(4, 7), made, strict=True):
        (trained,) = augment.augment_batch([IMAGE], policy, seed=3, epoch=epoch, samples=[11], size=size)
        np.testing.assert_array_equal(one.image, trained)
        assert one.drawn == augment.draw(policy, seed=3, epoch=epoch, sample=11)
        assert one.filled.shape == size


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_mixing_takes_the_others_and_says_only_what_it_did(kind: str) -> None:
    policy = Policy(name="x", steps=(Step(type=kind, low=0.4, high=0.5),))
    made = draws(IMAGE, policy, seed=0, epochs=range(12), size=(60, 90), others=OTHERS)
    mixed = [not np.array_equal(one.image, IMAGE) for one in made]
    assert mixed == [one.drawn[0].applied for one in made]
    assert 0 < sum(mixed) < 12
    alone = draws(IMAGE, policy, seed=0, epochs=range(3), size=(60, 90))
    assert all(np.array_equal(one.image, IMAGE) and not one.drawn[0].applied for one in alone)


@pytest.mark.parametrize(
    ("shape", "expected"), [((3000, 4000, 3), (288, 384)), ((8, 8, 1), (8, 8)), ((1, 3000, 3), (1, 384))]
)
def test_display_sizes_shrink_and_never_enlarge(shape: tuple[int, ...], expected: tuple[int, int]) -> None:
    assert display_size(shape) == expected


def test_marks_stand_on_the_filled_pixels_only() -> None:
    policy = Policy(name="x", steps=(Step(type="width_shift", low=0.5, high=0.5),))
    (one,) = draws(IMAGE, policy, seed=0, epochs=[0], size=(60, 90))
    made = mark_filled(one.image, one.filled)
    assert one.filled[:, :45].all()
    assert not one.filled[:, 45:].any()
    np.testing.assert_array_equal(made[:, 45:], IMAGE[:, :45])
    assert len(np.unique(made[:, :45].reshape(-1, 3), axis=0)) == 2
    assert mark_filled(IMAGE[..., :1], one.filled).shape == (60, 90, 3)


def test_a_wipe_shows_one_image_on_each_side_of_its_line() -> None:
    before, after = np.zeros((10, 200, 3), np.uint8), np.full((10, 200, 3), 9, np.uint8)
    made = wipe(before, after, 0.25)
    assert made[0, :, 0].tolist() == [0] * 49 + [255] * 2 + [9] * 149
    np.testing.assert_array_equal(wipe(before, after, 0), after)
    np.testing.assert_array_equal(wipe(before, after, 1), before)


def test_files_keep_the_image() -> None:
    small = image_bytes(IMAGE[:8, :8])
    read = cv2.cvtColor(cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert small.startswith(b"\x89PNG")
    np.testing.assert_array_equal(read[::32, ::32], IMAGE[:8, :8])
    grey = image_bytes(IMAGE[:8, :8, :1])
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(grey, np.uint8), 0)[::32, ::32], IMAGE[:8, :8, 0])
    smooth = cv2.resize(IMAGE[:4, :6], (300, 200), interpolation=cv2.INTER_CUBIC)
    file = image_bytes(smooth)
    read = cv2.cvtColor(cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert file.startswith(b"\xff\xd8")
    assert np.abs(read.astype(int) - smooth).mean() < 3


def test_a_sheet_lays_images_out_row_by_row() -> None:
    made = sheet([np.full((4, 6, 3), value, np.uint8) for value in (10, 20, 30)], columns=2)
    assert made.shape == (8 + 2 * 12, 8 + 2 * 14, 3)
    assert (made[8:12, 8:14] == 10).all()
    assert (made[8:12, 22:28] == 20).all()
    assert (made[20:24, 8:14] == 30).all()
    assert (made[20:24, 22:28] == 255).all()


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("rotation", -17.4, "turn −17°"),
        ("rotation", 0.01, "turn 0°"),
        ("width_shift", 0.123, "right 12%"),
        ("width_shift", -0.02, "left 2%"),
        ("height_shift", -0.5, "up 50%"),
        ("height_shift", 0.001, "shift 0%"),
        ("zoom", 0.9, "zoom 0.90×0.90"),
        ("hue", 0.05, "hue 18°"),
        ("contrast", 1.25, "contrast ×1.25"),
        ("noise", 0.025, "noise 2.5%"),
        ("horizontal_flip", 1, "mirrored"),
        ("horizontal_flip", 0, "unchanged"),
    ],
)
def test_short_captions_say_the_value(kind: str, value: float, expected: str) -> None:
    assert short_caption((augment.drawn_at(kind, value),)) == expected


@pytest.mark.parametrize("kind", STEPS)
def test_every_step_has_a_short_caption(kind: str) -> None:
    assert short_caption((augment.drawn_at(kind, 1.0),)) not in ("", "unchanged")
