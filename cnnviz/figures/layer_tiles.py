"""What a layer gives for an image as one small image: its strongest channel, or a row of values as bars."""

from __future__ import annotations

import cv2
import numpy as np

from cnnviz.mosaics import channel_maps, in_colours, shades

__all__ = ["bars", "strongest_channel", "tile"]

SIDE = 64
"""No side is over so many pixels."""
MOST_BARS = 32
_BAR, _RAIL = (20, 153, 140), (128, 128, 128)


def strongest_channel(values: np.ndarray) -> int:
    """Returns the channel with the largest mean over all positions, float32 (…, k); the first of equal ones."""
    means = values.reshape(-1, values.shape[-1]).mean(axis=0, dtype=np.float64)
    return int(np.nan_to_num(means, nan=-np.inf).argmax())


def tile(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Returns a layer's strongest channel in viridis, 0 dark, and which one it is; a row of values as `bars`.

    Args:
        values: float32 (h, w, k), (n, k) or (k,).

    Returns:
        uint8 (height, width, 3), no side over `SIDE`, or (height, width, 4), and the channel.
    """
    channel = strongest_channel(values)
    if values.ndim == 1:
        return bars(values), channel
    plane = channel_maps(values)[..., channel]
    scale = SIDE / max(plane.shape)
    if scale < 1:
        size = max(1, round(plane.shape[1] * scale)), max(1, round(plane.shape[0] * scale))
        plane = cv2.resize(np.ascontiguousarray(plane), size, interpolation=cv2.INTER_AREA)
    return in_colours(shades(np.ascontiguousarray(plane)[..., None], "each").levels[..., 0]), channel


def bars(values: np.ndarray, height: int = SIDE, width: int = 28) -> np.ndarray:
    """Returns values as bars from the left, one under the other, as long as they are large: uint8 RGBA.

    Args:
        values: float32 (k,); of more than `MOST_BARS` the largest of neighbours are drawn.
        height: in pixels.
        width: in pixels, which the largest has.
    """
    step = -(-len(values) // MOST_BARS)
    padded = np.zeros(-(-len(values) // step) * step, np.float32)
    padded[: len(values)] = np.abs(np.nan_to_num(values))
    sizes = padded.reshape(-1, step).max(axis=1)
    lengths = np.rint(width * sizes / (sizes.max() or 1)).astype(int)
    made = np.zeros((height, width, 4), np.uint8)
    edges = np.rint(np.linspace(0, height, len(lengths) + 1)).astype(int)
    for top, low, length in zip(edges[:-1], edges[1:], lengths.tolist(), strict=True):
        end = max(top + 1, low - (low - top > 2))
        made[top:end] = (*_RAIL, 40)
        made[top:end, :length] = (*_BAR, 255)
    return made
