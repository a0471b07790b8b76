"""A layer's channels as grey pictures, and many of them in one. Importing this loads no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from cnnviz.errors import ModelError, one_of
from cnnviz.overlay import COLOUR_MAPS

__all__ = ["in_colours", "maps", "mosaic", "raw", "standardised", "tile_at"]


def maps(values: np.ndarray) -> np.ndarray:
    """Returns a layer's output as (height, width, channels): rows (units,) become 1 × 1 places, (n, units) n × 1.

    Raises:
        ModelError: more than three axes.
    """
    if values.ndim == 1:
        return values[None, None]
    if values.ndim == 2:
        return values[:, None]
    if values.ndim != 3:
        raise ModelError(f"The layer gives {values.shape} for a picture, which can't be drawn as maps.")
    return values


def standardised(values: np.ndarray) -> np.ndarray:
    """Returns every channel as a grey picture by itself, as the tutorial does: uint8 of the same shape.

    Minus its mean, over its standard deviation, × 64, + 128, cut to 0..255 and cut off after the point. Pictures of
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


def raw(values: np.ndarray) -> np.ndarray:
    """Returns a layer's channels as grey pictures on one scale, so that they can be compared: uint8, same shape.

    0 is black where no value is negative, else the least value is; 255 is the layer's greatest value.
    """
    low, high = min(float(values.min()), 0.0), float(values.max())
    if high <= low:
        return np.zeros(values.shape, np.uint8)
    factor = np.float32(255 / (high - low))
    return np.rint(values * factor - np.float32(low) * factor).clip(0, 255).astype(np.uint8)


def mosaic(
    channels: np.ndarray,
    order: Sequence[int] | np.ndarray | None = None,
    columns: int = 16,
    margin: int = 1,
    background: int = 0,
) -> np.ndarray:
    """Returns a layer's channels beside each other in rows: uint8 (rows · (h + margin) - margin, …).

    Args:
        channels: uint8 (h, w, k), from `standardised` or `raw`.
        order: which channels, in which order; by default all by their index.
        columns: tiles in a row.
        margin: pixels between tiles.
        background: the value of margins and of what the last row leaves free.
    """
    height, width, count = channels.shape
    if order is not None:
        channels, count = channels[..., np.asarray(order, np.int64)], len(order)
    rows = -(-count // columns)
    canvas = np.full((rows, height + margin, columns, width + margin), background, np.uint8)
    tiles = canvas.transpose(0, 2, 1, 3)
    planes, whole_rows = channels.transpose(2, 0, 1), count // columns
    full = whole_rows * columns
    tiles[:whole_rows, :, :height, :width] = planes[:full].reshape(whole_rows, columns, height, width)
    if count > full:
        tiles[whole_rows, : count - full, :height, :width] = planes[full:]
    picture = canvas.reshape(rows * (height + margin), columns * (width + margin))
    return np.ascontiguousarray(picture[: len(picture) - margin, : picture.shape[1] - margin])


def tile_at(
    y: int, x: int, shape: tuple[int, int], count: int, columns: int = 16, margin: int = 1
) -> int | None:  # fmt: skip
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


def in_colours(grey: np.ndarray, colour_map: str = "viridis") -> np.ndarray:
    """Returns a grey picture or mosaic, uint8 (h, w), in a map's colours: uint8 RGB (h, w, 3); 0 and 255 are its ends.

    Raises:
        ModelError: there is no such colour map.
    """
    if colour_map not in COLOUR_MAPS:
        raise ModelError(f"There is no colour map {colour_map!r}: {one_of(colour_map, COLOUR_MAPS)}.")
    return cv2.cvtColor(cv2.applyColorMap(grey, COLOUR_MAPS[colour_map]), cv2.COLOR_BGR2RGB)
