"""Colour and pixel steps, against tf.image, Pillow, colorsys and definitions written out."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from cnnviz.augment import Drawn, apply
from cnnviz.policy import Policy

random = np.random.default_rng(1)
IMAGE = random.integers(0, 256, (40, 50, 3), dtype=np.uint8)
PALE = random.integers(90, 160, (40, 50, 3), dtype=np.uint8)  # stays within 0..255
GREY = IMAGE[..., :1]


def done(image: np.ndarray, *steps: tuple[str, float] | tuple[str, dict]) -> np.ndarray:
    """The image after these steps, given as (kind, value or values)."""
    drawn = [Drawn(kind, True, values if isinstance(values, dict) else {"value": values}) for kind, values in steps]
    return apply(image, Policy(), drawn, size=image.shape[:2])


@pytest.fixture(scope="module")
def tf_image():
    """tf.image, the reference of the tutorials."""
    import tensorflow as tf

    return tf.image


def off(made: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference to what is expected, rounded and clipped."""
    return float(abs(made - np.clip(np.rint(np.asarray(expected, float)), 0, 255)).max())


@pytest.mark.parametrize("value", [-0.5, -0.1, 0.2, 1.0])
@pytest.mark.parametrize("image", [IMAGE, GREY], ids=["rgb", "grey"])
def test_brightness_is_tensorflows(tf_image, image: np.ndarray, value: float) -> None:
    assert (
        off(done(image, ("brightness", value)), tf_image.adjust_brightness(image.astype(np.float32), 255 * value)) == 0
    )


@pytest.mark.parametrize("value", [0.0, 0.5, 1.3, 3.0])
@pytest.mark.parametrize("image", [IMAGE, GREY], ids=["rgb", "grey"])
def test_contrast_is_tensorflows(tf_image, image: np.ndarray, value: float) -> None:
    assert off(done(image, ("contrast", value)), tf_image.adjust_contrast(image.astype(np.float32), value)) <= 1


def test_contrast_is_about_the_mean_of_the_image_at_hand() -> None:
    """After brightness the mean has moved with it."""
    made = done(PALE, ("brightness", 0.1), ("contrast", 0.5))
    middle = PALE.mean((0, 1)) + 25.5
    assert off(made, (PALE + 25.5 - middle) * 0.5 + middle) <= 1


@pytest.mark.parametrize("value", [0.0, 0.5, 1.5, 3.0])
def test_saturation_is_pillows(value: float) -> None:
    expected = ImageEnhance.Color(Image.fromarray(IMAGE)).enhance(value)
    assert off(done(IMAGE, ("saturation", value)), np.asarray(expected)) <= 1 + value


def test_grey_is_tensorflows(tf_image) -> None:
    expected = tf_image.grayscale_to_rgb(tf_image.rgb_to_grayscale(IMAGE.astype(np.float32)))
    assert off(done(IMAGE, ("grey", {})), expected) <= 1


@pytest.mark.parametrize("thirds", [-1, 1])
def test_a_third_of_the_hue_circle_is_tensorflows_and_swaps_channels(tf_image, thirds: int) -> None:
    made = done(IMAGE, ("hue", thirds / 3))
    assert np.array_equal(made, np.roll(IMAGE, thirds, axis=2))
    assert off(made, 255 * tf_image.adjust_hue((IMAGE / 255).astype(np.float32), thirds / 3)) <= 1


@pytest.mark.parametrize("value", [-0.5, -0.2, -0.05, 0.03, 0.1, 0.4])
def test_hue_turns_the_colour_circle_by_its_value(value: float) -> None:
    """Along a circle, where HSV follows a hexagon: the two are at most 0.4 % of the circle apart."""
    patches = np.array([colorsys.hsv_to_rgb(hue, 0.3, 0.6) for hue in np.arange(0, 1, 0.05)])[None]
    given = np.rint(255 * patches).astype(np.uint8)
    made = done(given, ("hue", value))
    for before, after in zip(given[0], made[0], strict=True):
        turned = colorsys.rgb_to_hsv(*after / 255)[0] - colorsys.rgb_to_hsv(*before / 255)[0] - value
        assert abs((turned + 0.5) % 1 - 0.5) < 0.012  # 0.004 each for two places on the circle, the rest for rounding
    assert abs(made.astype(int).sum(-1) - given.astype(int).sum(-1)).max() <= 2


def test_a_row_of_colour_steps_rounds_and_clips_once() -> None:
    bright_and_back = (("brightness", 0.6), ("brightness", -0.6))
    assert np.array_equal(done(IMAGE, *bright_and_back), IMAGE)
    for steps in ([("hue", 0.1), ("hue", -0.1)], [("contrast", 4), ("contrast", 0.25)]):
        assert abs(done(IMAGE, *steps).astype(int) - IMAGE).max() <= 1


def test_fused_colour_steps_are_the_steps_one_by_one() -> None:
    steps = [("saturation", 1.4), ("brightness", 0.05), ("contrast", 0.8), ("hue", 0.07), ("saturation", 0.7)]
    slow = PALE
    for step in steps:
        slow = done(slow, step)
    assert abs(done(PALE, *steps).astype(int) - slow).max() <= 3  # five roundings


@pytest.mark.parametrize("step", [("saturation", 0.2), ("hue", 0.3), ("grey", {})])
def test_colour_only_steps_leave_grey_images_alone(step: tuple) -> None:
    assert np.array_equal(done(GREY, step), GREY)


@pytest.mark.parametrize("kind", ["brightness", "contrast", "saturation", "hue", "noise", "blur", "erasing"])
@pytest.mark.parametrize("image", [IMAGE, GREY], ids=["rgb", "grey"])
def test_the_identity_changes_nothing_and_the_input_is_never_written(kind: str, image: np.ndarray) -> None:
    from cnnviz.policy import STEPS

    before, more = image.copy(), {"pattern": 0.3, "aspect": 1.0, "x": 0.5, "y": 0.5}
    assert np.array_equal(done(image, (kind, {**more, "value": STEPS[kind].identity})), image)
    done(image, (kind, {**more, "value": STEPS[kind].bounds[1]}))
    assert np.array_equal(image, before)


def test_noise_has_its_deviation_and_belongs_to_its_pattern() -> None:
    flat = np.full((200, 200, 3), 128, np.uint8)
    made = done(flat, ("noise", {"value": 0.05, "pattern": 0.2}))
    assert np.array_equal(made, done(flat, ("noise", {"value": 0.05, "pattern": 0.2})))
    other = done(flat, ("noise", {"value": 0.05, "pattern": 0.3}))
    assert abs(np.corrcoef(made.ravel(), other.ravel())[0, 1]) < 0.02
    assert abs(made.mean() - 128) < 0.2
    assert abs(made.std() - 12.75) < 0.2
    assert abs(np.corrcoef(made[..., 0].ravel(), made[..., 1].ravel())[0, 1]) < 0.03


def test_blur_is_a_gaussian_of_its_deviation() -> None:
    from scipy import ndimage

    made = done(GREY, ("blur", 0.05))
    expected = ndimage.gaussian_filter(GREY[..., 0].astype(float), 0.05 * 40, mode="mirror", truncate=3)
    assert abs(made[..., 0] - expected).max() < 2.5
    assert abs(made[..., 0] - expected).mean() < 0.6


@pytest.mark.parametrize("aspect", [1 / 3, 1.0, 3.0])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6])
@pytest.mark.parametrize("place", [0.0, 0.99999])
def test_erasing_covers_its_share_with_the_mean_colour(aspect: float, share: float, place: float) -> None:
    square = random.integers(0, 256, (100, 100, 3), dtype=np.uint8)
    made = done(square, ("erasing", {"value": share, "aspect": aspect, "x": place, "y": place}))
    changed = (made != square).any(-1)
    rows, columns = np.nonzero(changed.any(1))[0], np.nonzero(changed.any(0))[0]
    high, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert high * wide == pytest.approx(10_000 * share, rel=0.06)
    if share * max(aspect, 1 / aspect) < 1:  # else it would be larger than the image
        assert wide / high == pytest.approx(aspect, rel=0.12)
    assert (rows[0] if place == 0 else rows[-1]) == (0 if place == 0 else 99)
    patch = made[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert abs(patch - square.mean((0, 1))).max() <= 0.5001
