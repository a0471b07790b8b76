"""Maps as colours, and over the image that they explain."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from cnnviz.errors import ImageError, one_of

__all__ = ["COLOUR_MAPS", "apply_colour_map", "map_layer", "normalise", "overlay", "place_map"]

COLOUR_MAPS: dict[str, int] = {
    "viridis": cv2.COLORMAP_VIRIDIS,
    "magma": cv2.COLORMAP_MAGMA,
    "inferno": cv2.COLORMAP_INFERNO,
    "cividis": cv2.COLORMAP_CIVIDIS,
    "jet": cv2.COLORMAP_JET,
}
"""The first four grow evenly lighter; jet, which most papers show, makes edges that aren't in the map."""


def normalise(values: np.ndarray, greatest: float | None = None) -> np.ndarray:
    """Returns a map (h, w), at least 0, divided by its greatest value: float32 0..1. One that is all 0 stays so.

    Where it is one of several on one scale, `greatest` is what it is divided by.

    Raises:
        ImageError: another shape, or values that are negative or not finite.
    """
    values = np.asarray(values, np.float32)
    if values.ndim != 2 or not values.size:
        raise ImageError(f"The map has the shape {values.shape}: expected (height, width).")
    if not np.isfinite(values).all() or values.min() < 0:
        raise ImageError("The map has negative or infinite values, or none at all (NaN): expected numbers from 0 on.")
    greatest = values.max() if greatest is None else greatest
    return values / greatest if greatest > 0 else values.copy()


def apply_colour_map(values: np.ndarray, colour_map: str = "viridis") -> np.ndarray:
    """Returns a map (h, w), normalised, in colours: uint8 RGB (h, w, 3).

    Raises:
        ImageError: no such colour map, or a map that `normalise` doesn't take.
    """
    if colour_map not in COLOUR_MAPS:
        raise ImageError(f"There is no colour map {colour_map!r}: {one_of(colour_map, COLOUR_MAPS)}.")
    levels = np.rint(normalise(values) * 255).astype(np.uint8)
    return np.ascontiguousarray(cv2.applyColorMap(levels, COLOUR_MAPS[colour_map])[..., ::-1])


def overlay(
    image: np.ndarray,
    values: np.ndarray,
    opacity: float = 0.5,
    colour_map: str = "viridis",
    greatest: float | None = None,
    *,
    by_strength: bool = False,
) -> np.ndarray:
    """Returns an image with a map over it: uint8 RGB (H, W, 3).

    Args:
        image: uint8 (H, W, 1 or 3).
        values: the map, (h, w) of any size, at least 0; it is divided by `greatest`, then enlarged linearly.
        opacity: 0 shows the image alone, 1 the map alone.
        colour_map: a name of `COLOUR_MAPS`.
        greatest: the value that has the last colour; by default the map's greatest.
        by_strength: see `map_layer`.

    Raises:
        ImageError: no such colour map, an opacity out of 0..1, or an image or map of another kind.
    """
    if not 0 <= opacity <= 1:
        raise ImageError(f"The opacity is {opacity}: expected 0 to 1.")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
        raise ImageError(f"The image is {image.dtype} {image.shape}: expected uint8 (height, width, 1 or 3).")
    top = map_layer(values, image.shape, colour_map, greatest, by_strength=by_strength)
    under = image if image.shape[2] == 3 else np.repeat(image, 3, axis=2)
    if not by_strength:
        return cv2.addWeighted(top, opacity, under, 1 - opacity, 0)
    share = top[..., 3:].astype(np.float32) * (opacity / 255)
    return np.rint(under + share * (top[..., :3].astype(np.float32) - under)).astype(np.uint8)


def map_layer(
    values: np.ndarray,
    shape: Sequence[int],
    colour_map: str = "viridis",
    greatest: float | None = None,
    *,
    by_strength: bool = False,
) -> np.ndarray:
    """Returns a map's colours as they are laid over an image of (H, W, …): uint8 RGB (H, W, 3).

    Args:
        values, colour_map, greatest: see `overlay`.
        shape: the image's.
        by_strength: whether it is RGBA (H, W, 4), as opaque as the root of a value's share of the greatest one: what is
            0 is clear. For maps of few strong pixels, whose rest would veil the image in the first colour.

    Raises:
        ImageError: no such colour map, or another kind of map.
    """
    shown = normalise(values, greatest)
    if shown.shape != tuple(shape[:2]):
        shown = np.clip(cv2.resize(shown, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), 0, 1)
    return _lookup(colour_map, by_strength=by_strength)[np.rint(shown * 255).astype(np.uint8)]


def _lookup(colour_map: str, *, by_strength: bool) -> np.ndarray:
    """Colours of the levels 0..255, uint8 (256, 3) or, with their opacities, (256, 4)."""
    colours = apply_colour_map(np.arange(256, dtype=np.float32)[None], colour_map)[0]
    if not by_strength:
        return colours
    return np.column_stack([colours, np.rint(255 * np.sqrt(np.linspace(0, 1, 256))).astype(np.uint8)])


def place_map(values: np.ndarray, shape: Sequence[int], box: Sequence[int]) -> np.ndarray:
    """Returns a map in the place of the image that the model saw, and 0 elsewhere: float32 (H, W).

    Args:
        values: the map, (h, w) of any size; not normalised here.
        shape: the image's (H, W, …).
        box: (top, left, height, width), as `images.crop_box` gives it.

    Raises:
        ImageError: a box that is not within the image.
    """
    top, left, height, width = box
    if top < 0 or left < 0 or height < 1 or width < 1 or top + height > shape[0] or left + width > shape[1]:
        raise ImageError(f"The box {tuple(box)} (top, left, height, width) isn't within {shape[0]} × {shape[1]}.")
    whole = np.zeros(tuple(shape[:2]), np.float32)
    part = cv2.resize(np.asarray(values, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    whole[top : top + height, left : left + width] = part
    return whole
