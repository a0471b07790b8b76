"""Receptive fields along one side of an image, position by position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Span", "everywhere", "merge", "moves_window", "pixels", "window_of", "window_span", "within"]

_WINDOWS = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D")
_NOWHERE = 1 << 40  # a low end above every high end: depends on no pixel


@dataclass(frozen=True, eq=False)
class Span:
    """For each position along a side, the pixels `low` <= p < `high` that it depends on, int64.

    `size`, `stride` and `start` are what arithmetic gives for an endless image: how many pixels, how far apart
    neighbours are, and where the first position's begin.
    """

    low: np.ndarray
    high: np.ndarray
    size: int
    stride: float
    start: float


def pixels(side: int) -> Span:
    """The pixels themselves."""
    at = np.arange(side)
    return Span(at, at + 1, 1, 1.0, 0.0)


def everywhere(span: Span, positions: int) -> Span:
    """Positions that depend on all that the given positions depend on."""
    low, high = int(span.low.min()), int(span.high.max())
    size = max(0, high - low)
    return Span(np.full(positions, low), np.full(positions, high), size, 0.0, float(low))


def merge(given: Sequence[Span], positions: int) -> Span:
    """Positions that depend on what the same places of all the given depend on; one position stands for all."""
    low = np.broadcast_to(np.minimum.reduce([np.broadcast_to(one.low, positions) for one in given]), positions)
    high = np.broadcast_to(np.maximum.reduce([np.broadcast_to(one.high, positions) for one in given]), positions)
    start = min(one.start for one in given)
    size = max(one.start + one.size for one in given) - start
    return Span(low, high, round(size), max(one.stride for one in given), start)


def window_span(span: Span, layer: Any, side: int, positions: int) -> Span | None:
    """Returns the span behind a layer that moves a window, pads, crops or enlarges; `None` for others.

    Args:
        span: of the layer's input.
        layer: a Keras layer for images with the channels last.
        side: 0 for rows, 1 for columns.
        positions: how many its output has along this side.
    """
    kind = type(layer).__name__
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        return None
    if kind in _WINDOWS:
        return _window(span, layer, side, positions)
    if kind == "Conv2DTranspose":
        return _transposed(span, layer, side, positions)
    if kind == "ZeroPadding2D":
        return _shifted(span, -layer.padding[side][0], positions)
    if kind == "Cropping2D":
        return _shifted(span, layer.cropping[side][0], positions)
    if kind == "UpSampling2D":
        return _enlarged(span, layer.size[side], layer.interpolation, positions)
    return None


def window_of(layer: Any, side: int, count: int) -> tuple[int, int, int, int]:
    """Returns (size, stride, dilation, padding before) of a layer's window along a side of `count` inputs."""
    size = (getattr(layer, "kernel_size", None) or layer.pool_size)[side]
    stride = layer.strides[side]
    dilation = getattr(layer, "dilation_rate", (1, 1))[side]
    if layer.padding != "same":
        return size, stride, dilation, 0
    reach = dilation * (size - 1) + 1
    return size, stride, dilation, max((-(-count // stride) - 1) * stride + reach - count, 0) // 2


def moves_window(layer: Any) -> bool:
    """Returns whether a layer moves a window over its input, with the channels last."""
    return type(layer).__name__ in _WINDOWS and getattr(layer, "data_format", "channels_last") == "channels_last"


def within(layer: Any, side: int, count: int, positions: int) -> np.ndarray:
    """Returns for each position along a side whether the layer's window is wholly in its `count` inputs, bool."""
    size, stride, dilation, before = window_of(layer, side, count)
    begin = np.arange(positions) * stride - before
    return (begin >= 0) & (begin + dilation * (size - 1) < count)


def _window(span: Span, layer: Any, side: int, positions: int) -> Span:
    size, stride, dilation, before = window_of(layer, side, len(span.low))
    inputs = np.arange(positions)[:, None] * stride - before + dilation * np.arange(size)
    low, high = _gathered(span, inputs)
    return Span(
        low,
        high,
        round(span.size + dilation * (size - 1) * span.stride),
        span.stride * stride,
        span.start - before * span.stride,
    )


def _transposed(span: Span, layer: Any, side: int, positions: int) -> Span:
    """Input i reaches the outputs i · stride - before + dilation · j."""
    size, stride, dilation = layer.kernel_size[side], layer.strides[side], layer.dilation_rate[side]
    reach = dilation * (size - 1) + 1
    before = max(reach - stride, 0) // 2 if layer.padding == "same" else 0
    from_left = np.arange(positions)[:, None] + before - dilation * np.arange(size)
    inputs = np.where(from_left % stride == 0, from_left // stride, -1)
    low, high = _gathered(span, inputs)
    more = (-(-reach // stride) - 1) * span.stride
    return Span(low, high, round(span.size + more), span.stride / stride, span.start - more)


def _shifted(span: Span, by: int, positions: int) -> Span:
    low, high = _gathered(span, np.arange(positions)[:, None] + by)
    return Span(low, high, span.size, span.stride, span.start + by * span.stride)


def _enlarged(span: Span, factor: int, interpolation: str, positions: int) -> Span | None:
    at = np.arange(positions)[:, None]
    if interpolation == "nearest":
        low, high = _gathered(span, at // factor)
        return Span(low, high, span.size, span.stride / factor, span.start)
    if interpolation != "bilinear":
        return None
    middle = np.clip((at + 0.5) / factor - 0.5, 0, len(span.low) - 1)
    low, high = _gathered(span, np.concatenate([np.floor(middle), np.ceil(middle)], axis=1).astype(np.int64))
    return Span(low, high, round(span.size + span.stride), span.stride / factor, span.start - span.stride)


def _gathered(span: Span, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ends over the inputs (positions, any) of each position; those that don't exist are padding."""
    there = (inputs >= 0) & (inputs < len(span.low))
    at = np.where(there, inputs, 0)
    low = np.where(there, span.low[at], _NOWHERE).min(axis=1)
    high = np.where(there, span.high[at], -_NOWHERE).max(axis=1)
    return low, high
