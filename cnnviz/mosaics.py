"""A layer's channels in colours, and many of them in one image. Importing this loads no TensorFlow.

One value has one colour in all that is drawn of a layer's activations: `shades` decides which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from cnnviz.errors import ModelError, one_of
from cnnviz.overlay import COLOUR_MAPS

__all__ = [
    "COLOUR_SCALES",
    "FULL",
    "Shades",
    "channel_maps",
    "colours",
    "even_columns",
    "greatest",
    "in_colours",
    "lay_tiles",
    "levels",
    "mosaic",
    "shades",
    "standardise",
    "tile_at",
]

COLOUR_SCALES = {"each": "Each by itself", "one": "One scale", "standardised": "Standardised"}
"""What the colours of a layer's channels mean; see `shades`."""
FULL = 255
"""The level that has a map's last colour; 0 has its first one, and -255 the last of the colours below 0."""
_PINK = ((178, 24, 110), (240, 98, 146), (255, 214, 224))
_ICE = ((0, 90, 160), (60, 170, 230), (214, 240, 255))
_BELOW = {"viridis": _PINK, "cividis": _PINK, "jet": _PINK, "magma": _ICE, "inferno": _ICE}
"""Colours for values below 0, from the middle on: such as the map itself has none of."""


def channel_maps(values: np.ndarray) -> np.ndarray:
    """Returns a layer's output as (height, width, channels): rows (units,) become 1 × 1 positions, (n, units) n × 1.

    Raises:
        ModelError: more than three axes.
    """
    if values.ndim == 1:
        return values[None, None]
    if values.ndim == 2:
        return values[:, None]
    if values.ndim != 3:
        raise ModelError(f"The layer gives {values.shape} for an image, which can't be drawn as maps.")
    return values


def standardise(values: np.ndarray) -> np.ndarray:
    """Returns every channel as a grey image by itself, as the tutorial does: uint8 of the same shape.

    Minus its mean, over its standard deviation, × 64, + 128, cut to 0..255 and cut off after the point. Images of
    different channels can't be compared: weak ones look like strong ones. A channel that is the same everywhere, where
    the tutorial divides by 0, is black.

    Args:
        values: float32 (height, width, k), or anything else with the channels last.
    """
    flat = values.reshape(-1, values.shape[-1])
    mean, deviation = flat.mean(axis=0, dtype=np.float64), flat.std(axis=0, dtype=np.float64)
    moves = deviation > 1e-6 * np.abs(mean)  # what is left of a constant is rounding
    factor = np.divide(64, deviation, out=np.zeros_like(deviation), where=moves)
    offset = np.where(moves, 128 - mean * factor, 0)
    scaled = values * factor.astype(np.float32)
    scaled += offset.astype(np.float32)
    return np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Shades:
    """A layer's channels as levels for `in_colours`, and which values the levels stand for.

    Attributes:
        levels: int16 (height, width, k), -255 to 255.
        low: the value of each channel's least level that is used, float64 (k,).
        high: the value of its level 255.
        from_zero: whether level 0 is the value 0.
    """

    levels: np.ndarray
    low: np.ndarray
    high: np.ndarray
    from_zero: bool = True

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        return self.levels.nbytes


def greatest(values: np.ndarray, scale: str = "each") -> np.ndarray:
    """Returns the greatest size, whatever its sign, of `each` channel or of all as `one`: float64 (k,)."""
    sizes = np.abs(values.reshape(-1, values.shape[-1])).max(axis=0).astype(np.float64)
    return np.full_like(sizes, sizes.max(initial=0)) if scale == "one" else sizes


def levels(values: np.ndarray, full: np.ndarray) -> Shades:
    """Returns channels on colours that begin at 0, so that 0 has one colour in all of them and those below 0 others.

    Args:
        values: float32 (height, width, k), or anything else with the channels last.
        full: the size that has the last colour on either side, float (k,).
    """
    factor = np.divide(FULL, full, out=np.zeros_like(full, np.float64), where=full > 0).astype(np.float32)
    made = np.rint(np.nan_to_num(values * factor)).clip(-FULL, FULL).astype(np.int16)
    return Shades(made, np.where(values.reshape(-1, values.shape[-1]).min(axis=0) < 0, -full, 0.0), full)


def shades(values: np.ndarray, scale: str) -> Shades:
    """Returns which colour every value of a layer has, on the page, in files and in its channels' own images.

    Args:
        values: float32 (height, width, k), or anything else with the channels last.
        scale: `each`, from 0 to the channel's greatest size, whatever its sign; `one`, from 0 to the layer's, so that
            channels can be compared; or `standardise`, where the middle is the channel's mean and 0 has no colour of
            its own. Channels that have but one position can't be standardised: they are on `one` scale.

    Raises:
        ModelError: no such scale.
    """
    if scale not in COLOUR_SCALES:
        raise ModelError(f"There is no scale {scale!r}: {one_of(scale, COLOUR_SCALES)}.")
    if scale != "standardised" or values.size == values.shape[-1]:
        return levels(values, greatest(values, "each" if scale == "each" and values.size > values.shape[-1] else "one"))
    flat = values.reshape(-1, values.shape[-1])
    mean, deviation = flat.mean(axis=0, dtype=np.float64), flat.std(axis=0, dtype=np.float64)
    return Shades(standardise(values).astype(np.int16), mean - 2 * deviation, mean + 2 * deviation, from_zero=False)


def mosaic(
    channels: np.ndarray,
    order: Sequence[int] | np.ndarray | None = None,
    columns: int = 16,
    margin: int = 1,
    background: int = 0,
) -> np.ndarray:
    """Returns a layer's channels beside each other in rows: (rows · (h + margin) - margin, …), of the same type.

    Args:
        channels: int16 or uint8 (h, w, k), from `shades` or `standardise`.
        order: which channels, in which order; by default all by their index.
        columns: tiles in a row.
        margin: pixels between tiles.
        background: the value of margins and of what the last row leaves free.
    """
    if order is not None:
        channels = channels[..., np.asarray(order, np.int64)]
    image = lay_tiles(channels.transpose(2, 0, 1), columns, margin, background)
    return np.ascontiguousarray(image[: len(image) - margin, : image.shape[1] - margin])


def lay_tiles(tiles: np.ndarray, columns: int, margin: int, background: int | np.ndarray) -> np.ndarray:
    """Returns tiles, (n, h, w, …), beside each other in rows: (rows · (h + margin), columns · (w + margin), …).

    Each has the margin at its right and below it, so that all places are equally large.

    Args:
        tiles: of any type, which the image has too.
        columns: tiles in a row.
        margin: pixels.
        background: the value of margins and of what the last row leaves free.
    """
    count, height, width, *rest = tiles.shape
    rows, whole = -(-count // columns), count // columns
    canvas = np.full((rows, height + margin, columns, width + margin, *rest), background, tiles.dtype)
    places, full = canvas.swapaxes(1, 2)[:, :, :height, :width], whole * columns
    places[:whole] = tiles[:full].reshape(whole, columns, height, width, *rest)
    if count > full:
        places[whole, : count - full] = tiles[full:]
    return canvas.reshape(rows * (height + margin), columns * (width + margin), *rest)


def even_columns(count: int, most: int) -> int:
    """Returns how many of `count` tiles stand in a row, at most `most`, so that all rows are full where they can be.

    Where no number from half of `most` on divides them, rows are about equally long.

    Example:
        >>> [even_columns(count, 8) for count in (5, 8, 10, 12, 20, 32, 17)]
        [5, 8, 5, 6, 5, 8, 6]
    """
    most = max(1, min(most, count))
    full = [one for one in range(most, most // 2, -1) if count % one == 0]
    return full[0] if full else -(-count // -(-count // most))


def tile_at(y: int, x: int, shape: tuple[int, int], count: int, columns: int = 16, margin: int = 1) -> int | None:
    """Returns which tile of a `mosaic` a pixel is in, counted in the mosaic's order; `None` beside all of them.

    Args:
        y: the pixel's row.
        x: its column.
        shape: a tile's (height, width).
        count: how many tiles there are.
        columns: as the mosaic's.
        margin: as the mosaic's.
    """
    (row, down), (column, right) = divmod(y, shape[0] + margin), divmod(x, shape[1] + margin)
    tile = row * columns + column
    inside = min(y, x) >= 0 and down < shape[0] and right < shape[1] and column < columns
    return tile if inside and tile < count else None


def in_colours(levels: np.ndarray, colour_map: str = "viridis") -> np.ndarray:
    """Returns levels or a mosaic of them, integers (h, w), -255 to 255, in a map's colours: uint8 RGB (h, w, 3).

    0 and 255 are the map's ends; below 0 are colours that it has none of.

    Raises:
        ModelError: there is no such colour map.
    """
    return colours(colour_map)[levels.astype(np.int16) + FULL]


@cache
def colours(colour_map: str) -> np.ndarray:
    """Returns the colours of the levels from -255 to 255, uint8 RGB (511, 3).

    Raises:
        ModelError: there is no such colour map.
    """
    if colour_map not in COLOUR_MAPS:
        raise ModelError(f"There is no colour map {colour_map!r}: {one_of(colour_map, COLOUR_MAPS)}.")
    above = cv2.applyColorMap(np.arange(FULL + 1, dtype=np.uint8)[None], COLOUR_MAPS[colour_map])[0, :, ::-1]
    stops = np.array([above[0], *_BELOW[colour_map]], np.float64)
    positions = np.linspace(0, FULL, len(stops))
    below = [np.interp(np.arange(1, FULL + 1), positions, stops[:, part]) for part in range(3)]
    return np.concatenate([np.rint(np.stack(below, axis=1)).astype(np.uint8)[::-1], above])
