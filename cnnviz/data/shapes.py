"""Generated images of a coloured shape on a busy background, with the object's mask.

Drawn from signed distances (antialiased where the distance to the outline is below half a pixel), many at a time.
"""

from __future__ import annotations

import functools

import numpy as np

__all__ = ["COLOURS", "COUNTS", "SHAPES", "SIDE", "draw", "labels"]

SIDE = 64
SHAPES = ("circle", "square", "triangle", "cross")
COLOURS = ("red", "green", "blue", "yellow", "purple", "orange")
COUNTS = {"train": 3000, "validation": 500, "test": 500}
_SEED = 20
_BATCH = 50  # images at a time, so that the work stays in the processor's cache
_RGB = np.array(
    [(205, 35, 40), (40, 160, 60), (40, 80, 205), (225, 205, 40), (135, 50, 165), (235, 125, 25)], np.float32
)


def labels(split: str) -> dict[str, np.ndarray]:
    """Returns {"shape": …, "colour": …}, int64 (n,), every pair of them about equally often."""
    count = COUNTS[split]
    pairs = np.arange(count) % (len(SHAPES) * len(COLOURS))
    pairs = _generator(split, 0).permutation(pairs)
    return {"shape": pairs // len(COLOURS), "colour": pairs % len(COLOURS)}


@functools.lru_cache(maxsize=3)
def draw(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the images, uint8 (n, 64, 64, 3), and the masks of their objects, bool (n, 64, 64); the same always."""
    wanted = labels(split)
    images = np.empty((COUNTS[split], SIDE, SIDE, 3), np.uint8)
    masks = np.empty((COUNTS[split], SIDE, SIDE), bool)
    rng = _generator(split, 1)
    for start in range(0, COUNTS[split], _BATCH):
        some = slice(start, start + _BATCH)
        images[some], masks[some] = _batch(rng, wanted["shape"][some], wanted["colour"][some])
    images.setflags(write=False)  # they are shared by all who ask
    masks.setflags(write=False)
    return images, masks


def _generator(split: str, stream: int) -> np.random.Generator:
    return np.random.default_rng((_SEED, list(COUNTS).index(split), stream))


def _batch(rng: np.random.Generator, shape: np.ndarray, colour: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = len(shape)
    ink = _RGB[colour] * rng.uniform(0.65, 1.1, (n, 1)).astype(np.float32) + _normal(rng, (n, 3), 9)
    planes = _background(rng, n, ink)  # (n, 3, 64, 64): many times quicker here than channels last

    size = rng.uniform(11, 22, n)
    x, y = (rng.uniform(size + 2, SIDE - size - 2) for _ in range(2))
    covered = _coverage(shape, size, x, y, rng.uniform(0, 2 * np.pi, n))
    slope = _normal(rng, (2, n, 1, 1), 0.012)  # light falls from one side
    place = np.arange(SIDE, dtype=np.float32) - SIDE / 2
    light = 1 + slope[0] * place[:, None] + slope[1] * place
    for channel in range(3):
        plane = planes[:, channel]
        plane += covered * (ink[:, channel, None, None] * light - plane)
    planes += _noise(rng, n)
    return np.clip(planes, 0, 255, out=planes).astype(np.uint8).transpose(0, 2, 3, 1), covered > 0.5


def _noise(rng: np.random.Generator, n: int) -> np.ndarray:
    """Grey noise of a strength per image, float32 (n, 1, 64, 64): the sum of two bytes is nearly normal and quick."""
    draws = rng.integers(0, 2**16, (n, 1, SIDE, SIDE), np.uint16)
    strength = rng.uniform(3, 12, (n, 1, 1, 1)) / 104.5  # the deviation of the sum
    values = ((draws >> 8) + (draws & 255)).astype(np.float32) - 255
    return values * strength.astype(np.float32)


def _background(rng: np.random.Generator, n: int, ink: np.ndarray) -> np.ndarray:
    """Soft blotches of two colours that differ from the ink, with a few small bright specks; float32 (n, 3, 64, 64)."""
    base = rng.uniform(30, 225, (n, 1, 3)).astype(np.float32)
    near = np.abs(base[:, 0] - ink).sum(1) < 150
    base[near] = (base[near] + 128) % 256
    tones = (base + _normal(rng, (n, 2, 3), 30))[..., None, None]
    blotches = np.zeros((n, 1, SIDE, SIDE), np.float32)
    for cells, weight in ((3, 0.6), (9, 0.4)):
        blotches += np.float32(weight) * _smooth(rng.random((n, 1, cells, cells), np.float32))
    planes: np.ndarray = (tones[:, 1] - tones[:, 0]) * blotches
    planes += tones[:, 0]
    for _ in range(3):
        _speck(rng, planes)
    return planes


def _speck(rng: np.random.Generator, planes: np.ndarray) -> None:
    """Lays a small bright disc over about six of ten images."""
    n, reach = len(planes), np.arange(7)
    corner = rng.integers(0, SIDE - 7, (2, n, 1))
    radius = rng.uniform(1.0, 2.6, (n, 1, 1)) * (rng.random((n, 1, 1)) < 0.6)
    covered = np.clip(0.5 + radius - np.hypot(reach - 3, reach[:, None] - 3), 0, 1).astype(np.float32)
    covered *= radius > 0
    hue = _RGB[rng.integers(0, len(COLOURS), n)]
    place = np.arange(n)[:, None, None], slice(None), (corner[0] + reach)[:, :, None], (corner[1] + reach)[:, None, :]
    under = planes[place]  # (n, 7, 7, 3): channels go last behind separated indices
    planes[place] = under + covered[..., None] * (hue[:, None, None, :] - under)


def _smooth(cells: np.ndarray) -> np.ndarray:
    """Grows (…, k, k) to (…, 64, 64) by linear interpolation along both axes."""
    k = cells.shape[-1]
    place = np.linspace(0, k - 1, SIDE)
    low = np.minimum(place.astype(int), k - 2)
    weights = np.zeros((SIDE, k), np.float32)
    weights[np.arange(SIDE), low] = 1 - (place - low)
    weights[np.arange(SIDE), low + 1] = place - low
    planes: np.ndarray = weights @ cells @ weights.T
    return planes


def _coverage(shape: np.ndarray, size: np.ndarray, x: np.ndarray, y: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """How much of each pixel an object covers, float32 (n, 64, 64), 0..1.

    `size` is the radius of the circle it fits in, (x, y) its centre in pixels, `angle` in radians.
    """
    grid = np.arange(SIDE, dtype=np.float32) + 0.5
    x, y, size, cos, sin = (v.astype(np.float32)[:, None, None] for v in (x, y, size, np.cos(angle), np.sin(angle)))
    dx, dy = grid - x, grid[:, None] - y
    u, v = cos * dx + sin * dy, cos * dy - sin * dx
    distance = np.empty(u.shape, np.float32)
    for kind, measure in enumerate((_circle, _square, _triangle, _cross)):
        chosen = shape == kind
        distance[chosen] = measure(u[chosen], v[chosen], size[chosen])
    covered: np.ndarray = np.clip(0.5 - distance, 0, 1)
    return covered


def _circle(u: np.ndarray, v: np.ndarray, size: np.ndarray) -> np.ndarray:
    distance: np.ndarray = np.sqrt(u * u + v * v) - size
    return distance


def _square(u: np.ndarray, v: np.ndarray, size: np.ndarray) -> np.ndarray:
    distance: np.ndarray = np.maximum(np.abs(u), np.abs(v)) - size * np.float32(0.7071)
    return distance


def _triangle(u: np.ndarray, v: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Equilateral: the farthest of three edges, each half of `size` from the centre."""
    edge = np.maximum(v, np.float32(0.8660) * np.abs(u) - np.float32(0.5) * v)
    distance: np.ndarray = edge - size * np.float32(0.5)
    return distance


def _cross(u: np.ndarray, v: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Two bars whose half length is 0.95 and half width 0.3 of `size`."""
    u, v = np.abs(u), np.abs(v)
    long, thin = size * np.float32(0.95), size * np.float32(0.3)
    return np.minimum(np.maximum(u - long, v - thin), np.maximum(v - long, u - thin))


def _normal(rng: np.random.Generator, shape: tuple[int, ...], deviation: float) -> np.ndarray:
    return rng.standard_normal(shape, np.float32) * np.float32(deviation)
