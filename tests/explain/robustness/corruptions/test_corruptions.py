"""The corruptions: what holds for all of them, and for some what libraries and formulas say."""

from __future__ import annotations

import colorsys
import io
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage
from PIL import Image
from scipy import ndimage

from cnnviz.errors import ImageError
from cnnviz.explain.robustness.corruptions.corruption import GROUPS, kernel_of, line_kernel
from cnnviz.explain.robustness.corruptions.kinds import blur, digital, weather
from cnnviz.explain.robustness.corruptions.registry import CORRUPTIONS, corrupt

RANDOM = ("gaussian-noise", "shot-noise", "impulse-noise", "glass-blur", "motion-blur", "snow", "frost", "fog")
BLURS = ("defocus-blur", "glass-blur", "motion-blur", "zoom-blur")


@cache
def photo(height: int = 224, width: int = 224, channels: int = 3) -> np.ndarray:
    """A photograph that scikit-image brings along."""
    whole = cv2.imread(str(Path(skimage.__file__).parent / "data" / "astronaut.png"))[..., ::-1]
    image = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    return image if channels == 3 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]


def change(image: np.ndarray, kind: str, severity: int, seed: int = 0) -> float:
    """The mean absolute change, in levels."""
    return float(np.abs(corrupt(image, kind, severity, seed).astype(float) - image).mean())


def test_they_are_the_papers_in_its_order() -> None:
    assert list(CORRUPTIONS) == [
        *("gaussian-noise", "shot-noise", "impulse-noise"),
        *("defocus-blur", "glass-blur", "motion-blur", "zoom-blur"),
        *("snow", "frost", "fog", "brightness"),
        *("contrast", "elastic-transform", "pixelate", "jpeg-compression"),
    ]
    assert [sum(one.group == group for one in CORRUPTIONS.values()) for group in GROUPS] == [3, 4, 4, 4]
    assert all(one.title and one.description.endswith(".") for one in CORRUPTIONS.values())


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_the_seed_decides(kind: str) -> None:
    image = photo(40, 48)
    before = image.copy()
    one = corrupt(image, kind, 3, seed=1)
    np.testing.assert_array_equal(one, corrupt(image, kind, 3, seed=1))
    np.testing.assert_array_equal(image, before)
    assert (one != image).any()
    drawn = kind in (*RANDOM, "elastic-transform")
    assert (one != corrupt(image, kind, 3, seed=2)).any() == drawn


@pytest.mark.parametrize("kind", CORRUPTIONS)
@pytest.mark.parametrize("size", [(8, 8, 1), (8, 8, 3), (9, 31, 1), (600, 800, 3), (8, 2000, 1)], ids=str)
def test_shape_and_type_are_kept_at_any_size(kind: str, size: tuple[int, int, int]) -> None:
    image = photo(*size)
    for severity in (1, 5):
        found = corrupt(image, kind, severity)
        assert found.dtype == np.uint8
        assert found.shape == size
        assert (found != image).any()
    if kind != "elastic-transform":  # whose last severities move less and finer
        assert change(image, kind, 5) > 0.9 * change(image, kind, 1)


@pytest.mark.parametrize("kind", sorted(set(CORRUPTIONS) - {"elastic-transform", "frost"}))
@pytest.mark.parametrize("side", [64, 224])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_higher_severity_changes_more(kind: str, side: int, channels: int) -> None:
    changes = [change(photo(side, side, channels), kind, severity) for severity in range(1, 6)]
    assert (np.diff(changes) > 0).all(), changes


@pytest.mark.parametrize("kind", BLURS)
@pytest.mark.parametrize("side", [16, 64, 224])
def test_a_higher_severity_blurs_more(kind: str, side: int) -> None:
    def edges(image: np.ndarray) -> float:
        return float(
            np.abs(np.diff(image.astype(float), axis=0)).mean() + np.abs(np.diff(image.astype(float), axis=1)).mean()
        )

    image = photo(side, side)
    found = [edges(image), *(edges(corrupt(image, kind, severity)) for severity in range(1, 6))]
    if kind == "glass-blur":  # it mixes pixels up, too
        assert found[0] > max(found[1:])
    else:
        assert (np.diff(found) < 0).all(), found


@pytest.mark.parametrize("channels", [1, 3])
def test_a_higher_severity_of_frost_leaves_less_of_the_image(channels: int) -> None:
    """Its mean change doesn't grow: with less of the image behind as much frost it may become less bright again."""
    image = photo(96, 96, channels)
    alike = [np.corrcoef(corrupt(image, "frost", at).ravel(), image.ravel())[0, 1] for at in range(1, 6)]
    assert (np.diff(alike) < 0).all(), alike


def test_severities_of_the_elastic_transform() -> None:
    """On a slope the change is how far pixels were moved: 1 and 2 move far, 3 to 5 less, each farther than the last."""
    slope = np.repeat(np.linspace(0, 255, 224).astype(np.uint8)[None, :, None], 224, axis=0)
    moved = [np.mean([change(slope, "elastic-transform", at, seed) for seed in range(6)]) for at in range(1, 6)]
    assert moved[0] < moved[1]
    assert moved[2] < moved[3] < moved[4] < moved[0]


@pytest.mark.parametrize("kind", ["snow", "frost", "fog", "defocus-blur", "motion-blur", "elastic-transform"])
def test_lengths_go_with_the_images_size(kind: str) -> None:
    """A small image that is corrupted looks as a corrupted large one that is made small: more alike than it was."""
    small, large = photo(112, 112), photo(224, 224)
    made = cv2.resize(corrupt(large, kind, 3), (112, 112), interpolation=cv2.INTER_AREA).astype(float)
    alike = np.abs(corrupt(small, kind, 3) - made).mean()
    assert alike < 0.25 * np.abs(made - small).mean()


def test_gaussian_noise_has_the_papers_deviation() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    found = corrupt(grey, "gaussian-noise", 1).astype(float)
    assert found.std() == pytest.approx(0.08 * 255, rel=0.01)
    assert found.mean() == pytest.approx(128, abs=0.3)


def test_shot_noise_is_poisson() -> None:
    dark = np.full((200, 200, 3), 51, np.uint8)  # 0.2: 12 photons of 60, variance 12
    found = corrupt(dark, "shot-noise", 1) / 255 * 60
    assert found.mean() == pytest.approx(12, rel=0.01)
    assert found.var() == pytest.approx(12, rel=0.03)
    assert np.abs(found - found.round()).max() < 0.2  # whole photons, but for rounding to levels


def test_impulse_noise_is_salt_and_pepper() -> None:
    grey = np.full((200, 200, 3), 100, np.uint8)
    found = corrupt(grey, "impulse-noise", 5)
    assert set(np.unique(found)) == {0, 100, 255}
    assert (found == 0).mean() == pytest.approx(0.135, abs=0.005)
    assert (found == 255).mean() == pytest.approx(0.135, abs=0.005)


def test_brightness_is_the_value_of_hsv() -> None:
    image = photo(12, 12)
    expected = np.empty(image.shape)
    for at in np.ndindex(12, 12):
        hue, saturation, value = colorsys.rgb_to_hsv(*(image[at] / 255))
        expected[at] = colorsys.hsv_to_rgb(hue, saturation, min(value + 0.3, 1))
    np.testing.assert_allclose(corrupt(image, "brightness", 3), 255 * expected, atol=0.51)
    grey = photo(12, 12, 1)
    np.testing.assert_allclose(corrupt(grey, "brightness", 3), np.minimum(grey + 76.5, 255), atol=0.51)


def test_contrast_is_about_each_channels_mean() -> None:
    image = photo(40, 30)
    means = image.mean(axis=(0, 1))
    np.testing.assert_allclose(corrupt(image, "contrast", 4), means + 0.1 * (image - means), atol=0.51)


def test_pixelate_is_the_mean_of_blocks() -> None:
    """At severity 5 a quarter of each side is left. Pillow rounds after each side."""
    for channels in (1, 3):
        image = photo(32, 48, channels)
        blocks = image.reshape(8, 4, 12, 4, channels).mean(axis=(1, 3))
        expected = blocks.repeat(4, axis=0).repeat(4, axis=1)
        np.testing.assert_allclose(corrupt(image, "pixelate", 5), expected, atol=1.01)


def test_jpeg_is_of_the_papers_quality() -> None:
    for channels in (1, 3):
        image = photo(64, 64, channels)
        file = io.BytesIO()
        Image.fromarray(image.squeeze()).save(file, "JPEG", quality=10)
        expected = cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_UNCHANGED)
        expected = expected[..., ::-1] if channels == 3 else expected[..., None]
        np.testing.assert_allclose(corrupt(image, "jpeg-compression", 4), expected, atol=2)


def test_defocus_is_the_mean_over_a_disk() -> None:
    """At 224 pixels as with the paper's kernel, whose stairs are smoothed in another way."""
    image = photo()
    at = np.arange(-8, 9)
    disk = (at**2 + at[:, None] ** 2 <= 36).astype(np.float32)
    disk = cv2.GaussianBlur(disk / disk.sum(), (3, 3), 0.5)
    expected = cv2.filter2D(image.astype(np.float32), -1, disk)
    apart = np.abs(corrupt(image, "defocus-blur", 3) - expected).mean()
    assert apart < 0.03 * change(image, "defocus-blur", 3)


def test_a_kernel_of_points_shifts_by_linear_interpolation() -> None:
    kernel = kernel_of(np.array([0.0]), np.array([0.25]), np.array([3.0]))
    assert kernel.sum() == pytest.approx(1)
    middle = len(kernel) // 2
    np.testing.assert_allclose(kernel[middle, middle : middle + 2], [0.75, 0.25])


def test_motion_has_the_weights_of_half_a_gaussian() -> None:
    kernel = line_kernel(20, 5, 0)
    middle = len(kernel) // 2
    line = kernel[middle]
    assert line.sum() == pytest.approx(1, abs=1e-5)  # nothing above or below
    assert line[: middle - 1].sum() == 0
    at = np.arange(1, 30)
    expected = np.exp(-(at**2) / 50)
    np.testing.assert_allclose(line[middle + at] / line[middle + 1], expected / expected[0], rtol=0.05, atol=1e-3)
    down = line_kernel(20, 5, 90)
    np.testing.assert_allclose(down, kernel.T, atol=1e-6)


def test_zoom_is_the_mean_of_enlargements_about_the_middle() -> None:
    image = photo(48, 40, 1)[..., 0] / 255
    rows, columns = np.mgrid[:48, :40]
    parts = [image]
    for factor in np.arange(1, 1.21, 0.02):
        back = 23.5 + (rows - 23.5) / factor, 19.5 + (columns - 19.5) / factor
        parts.append(ndimage.map_coordinates(image, back, order=1))
    assert len(parts) == 12
    found = corrupt(photo(48, 40, 1), "zoom-blur", 3)[..., 0]
    np.testing.assert_allclose(found, 255 * np.mean(parts, axis=0), atol=1.5)


def test_fog_is_added_and_scaled_back() -> None:
    """x·m / (m + c) with c times the plasma, from 0 to 1, on top."""
    black, white = np.zeros((224, 224, 1), np.uint8), np.full((224, 224, 1), 255, np.uint8)
    assert (corrupt(black, "fog", 5) == 0).all()  # its brightest value is 0
    found = corrupt(white, "fog", 5).astype(float)
    assert 255 / 4 - 1 <= found.min() <= 255 / 4 + 12
    assert found.max() <= 255
    plasma = weather._plasma(200, 2, np.random.default_rng(0))
    assert plasma.shape == (256, 256)
    assert (plasma.min(), plasma.max()) == (0, 1)


def test_displacements_are_smoothed_as_scipy_does() -> None:
    values = np.random.default_rng(0).uniform(-1, 1, (40, 50))
    for deviation in (2.44, 17):
        expected = ndimage.gaussian_filter(values, deviation, mode="reflect", truncate=8)
        np.testing.assert_allclose(digital._smooth(values, deviation), expected, atol=2e-3 * np.abs(expected).max())


def test_glass_takes_pixels_from_nearby_alone() -> None:
    """At 224 pixels and severity 5, twice from at most 4 pixels away, between two blurs."""
    image = np.zeros((224, 224, 1), np.uint8)
    image[:, 112:] = 255
    found = corrupt(image, "glass-blur", 5)[..., 0]
    assert (found[:, : 112 - 18] == 0).all()
    assert (found[:, 112 + 18 :] == 255).all()
    assert ((found[:, 108:116] > 0) & (found[:, 108:116] < 255)).mean() > 0.9
    assert blur._GLASS[4] == (1.5, 4, 2)


@pytest.mark.parametrize(
    ("image", "kind", "severity", "seed", "words"),
    [
        (np.zeros((7, 9, 3), np.uint8), "fog", 1, 0, "sides from 8"),
        (np.zeros((9, 9), np.uint8), "fog", 1, 0, "height, width, 1 or 3"),
        (np.zeros((9, 9, 4), np.uint8), "fog", 1, 0, "1 or 3"),
        (np.zeros((9, 9, 3)), "fog", 1, 0, "float64"),
        (np.zeros((9, 9, 3), np.uint8), "frog", 1, 0, "did you mean 'fog'"),
        (np.zeros((9, 9, 3), np.uint8), "fog", 0, 0, "from 1 to 5"),
        (np.zeros((9, 9, 3), np.uint8), "fog", 2.5, 0, "from 1 to 5"),
        (np.zeros((9, 9, 3), np.uint8), "fog", 1, -1, "seed is -1"),
    ],
)
def test_bad_input_is_one_sentence(image: np.ndarray, kind: str, severity: int, seed: int, words: str) -> None:
    with pytest.raises(ImageError, match=words) as told:
        corrupt(image, kind, severity, seed)
    assert "\n" not in str(told.value)
