"""Carrying out a policy: on one image with what was drawn for it, or on a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import numpy as np

from cnnviz.augment import colour
from cnnviz.augment.draw import Drawn, draw_batch, drawn_at
from cnnviz.augment.geometry import compose, warp, working
from cnnviz.errors import ImageError, RecipeError
from cnnviz.images import Crop
from cnnviz.policy import STEPS, Policy, Step

__all__ = ["apply", "augment_batch", "sweep"]


def apply(
    image: np.ndarray, policy: Policy, drawn: Iterable[Drawn], *, size: tuple[int, int], crop: Crop = "whole"
) -> np.ndarray:
    """Returns the image after the steps, uint8 (*size, channels).

    First all geometric steps in one resampling, then the colour and pixel steps in their order. Batch steps are
    `mix_batch`'s. With nothing applied the result is `images.fit(image, size, crop=crop)`.

    Args:
        image: uint8 (height, width, 1 or 3), of any size. What is large is shrunk once before the steps; a caller who
            draws often from one large image does that himself with `working`, which changes no result.
        drawn: What `draw` gave for this policy.
        size: (height, width) of the output, in pixels.
        crop: As in `images.fit`. Images that are cropped already want "whole".

    Raises:
        ImageError: an image of another type or shape.
    """
    return _apply(working(image, policy, size=size, crop=crop), policy, drawn, size, crop)


def _apply(image: np.ndarray, policy: Policy, drawn: Iterable[Drawn], size: tuple[int, int], crop: Crop) -> np.ndarray:
    made = warp(image, policy, compose(image.shape, policy, drawn, size=size, crop=crop), size)
    kept = [one for one in drawn if one.applied]
    for change, steps in groupby(kept, lambda one: STEPS[one.type].change):
        if change is None:
            made = colour.recolour(made, [one for one in steps if STEPS[one.type].group == "colour"])
        else:
            for one in steps:
                made = change(made, one.values)
    return made


def augment_batch(
    images: np.ndarray | Sequence[np.ndarray],
    policy: Policy,
    *,
    seed: int,
    epoch: int,
    samples: Sequence[int] | np.ndarray,
    size: tuple[int, int],
    crop: Crop = "whole",
    threads: int = 1,
) -> np.ndarray:
    """Returns `apply` with `draw` for each image, to the bit, uint8 (n, *size, channels).

    Args:
        images: uint8 (n, height, width, channels), or n images of any sizes with equal channels.
        samples: The n images' numbers in their dataset.
        size: (height, width) of the output.
        crop: "whole" for images that are cropped already; for a policy with a random crop, what is taken of the
            whole image where that is not applied.
        threads: How many images at once; by default one, as OpenCV already divides each image among the cores.

    Raises:
        ImageError: no image, an image of another type or shape, or channels that differ.
        RecipeError: as `draw`, or another number of samples than of images.
    """
    if not len(images) or len(images) != len(samples):
        raise RecipeError(f"A batch has {len(images)} images and {len(samples)} samples: expected as many, not 0.")
    channels = images[0].shape[-1]
    made = np.empty((len(images), *size, channels), np.uint8)
    drawn = draw_batch(policy, seed=seed, epoch=epoch, samples=samples)

    def work(rows: range) -> None:
        for row in rows:
            if images[row].shape[-1] != channels:
                raise ImageError(f"Image {row} has {images[row].shape[-1]} channels and the first {channels}.")
            made[row] = apply(images[row], policy, drawn[row], size=size, crop=crop)

    count = min(threads, len(images))
    if count <= 1:
        work(range(len(images)))
    else:
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(work, [range(first, len(images), count) for first in range(count)]))
    return made


def sweep(
    image: np.ndarray,
    kind: str,
    values: Iterable[float],
    *,
    size: tuple[int, int],
    crop: Crop = "whole",
    policy: Policy | None = None,
) -> np.ndarray:
    """Returns the image after one step at each of these values, uint8 (n, *size, channels).

    Places are in the middle (`drawn_at`). Kinds without a range are applied from 0.5 on.

    Args:
        policy: Where the fill mode comes from; by default "nearest". Its steps are not used.

    Raises:
        RecipeError: no such step, a batch step, or a value out of the step's bounds.
        ImageError: as `apply`.
    """
    values = [float(value) for value in values]
    steps = [drawn_at(kind, value) for value in values]
    if STEPS[kind].group == "batch":
        raise RecipeError(f"{kind} mixes images and can't be shown on one: choose another step.")
    bounds = STEPS[kind].bounds
    outside = [value for value in values if bounds and not bounds[0] <= value <= bounds[1]]
    if bounds and outside:
        raise RecipeError(f"{kind} can't be {outside[0]:g}: choose a value from {bounds[0]:g} to {bounds[1]:g}.")
    low, high = bounds or (None, None)
    alone = (policy or Policy()).model_copy(update={"steps": (Step(type=kind, low=low, high=high),)})
    base = working(image, alone, size=size, crop=crop)
    made = [_apply(base, alone, (one,), size, crop) for one in steps]
    return np.stack(made) if made else np.empty((0, *size, image.shape[2]), np.uint8)
