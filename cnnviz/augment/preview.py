"""Draws of one image to look at: at display size, with what was drawn, what was filled in, and as a sheet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from cnnviz.augment.draw import Drawn, draw
from cnnviz.augment.geometry import filled_pixels, working
from cnnviz.augment.mix import mix_batch, partners
from cnnviz.augment.pipeline import apply, augment_batch
from cnnviz.augment.snippet import short_number
from cnnviz.images import Crop, enlarge, with_channels
from cnnviz.mosaics import lay_tiles
from cnnviz.policy import STEPS, Policy

__all__ = ["DISPLAY", "Draw", "display_size", "draws", "image_bytes", "mark_filled", "sheet", "short_caption", "wipe"]

DISPLAY = 384
"""The longest side of an image on a page, in pixels: sharp at twice the pixels of a tile, and quick to draw."""
_SMALL = 128
_QUALITY = 90
_STRIPE = 5
_MARK = (np.array([217, 119, 43], np.uint8), np.array([255, 244, 230], np.uint8))
_GAP = 8


class Draw(NamedTuple):
    """An image, uint8 (height, width, channels); what was drawn for it; which pixels were filled in, bool (h, w)."""

    image: np.ndarray
    drawn: tuple[Drawn, ...]
    filled: np.ndarray


def display_size(shape: tuple[int, ...], longest: int = DISPLAY) -> tuple[int, int]:
    """Returns (height, width) of an image of `shape` shrunk so that no side is over `longest`; never enlarged."""
    scale = min(1.0, longest / max(shape[:2]))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def draws(
    image: np.ndarray,
    policy: Policy,
    *,
    seed: int,
    epochs: Iterable[int],
    sample: int = 0,
    size: tuple[int, int],
    crop: Crop = "whole",
    others: Sequence[np.ndarray] = (),
) -> list[Draw]:
    """Returns one draw of the image for each epoch, as training makes it for the same seed, epoch and sample.

    Args:
        image: uint8 (height, width, 1 or 3), of any size; it is shrunk once.
        epochs: Counted from 0.
        size: (height, width) of the results.
        others: Images that steps such as MixUp blend with; they take the numbers after `sample`. Without any, those
            steps are left out.

    Raises:
        RecipeError: a seed, epoch or sample out of bounds, see `augment.draw`.
        ImageError: an image of another type or shape.
    """
    base = working(image, policy, size=size, crop=crop)
    others = [working(with_channels(o, image.shape[2]), policy, size=size, crop=crop) for o in others]
    made = []
    for epoch in epochs:
        drawn = draw(policy, seed=seed, epoch=epoch, sample=sample)
        mask = filled_pixels(image.shape, policy, drawn, size=size, crop=crop)
        if policy.mixes and others:
            shown, drawn = _mixed([base, *others], policy, drawn, seed, epoch, sample, size, crop)
        else:
            drawn = tuple(_unmixed(one) for one in drawn)
            shown = apply(base, policy, drawn, size=size, crop=crop)
        made.append(Draw(shown, drawn, mask))
    return made


def _mixed(
    images: list[np.ndarray],
    policy: Policy,
    drawn: tuple[Drawn, ...],
    seed: int,
    epoch: int,
    sample: int,
    size: tuple[int, int],
    crop: Crop,
) -> tuple[np.ndarray, tuple[Drawn, ...]]:
    """The first image of a small batch; mixing with itself counts as not applied."""
    samples = [sample + nth for nth in range(len(images))]
    batch = augment_batch(images, policy, seed=seed, epoch=epoch, samples=samples, size=size, crop=crop)
    batch, _ = mix_batch(batch, {}, policy, seed=seed, epoch=epoch, samples=samples)
    said = [
        _unmixed(one) if partners(len(samples), seed=seed, epoch=epoch, samples=samples, nth=nth)[0] == 0 else one
        for nth, one in enumerate(drawn)
    ]
    return batch[0], tuple(said)


def _unmixed(one: Drawn) -> Drawn:
    return one._replace(applied=False) if STEPS[one.type].group == "batch" else one


def short_caption(drawn: Iterable[Drawn]) -> str:
    """Returns what was applied in as few words as a small tile has room for: "turn −17°, left 2%, mirrored"."""
    return ", ".join(_short(one) for one in drawn if one.applied) or "unchanged"


def _short(one: Drawn) -> str:
    kind = STEPS[one.type]
    word, (factor, unit) = kind.label or kind.title.lower(), kind.shown
    if kind.bounds is None:
        return word
    if unit == "×":
        numbers = "×".join(f"{one.values[name]:.2f}" for name in kind.ranged)
        return f"{word} {numbers}" if len(kind.ranged) > 1 else f"{word} ×{numbers}"
    number = factor * one.values["value"]
    if kind.directions is not None:
        amount = f"{abs(number):.0f}{unit}"
        return f"{kind.directions[number > 0] if amount != f'0{unit}' else 'shift'} {amount}"
    return f"{word} {short_number(number)}{unit}"


def mark_filled(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Returns the image as RGB with slanted stripes over the pixels of `mask`, bool (height, width)."""
    made = with_channels(image, 3).copy()
    y, x = np.indices(mask.shape)
    width = max(1, min(_STRIPE, min(mask.shape) // 8))
    odd = ((x + y) // width) % 2 == 1
    made[mask & odd], made[mask & ~odd] = _MARK
    return made


def wipe(before: np.ndarray, after: np.ndarray, share: float) -> np.ndarray:
    """Returns `after` with the left `share`, 0..1, of its width taken from `before`, and a white line between them."""
    made = after.copy()
    edge = round(share * after.shape[1])
    made[:, :edge] = before[:, :edge]
    if 0 < edge < after.shape[1] and after.shape[1] > _SMALL:
        made[:, max(0, edge - 1) : edge + 1] = 255
    return made


def image_bytes(image: np.ndarray, side: int = 2 * _SMALL) -> bytes:
    """Returns a uint8 image as a file's bytes: JPEG, or PNG for small ones, enlarged without smoothing to `side`."""
    longest = max(image.shape[:2])
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.shape[2] == 3 else image
    if longest <= _SMALL:
        return cv2.imencode(".png", enlarge(stored, side // longest))[1].tobytes()
    return cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def sheet(images: Sequence[np.ndarray], columns: int | None = None) -> np.ndarray:
    """Returns images of equal size on one white sheet, row by row; uint8. By default it is about square."""
    columns = columns or math.ceil(math.sqrt(len(images)))
    made = lay_tiles(np.stack(images), columns, _GAP, 255)
    return np.pad(made, ((_GAP, 0), (_GAP, 0), (0, 0)), constant_values=255)
