"""Weather. Snow, frost and fog are drawn as for 224 pixels, and then resized to the image's size."""

from __future__ import annotations

import cv2
import numpy as np

from cnnviz.explain.robustness.corruptions.corruption import Corruption, filtered, layer_size, line_kernel, resized

__all__ = ["CORRUPTIONS"]

_SNOW = (
    (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
    (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
    (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
    (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
    (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
)
"""The noise's mean and deviation, its enlargement, the least of it that is a flake, the motion's radius and deviation,
and how much of the image stays as it is where the rest is whitened."""
_FROST = ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))
"""How much of the image, and how much of the frost."""
_FOG = ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4))
"""How much fog, and how fast its details become fainter the smaller they are."""
_BRIGHTER = (0.1, 0.2, 0.3, 0.4, 0.5)
_ICE = (0.86, 0.94, 1.0)
"""The colour of frost."""


def _snow(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    mean, deviation, enlarged, least, radius, blur, kept = _SNOW[severity - 1]
    height, width = layer_size(image)
    small = mean + deviation * random.standard_normal(
        (int(np.ceil(height / enlarged)), int(np.ceil(width / enlarged))), np.float32
    )
    flakes = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    flakes = np.where(flakes < least, 0, np.clip(flakes, 0, 1)).astype(np.float32)
    layer = filtered(flakes, line_kernel(radius, blur, random.uniform(-135, -45)))
    fallen = resized(layer + np.rot90(layer, 2), image)[..., None]
    found: np.ndarray = kept * image + (1 - kept) * np.maximum(image, 1.5 * _grey(image) + 0.5) + fallen
    return found


def _frost(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """Procedural: the paper lays photographs of frost over the image, which aren't at hand here."""
    much, ice = _FROST[severity - 1]
    frost = resized(_crystals(*layer_size(image), random), image)[..., None]
    colour = np.array(_ICE if image.shape[2] == 3 else [np.mean(_ICE)], np.float32)
    return much * image + ice * frost * colour


def _fog(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    much, decay = _FOG[severity - 1]
    height, width = layer_size(image)
    fog = resized(_plasma(max(height, width), decay, random)[:height, :width], image)[..., None]
    brightest = float(image.max())
    found: np.ndarray = (image + much * fog) * brightest / (brightest + much)
    return found


def _brightness(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """Adds to the value of hue, saturation and value; to the grey of a grey image."""
    more = _BRIGHTER[severity - 1]
    if image.shape[2] == 1:
        return image + more
    from skimage.color import hsv2rgb, rgb2hsv

    parts = rgb2hsv(image)
    parts[..., 2] = np.clip(parts[..., 2] + more, 0, 1)
    found: np.ndarray = hsv2rgb(parts)
    return found


def _grey(image: np.ndarray) -> np.ndarray:
    """The luma of an image, float32 (height, width, 1)."""
    return image if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]


def _crystals(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """Crystals with six arms and barbs, scattered over a thin cloudy film: float32 (height, width), 0..1."""
    count = max(12, height * width // 700)
    starts = random.uniform((0, 0), (width, height), (count, 2))
    angles = random.uniform(0, np.pi / 3, (count, 1)) + np.arange(6) * np.pi / 3
    lengths = random.uniform(8, 40, count)
    arms = lengths[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    lines = [np.stack([starts[:, None] + 0 * arms, starts[:, None] + arms], axis=-2)]
    for share in (0.25, 0.5, 0.75):  # barbs, shorter towards the tip
        roots = starts[:, None] + share * arms
        for side in (-1, 1):
            turned = angles + side * np.pi / 3
            barbs = 0.4 * (1 - share) * lengths[:, None, None] * np.stack([np.cos(turned), np.sin(turned)], axis=-1)
            lines.append(np.stack([roots, roots + barbs], axis=-2))
    needles = np.zeros((height, width), np.float32)
    points = np.rint(16 * np.concatenate(lines, axis=1)).astype(np.int32)
    for light, crystals in zip((0.4, 0.6, 0.8, 1.0), np.array_split(points, 4), strict=True):
        cv2.polylines(needles, list(crystals.reshape(-1, 2, 2)), False, light, 1, cv2.LINE_8, 4)  # in 16ths of a pixel
    film = _plasma(max(height, width), 1.8, random)[:height, :width].astype(np.float32)
    found: np.ndarray = np.clip(0.55 * film + cv2.GaussianBlur(needles, (0, 0), 0.8), 0, 1)
    return found


def _plasma(least: int, decay: float, random: np.random.Generator) -> np.ndarray:
    """Plasma by diamonds and squares (Fournier et al. 1982), periodic, its side the next power of two from `least` on:
    float64 (side, side), 0..1.

    Each round halves the grid: a new point is the mean of its four neighbours and a random number, whose range is
    divided by `decay` from round to round.
    """
    side = 1 << (least - 1).bit_length()
    found, reach = np.zeros((1, 1)), 1.0
    while len(found) < side:
        count = len(found)
        middle = (found + np.roll(found, -1, 0) + np.roll(np.roll(found, -1, 0), -1, 1) + np.roll(found, -1, 1)) / 4
        middle += random.uniform(-reach, reach, middle.shape)
        across = (found + np.roll(found, -1, 1) + middle + np.roll(middle, 1, 0)) / 4
        down = (found + np.roll(found, -1, 0) + middle + np.roll(middle, 1, 1)) / 4
        finer = np.empty((2 * count, 2 * count))
        finer[::2, ::2], finer[1::2, 1::2] = found, middle
        finer[::2, 1::2] = across + random.uniform(-reach, reach, across.shape)
        finer[1::2, ::2] = down + random.uniform(-reach, reach, down.shape)
        found, reach = finer, reach / decay
    found -= found.min()
    scaled: np.ndarray = found / found.max()
    return scaled


CORRUPTIONS = (
    Corruption("snow", "Snow", "weather", 1, "Flakes fall across it, and all becomes whiter.", _snow),
    Corruption("frost", "Frost", "weather", 2, "Ice crystals grow over it; they are drawn, not photographed.", _frost),
    Corruption("fog", "Fog", "weather", 3, "Fog lies over it, of plasma by diamonds and squares.", _fog),
    Corruption("brightness", "Brightness", "weather", 4, "By day: the value of its colours grows.", _brightness),
)
