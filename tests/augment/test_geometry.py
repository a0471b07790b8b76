"""Geometry, against NumPy, SciPy and Keras's ImageDataGenerator."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage

from cnnviz import images
from cnnviz.augment import Drawn, apply, draw, filled_pixels, matrix, working
from cnnviz.errors import ImageError
from cnnviz.policy import POLICIES, Policy, Step

random = np.random.default_rng(0)
NOISE = random.integers(0, 256, (40, 40, 3), dtype=np.uint8)
WIDE = random.integers(0, 256, (30, 50, 3), dtype=np.uint8)
SMOOTH = cv2.GaussianBlur(random.integers(0, 256, (60, 60, 3), dtype=np.uint8), (0, 0), 1.5)
BORDERS = {"nearest": "edge", "reflect": "symmetric", "wrap": "wrap", "constant": "constant"}
WHOLE = Policy(steps=(Step(type="random_crop", low=1, high=1),))


def one(kind: str, **values: float) -> Drawn:
    """An applied step."""
    return Drawn(kind, True, values)


def done(image: np.ndarray, *steps: Drawn, policy: Policy | None = None, size=None) -> np.ndarray:
    """The image after these steps, of its own size."""
    return apply(image, policy or Policy(), steps, size=size or image.shape[:2])


@pytest.mark.parametrize("image", [NOISE, WIDE, NOISE[..., :1], WIDE[:29, :49]], ids=["square", "wide", "grey", "odd"])
def test_flips_and_half_turns_are_numpys(image: np.ndarray) -> None:
    assert np.array_equal(done(image, one("horizontal_flip")), np.flip(image, 1))
    assert np.array_equal(done(image, one("vertical_flip")), np.flip(image, 0))
    assert np.array_equal(done(image, one("horizontal_flip"), one("vertical_flip")), np.flip(image, (0, 1)))
    for angle in (180, -180):
        assert np.array_equal(done(image, one("rotation", value=angle)), np.rot90(image, 2))


@pytest.mark.parametrize("side", [40, 39])
@pytest.mark.parametrize("mode", BORDERS)
def test_a_quarter_turn_is_numpys_and_anticlockwise(side: int, mode: str) -> None:
    image, policy = NOISE[:side, :side], Policy(fill_mode=mode, fill_value=7)
    assert np.array_equal(done(image, one("rotation", value=90), policy=policy), np.rot90(image))
    assert np.array_equal(done(image, one("rotation", value=-90), policy=policy), np.rot90(image, -1))


@pytest.mark.parametrize("mode", BORDERS)
@pytest.mark.parametrize(("right", "down"), [(0.1, 0.0), (0.0, 0.3), (-0.2, 0.1), (1.0, -1.0)])
def test_shifts_by_whole_pixels_are_numpys_and_go_right_and_down(mode: str, right: float, down: float) -> None:
    made = done(WIDE, one("width_shift", value=right), one("height_shift", value=down), policy=Policy(fill_mode=mode))
    padded = np.pad(WIDE, ((30, 30), (50, 50), (0, 0)), mode=BORDERS[mode])
    top, left = 30 - round(30 * down), 50 - round(50 * right)
    assert np.array_equal(made, padded[top : top + 30, left : left + 50])


def test_wrapping_shifts_roll() -> None:
    made = done(NOISE, one("width_shift", value=0.25), policy=Policy(fill_mode="wrap"))
    assert np.array_equal(made, np.roll(NOISE, 10, axis=1))


def test_constant_fills_with_its_value() -> None:
    made = done(NOISE, one("width_shift", value=0.5), policy=Policy(fill_mode="constant", fill_value=200))
    assert (made[:, :20] == 200).all()
    assert np.array_equal(made[:, 20:], NOISE[:, :20])


def test_steps_that_change_nothing_change_nothing() -> None:
    steps = (one("rotation", value=0), one("zoom", x=1, y=1), one("shear", value=0), one("central_crop", value=1))
    assert np.array_equal(done(WIDE, *steps), WIDE)
    there = (one("rotation", value=37), one("rotation", value=-37))
    assert np.array_equal(done(NOISE, *there), NOISE)


def test_zoom_below_1_enlarges_and_its_two_values_are_width_and_height() -> None:
    spot = np.zeros((41, 41, 1), np.uint8)
    spot[15:26, 15:26] = 255
    rows, columns = np.nonzero(done(spot, one("zoom", x=0.5, y=1))[..., 0] > 127)
    assert np.ptp(rows) + 1 == 11
    assert abs(np.ptp(columns) + 1 - 22) <= 1
    rows, columns = np.nonzero(done(spot, one("zoom", x=1, y=1.4))[..., 0] > 127)
    assert np.ptp(rows) + 1 < 11 == np.ptp(columns) + 1


@pytest.mark.parametrize("angle", [1, 30, -75, 123])
def test_one_warp_is_scipys_affine_transform(angle: float) -> None:
    steps = (one("rotation", value=angle), one("width_shift", value=0.07), one("zoom", x=0.9, y=1.2))
    made = done(SMOOTH[:50], *steps, policy=Policy(fill_mode="reflect"))
    to = matrix((50, 60), Policy(), steps, size=(50, 60))
    swap = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])  # SciPy counts (row, column)
    expected = [
        ndimage.affine_transform(plane.astype(float), swap @ to @ swap, order=1, mode="reflect")
        for plane in np.moveaxis(SMOOTH[:50], 2, 0)
    ]
    assert abs(made - np.stack(expected, axis=2)).max() < 0.51  # only the rounding to whole values is ours


KERAS = [
    (20, 0, 0, 0, 1, 1),
    (0, 0.103, -0.051, 0, 1, 1),
    (0, 0, 0, 12, 1, 1),
    (0, 0, 0, 0, 0.85, 1.15),
    (-35, 0.13, 0.2, 0.17, 1.1, 0.87),
    (40, -0.2, 0.2, -0.2, 0.8, 1.2),
]


@pytest.mark.parametrize("mode", BORDERS)
@pytest.mark.parametrize(("theta", "right", "down", "shear", "x", "y"), KERAS)
def test_the_settings_of_keras_image_data_generator_mean_the_same(theta, right, down, shear, x, y, mode) -> None:
    """Keras's shifts count the other way, which symmetric ranges can't tell.

    Its pixels are floats, so rounding costs up to 0.5 and 0.25 on average. Beyond the image SciPy's `wrap` has the
    period n − 1 and its `constant` doesn't blend the border in, so for these only the inside is compared.
    """
    from keras.src.legacy.preprocessing import image as legacy

    expected = legacy.apply_affine_transform(
        SMOOTH.astype(np.float32),
        theta=theta,
        tx=-right * 60,
        ty=-down * 60,
        shear=shear,
        zx=x,
        zy=y,
        row_axis=0,
        col_axis=1,
        channel_axis=2,
        fill_mode=mode,
        cval=9,
        order=1,
    )
    steps = (
        one("rotation", value=theta),
        one("width_shift", value=right),
        one("height_shift", value=down),
        one("shear", value=shear),
        one("zoom", x=x, y=y),
    )
    made = done(SMOOTH, *steps, policy=Policy(fill_mode=mode, fill_value=9))
    off = abs(made - expected.astype(float))
    if mode in ("wrap", "constant"):
        to = matrix((60, 60), Policy(), steps, size=(60, 60))
        grid = np.stack([*np.meshgrid(np.arange(60), np.arange(60)), np.ones((60, 60))], axis=-1) @ to.T
        off = off[((grid[..., :2] >= 0) & (grid[..., :2] <= 59)).all(axis=-1)]
        assert off.size > 0.6 * made.size
    assert off.max() < 0.51
    assert off.mean() < 0.3


def test_one_composed_matrix_is_the_product_of_the_matrices() -> None:
    shape, steps = (50, 60), draw(POLICIES["D3"], seed=0, epoch=0, sample=4)
    expected = np.eye(3)
    for step in steps:
        expected = expected @ matrix(shape, Policy(), [step], size=shape)
    assert np.allclose(matrix(shape, Policy(), steps, size=shape), expected, atol=1e-9)
    assert sum(step.applied for step in steps) >= 5


def test_one_resampling_is_sharper_than_five() -> None:
    steps = draw(POLICIES["D3"], seed=0, epoch=0, sample=4)
    many = NOISE
    for step in steps:
        many = done(many, step)
    assert cv2.Laplacian(done(NOISE, *steps), cv2.CV_64F).std() > 1.5 * cv2.Laplacian(many, cv2.CV_64F).std()


@pytest.mark.parametrize("crop", ["whole", "centre", "face"])
@pytest.mark.parametrize("size", [(20, 20), (16, 40), (80, 60)])
@pytest.mark.parametrize("channels", [1, 3])
def test_without_steps_an_image_is_as_for_evaluation(crop: str, size: tuple[int, int], channels: int) -> None:
    image = WIDE[..., :channels]
    assert np.array_equal(
        apply(image, Policy(), (), size=size, crop=crop), images.fit(image, size, channels=channels, crop=crop)
    )


def test_a_random_crop_of_the_largest_window_cuts_whole_pixels_everywhere() -> None:
    """The faces of the first tutorial: 178 × 218 images, windows of 178 × 178."""
    image, seen = random.integers(0, 256, (218, 178, 3), dtype=np.uint8), set()
    for sample in range(600):
        drawn = draw(WHOLE, seed=0, epoch=0, sample=sample)
        made = apply(image, WHOLE, drawn, size=(178, 178))
        top = int(matrix((218, 178), WHOLE, drawn, size=(178, 178))[1, 2])
        assert np.array_equal(made, image[top : top + 178])
        seen.add(top)
    assert seen == set(range(41))


def test_a_smaller_window_is_its_share_of_the_largest() -> None:
    drawn = (one("random_crop", value=0.5, x=0.0, y=1.0),)
    made = apply(WIDE, WHOLE, drawn, size=(30, 30)).astype(int)
    expected = cv2.resize(WIDE[15:, :15], (30, 30), interpolation=cv2.INTER_LINEAR)
    # At the window's edge the warp blends with the image beyond it, where a cut-out has nothing.
    assert abs(made - expected)[1:, :-1].max() <= 1


def test_a_random_crop_that_is_not_applied_gives_the_cut_of_evaluation() -> None:
    """On an even ramp every way of resizing gives the same ramp, the outermost pixels apart."""
    ramp = np.add.outer(np.arange(30) * 3, np.arange(50) * 3).astype(np.uint8)[..., None]
    drawn = (Drawn("random_crop", False, {"value": 1.0, "x": 0.0, "y": 0.0}),)
    for crop in ("centre", "whole", "face"):
        made = apply(ramp, WHOLE, drawn, size=(30, 30), crop=crop).astype(int)
        assert abs(made - images.fit(ramp, (30, 30), channels=1, crop=crop))[1:-1, 1:-1].max() <= 1
    made = apply(WIDE, WHOLE, drawn, size=(30, 30), crop="centre")
    assert np.array_equal(made, images.fit(WIDE, (30, 30), crop="centre"))


def test_a_working_image_is_its_own_working_image() -> None:
    for policy in (Policy(), WHOLE):
        for size in ((20, 20), (10, 33), (64, 64)):
            once = working(WIDE, policy, size=size)
            assert np.array_equal(working(once, policy, size=size), once)
            drawn = draw(policy, seed=0, epoch=0, sample=1)
            assert np.array_equal(apply(WIDE, policy, drawn, size=size), apply(once, policy, drawn, size=size))


def test_shrinking_a_lot_averages_instead_of_skipping() -> None:
    stripes = np.zeros((200, 200, 1), np.uint8)
    stripes[:, ::2] = 255
    for steps in ((), (one("zoom", x=4, y=4),), (one("rotation", value=30), one("zoom", x=3, y=3))):
        made = apply(stripes, Policy(fill_mode="wrap"), steps, size=(200, 200) if steps else (40, 40))
        middle = made[made.shape[0] // 2 - 10 :][:20, made.shape[1] // 2 - 10 :][:, :20]
        assert abs(middle.astype(int) - 127).max() < 30


def test_filled_pixels_are_those_that_a_constant_marks() -> None:
    marked = Policy(fill_mode="constant", fill_value=0)
    white = np.full((60, 60, 1), 255, np.uint8)
    for sample in range(20):
        drawn = draw(POLICIES["D3"], seed=0, epoch=0, sample=sample)
        mask = filled_pixels(white.shape, POLICIES["D3"], drawn, size=(60, 60))
        assert mask.dtype == bool
        assert mask.shape == (60, 60)
        covered = apply(white, marked, drawn, size=(60, 60))[..., 0] < 127
        assert (mask != covered).mean() < 0.01  # where the border passes through a pixel's corner
    assert filled_pixels(white.shape, Policy(), (one("width_shift", value=0.5),), size=(60, 60)).mean() == 0.5
    assert not filled_pixels(white.shape, Policy(), (), size=(60, 60)).any()


def test_images_of_a_policy_with_a_margin_are_filled_from_the_image_itself() -> None:
    steps = (one("random_crop", value=1, x=0.5, y=0.5), one("width_shift", value=0.1))
    assert not filled_pixels(WIDE.shape, WHOLE, steps, size=(30, 30)).any()
    assert np.array_equal(apply(WIDE, WHOLE, steps, size=(30, 30)), WIDE[:, 7:37])


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
    ids=["no channels", "alpha", "float", "empty"],
)
def test_other_images_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ImageError, match="expected uint8"):
        apply(image, Policy(), (), size=(4, 4))
