"""The layers of a model side by side as blocks: how large each is drawn, and what is known about it in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnviz.explain.inspection.receptive_field import LayerRow

__all__ = ["TALLEST", "Block", "blocks", "facts", "field", "size"]

TALLEST = 64
"""Height of the largest block, in pixels."""
_WIDEST, _THINNEST, _LOWEST = 44, 4, 5
_SHORT = {
    "Conv2D": "Conv",
    "DepthwiseConv2D": "Depthwise",
    "SeparableConv2D": "Separable",
    "Conv2DTranspose": "ConvT",
    "MaxPooling2D": "MaxPool",
    "AveragePooling2D": "AvgPool",
    "GlobalAveragePooling2D": "GAP",
    "GlobalMaxPooling2D": "GMP",
    "BatchNormalization": "BatchNorm",
    "LayerNormalization": "LayerNorm",
    "Rescaling": "Scale",
    "Activation": "Act",
    "ZeroPadding2D": "Pad",
    "Concatenate": "Concat",
}
# Middle tones, told apart on white and on black, and by people who see few colours; as in `figures.network`.
_COLOURS = {
    "Conv2D": "#14998c",
    "DepthwiseConv2D": "#14998c",
    "SeparableConv2D": "#14998c",
    "Conv2DTranspose": "#14998c",
    "Dense": "#7c74e8",
    "MaxPooling2D": "#d07a2b",
    "AveragePooling2D": "#d07a2b",
    "GlobalAveragePooling2D": "#d07a2b",
    "GlobalMaxPooling2D": "#d07a2b",
}
_OTHER = "#8b9a98"


@dataclass(frozen=True)
class Block:
    """A layer as it is drawn: width and height in pixels, its colour, the word under it and all that is known of it."""

    name: str
    width: int
    height: int
    colour: str
    label: str
    words: str


def blocks(table: Sequence[LayerRow]) -> list[Block]:
    """Returns a block for each layer, in order.

    Heights are the square root of the output's height, so that small maps stay visible; widths are the logarithm of
    the channels. What is one row of values is a thin bar as high as the logarithm of their number.
    """
    highest = max((row.shape[0] for row in table if len(row.shape) > 1), default=1)
    deepest = max((row.shape[-1] for row in table if len(row.shape) > 1), default=1)
    longest = max((row.shape[0] for row in table if len(row.shape) == 1), default=1)
    made = []
    for row in table:
        if len(row.shape) > 1:
            width = _THINNEST + (_WIDEST - _THINNEST) * math.log2(1 + row.shape[-1]) / math.log2(1 + deepest)
            height = TALLEST * math.sqrt(row.shape[0] / highest)
        else:
            width, height = 8, TALLEST * (math.log2(1 + row.shape[0]) / math.log2(1 + longest) if row.shape else 0)
        made.append(
            Block(
                row.name,
                round(width),
                max(_LOWEST, round(height)),
                _COLOURS.get(row.type, _OTHER),
                _SHORT.get(row.type, row.type)[:11],
                "\n".join((row.name, *facts(row))),
            )
        )
    return made


def facts(row: LayerRow) -> tuple[str, ...]:
    """Returns what is known of a layer: its type, output, parameters, field and share of compute; plain text."""
    return (
        row.type,
        f"gives {size(row.shape)}",
        f"{row.parameters:,} parameter{'s' * (row.parameters != 1)}" if row.parameters else "no parameters",
        field(row),
        f"{_share(row.share)} of the multiplications" if row.macs else "no multiplications with weights",
    )


def size(shape: Sequence[int]) -> str:
    """Returns an output's shape in words: "30 × 30, 32 channels" or "10 values"."""
    if len(shape) > 1:
        return f"{' × '.join(map(str, shape[:-1]))}, {shape[-1]:,} channel{'s' * (shape[-1] != 1)}"
    return f"{shape[0]:,} value{'s' * (shape[0] != 1)}" if shape else "one value"


def field(row: LayerRow) -> str:
    """Returns how much of the image one of a layer's values depends on, in words."""
    if row.everything:
        return "sees the whole image"
    if not any(row.size):
        return "sees nothing of the image"
    high, wide = row.size
    step = max(row.stride)
    apart = f", every {step:g}" if step > 1 else ""
    return f"sees {high} × {wide} pixel{'s' * (high * wide != 1)}{apart}"


def _share(share: float) -> str:
    return "< 0.1 %" if share < 0.001 else f"{100 * share:.{1 if share < 0.0995 else 0}f} %"
