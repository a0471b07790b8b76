"""Does a map mark what a model uses? Deletion and insertion curves, beside those of random maps.

After Petsiuk, Das & Saenko 2018 (RISE, arXiv:1806.07421): pixels are taken away, or shown, in the order of the map, and
the class's probability is followed. A model is a callable here; nothing knows TensorFlow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import cv2
import numpy as np

from cnnviz.errors import ModelError
from cnnviz.progress import CancelCheck, Cancelled, Progress

__all__ = [
    "RANDOM_MAPS",
    "STEPS",
    "Curves",
    "DeletionInsertion",
    "blur",
    "curves",
    "deletion_insertion",
    "mean_colour",
    "over",
    "random_map_like",
    "ranking",
    "replace_pixels",
    "resize_map",
]

STEPS = 32
RANDOM_MAPS = 10
_BATCH, _LEAST, _PIXELS = 33, 4, 400_000  # images predicted at once: small ones by the curve, large ones by the few
_DIGITS = 6  # of a map's greatest value: what resizing adds below this is no difference

Map = np.ndarray | Callable[[], np.ndarray]
Score = Callable[[np.ndarray], np.ndarray]
"""Gives the class's probabilities, (n,), for uint8 images (n, height, width, channels)."""


@dataclass(frozen=True)
class Curves:
    """The class's probability while shares of the pixels (`fractions`, 0..1) are taken away or shown, best first.

    `deletion` starts with the whole image and ends with its mean colour alone; `insertion` starts with a blurred
    image and ends with the whole one.
    """

    fractions: tuple[float, ...]
    deletion: tuple[float, ...]
    insertion: tuple[float, ...]

    @property
    def deletion_area(self) -> float:
        """The area under `deletion`, 0..1: small where the map marks what the class needs."""
        return float(np.trapezoid(self.deletion, self.fractions))

    @property
    def insertion_area(self) -> float:
        """The area under `insertion`, 0..1: large where the map marks what is enough for the class."""
        return float(np.trapezoid(self.insertion, self.fractions))


@dataclass(frozen=True)
class DeletionInsertion:
    """Curves of one or more maps by their names, the first of them the one in question, and of random ones.

    `skipped` says for maps that could not be had why not. `ended` is why it is not whole: "time", "stop" or "".
    """

    curves: dict[str, Curves]
    random: tuple[Curves, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    ended: str = ""

    @property
    def random_mean(self) -> Curves | None:
        """The mean of the random maps' curves."""
        if not self.random:
            return None
        mean = (np.mean([getattr(one, name) for one in self.random], axis=0) for name in ("deletion", "insertion"))
        return Curves(self.random[0].fractions, *(tuple(values.tolist()) for values in mean))


def resize_map(map_: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns a map (h', w') at an image's (height, width), float32, bilinear as the overlay draws it."""
    map_ = np.asarray(map_, np.float32)
    return map_ if map_.shape == tuple(size) else cv2.resize(map_, size[::-1], interpolation=cv2.INTER_LINEAR)


def ranking(map_: np.ndarray, size: tuple[int, int], *, seed: int = 0) -> np.ndarray:
    """Returns the pixels' indices, int64 (height · width,), highest value of the resized map first.

    Equal values, such as the zeros of a map that is cut off there, come in random order: by rows, the top of the
    image would be favoured.
    """
    values: np.ndarray = resize_map(map_, size).ravel().astype(np.float64)
    values = np.round(values / (np.abs(values).max() or 1.0), _DIGITS)
    return np.lexsort((np.random.default_rng(seed).random(len(values)), -values))


def random_map_like(map_: np.ndarray, seed: int) -> np.ndarray:
    """Returns a random map of the same shape and grain, float32.

    The phases of its Fourier transform are drawn anew (surrogate data, Theiler et al. 1992), of the map mirrored at its
    edges, so that they make no grain of their own: blobs stay as large as they were but lie elsewhere. White noise
    would be no fair peer of a smooth map, because taking away scattered pixels disturbs a model more than taking away
    a patch.
    """
    map_ = np.asarray(map_, np.float64)
    height, width = map_.shape
    wave = np.fft.rfft2(np.pad(map_ - map_.mean(), ((0, height), (0, width)), "symmetric"))
    noise = np.fft.rfft2(np.random.default_rng(seed).standard_normal((2 * height, 2 * width)))
    phases = noise / np.maximum(np.abs(noise), 1e-12)
    return np.fft.irfft2(np.abs(wave) * phases, s=(2 * height, 2 * width))[:height, :width].astype(np.float32)


def mean_colour(image: np.ndarray) -> np.ndarray:
    """Returns an image of the same shape that has the image's mean colour everywhere."""
    mean = image.reshape(-1, image.shape[-1]).mean(axis=0).round().astype(np.uint8)
    return np.broadcast_to(mean, image.shape)


def blur(image: np.ndarray) -> np.ndarray:
    """Returns the image blurred until little but its colours is left: Gaussian, deviation a tenth of a side."""
    deviations = [side / 10 for side in image.shape[:2]]
    soft = cv2.GaussianBlur(image, (0, 0), sigmaX=deviations[1], sigmaY=deviations[0], borderType=cv2.BORDER_REFLECT)
    blurred: np.ndarray = soft.reshape(image.shape)
    return blurred


def replace_pixels(image: np.ndarray, order: np.ndarray, counts: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Returns the image once for each count, its first so many pixels of the order taken from the other one.

    Args:
        image: uint8 (height, width, channels).
        order: see `ranking`.
        counts: int (n,).
        other: as `image`.

    Returns:
        uint8 (n, height, width, channels).
    """
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    taken = rank.reshape(image.shape[:2])[None] < np.asarray(counts)[:, None, None]
    return np.where(taken[..., None], other, image)


def curves(
    score: Score,
    image: np.ndarray,
    map_: np.ndarray,
    *,
    steps: int = STEPS,
    seed: int = 0,
    empty: np.ndarray | None = None,
    start: np.ndarray | None = None,
) -> Curves:
    """Returns the deletion and insertion curves of one map.

    Args:
        score: the class's probability for images.
        image: uint8 (height, width, channels) as the model sees it.
        map_: float (h', w'), of any size; only the order of its values counts.
        steps: in how many equal steps all pixels are changed.
        seed: for the order of equal values.
        empty: what is left when pixels are deleted; by default `mean_colour`.
        start: what insertion starts from; by default `blur`.
    """
    order = ranking(map_, image.shape[:2], seed=seed)
    counts = np.linspace(0, len(order), steps + 1).round().astype(np.int64)
    found = [
        _asked(score, replace_pixels(before, order, counts, after))
        for before, after in (
            (image, mean_colour(image) if empty is None else empty),
            (blur(image) if start is None else start, image),
        )
    ]
    return Curves(tuple((counts / len(order)).tolist()), *(tuple(values.tolist()) for values in found))


def _asked(score: Score, images: np.ndarray) -> np.ndarray:
    size = min(_BATCH, max(_LEAST, _PIXELS // (images.shape[1] * images.shape[2])))
    parts = [score(images[start : start + size]) for start in range(0, len(images), size)]
    return np.concatenate(parts).astype(np.float64)


def deletion_insertion(
    score: Score,
    image: np.ndarray,
    maps: Mapping[str, Map],
    *,
    randoms: int = RANDOM_MAPS,
    steps: int = STEPS,
    seed: int = 0,
    budget: float = 30.0,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> DeletionInsertion:
    """Returns the curves of maps and of random maps of the first one's grain.

    Args:
        score: the class's probability for images.
        image: uint8 (height, width, channels) as the model sees it.
        maps: by name, the one in question first; one that must be computed is a function. Where that fails with a
            `ModelError` its sentence is kept in `skipped`.
        randoms: how many random maps.
        steps: see `curves`.
        seed: the same seed gives the same random maps.
        budget: seconds. What is done by then is returned; at least the map in question is.
        progress: called with what is being done, how much is done and how much there is.
        cancelled: asked between two maps; what is done by then is returned.

    Raises:
        Cancelled: `score` raised it before the first map was measured; later on, or where a map's function raises it,
            what is done is returned.
    """
    (name, first), *others = maps.items()
    first = _made(first)
    peers = [("", partial(random_map_like, first, seed + nth)) for nth in range(1, randoms + 1)]
    # one of each kind first, for when time runs out
    jobs: list[tuple[str, Map]] = [(name, first), *peers[:1], *others, *peers[1:]]
    found: dict[str, Curves] = {}
    random: list[Curves] = []
    skipped: dict[str, str] = {}
    ends, ended = time.monotonic() + budget, ""
    for nth, (what, map_) in enumerate(jobs):
        if found and (ended := over(ends, cancelled)):
            break
        if progress is not None:
            progress("Taking pixels away and showing them", nth, len(jobs))
        try:
            made = curves(score, image, _made(map_), steps=steps, seed=seed)
        except Cancelled:
            if not found:
                raise
            ended = "stop"
            break
        except ModelError as error:
            skipped[what] = str(error)
            continue
        if what:
            found[what] = made
        else:
            random.append(made)
    return DeletionInsertion(found, tuple(random), skipped, ended)


def _made(map_: Map) -> np.ndarray:
    return map_() if callable(map_) else map_


def over(ends: float, cancelled: CancelCheck | None) -> str:
    """Returns why work must end now: "stop" where that was asked for, "time" after `ends` (monotonic), or ""."""
    if cancelled is not None and cancelled():
        return "stop"
    return "time" if time.monotonic() > ends else ""
