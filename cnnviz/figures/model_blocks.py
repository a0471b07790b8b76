"""A model drawn as a row of blocks whose size follows the shapes.

It is HTML of a few kilobytes and not a Plotly figure: it is drawn anew with every change of the layers, and Plotly
would take a quarter of a second for it at the server and five megabytes in the browser. (`st.html` drops SVG.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from cnnviz.architecture import Row
from cnnviz.figures.html import render

__all__ = ["blocks"]

WIDTH = 520  # of the drawing, in pixels where there is room for it
LABEL = 64  # height of slanted words, at least, so that the drawing keeps its height while layers are edited
DEEP = 40  # how far a block's side stands above its front, at least
UNIT = 150  # height of the largest block
LABELLED = 16
_SHORT = {
    "Conv2D": "Conv",
    "MaxPooling2D": "MaxPool",
    "AveragePooling2D": "AvgPool",
    "GlobalAveragePooling2D": "GAP",
    "BatchNormalization": "BatchNorm",
    "Rescaling": "Scale",
}
# Middle tones, told apart on white and on black, and by people who see few colours.
_COLOURS = {
    "Conv2D": "#14998c",
    "Dense": "#7c74e8",
    "MaxPooling2D": "#d07a2b",
    "AveragePooling2D": "#d07a2b",
    "GlobalAveragePooling2D": "#d07a2b",
}
_OTHER = "#8b9a98"


def blocks(rows: Sequence[Row], input_shape: tuple[int, int, int], heads: int = 1) -> Markup:
    """Returns the stack as an HTML element, from the image on the left to the heads on the right.

    A block's height is the square root of its output's height, its depth that of its width; its thickness is the
    logarithm of its channels. What is one row of values is a thin bar as long as the logarithm of their number.

    Args:
        rows: from `architecture.describe`, heads last.
        input_shape: (height, width, channels) of an image.
        heads: how many of the last rows are heads; they are drawn one above another.
    """
    image = Row("picture", "Image", input_shape, 0, 0, 0, "what goes in")
    trunk, ends = [image, *rows[: len(rows) - heads]], rows[len(rows) - heads :]
    side = math.sqrt(max(input_shape[:2]))
    thickest = math.log2(1 + max(row.output_shape[-1] for row in trunk))
    longest = math.log2(1 + max(row.output_shape[0] for row in (*trunk, *ends)))
    sizes = [_size(row.output_shape, side, thickest, longest) for row in trunk]
    scale = (WIDTH - 60) / (sum(width + deep + 0.16 for width, _, deep in sizes) + 0.2)
    labels, left = len(trunk) + 1 <= LABELLED, 28.0
    parts: list[_Block | _Label] = []
    above = max(UNIT / 2 + DEEP, *(high * UNIT / 2 + deep * scale for _, high, deep in sizes))
    for row, (width, high, deep) in zip(trunk, sizes, strict=True):
        parts.append(_block(row, left, 0.0, width * scale, high * UNIT, deep * scale))
        if labels:
            parts += _labels(row, left + width * scale / 2, high * UNIT / 2 + deep * scale)
        left += (width + deep + 0.16) * scale
    for number, row in enumerate(ends):
        _, high, _ = _size(row.output_shape, side, thickest, longest)
        high, middle = high * UNIT / max(1, heads * 0.75), (number - (heads - 1) / 2) * min(45, 240 / heads)
        parts.append(_block(row, left, middle, max(6.0, 0.1 * scale), high, 0.0))
        if labels and number == 0:
            parts += _labels(row, left + 4, high / 2 - middle, named=heads == 1)
    over = max(LABEL, *(_slanted(_shape(row)) for row in (*trunk, *ends))) if labels else 8
    under = max(LABEL, *(_slanted(_name(row)) for row in (*trunk, *ends))) if labels else 8
    return render(
        "model_blocks.html",
        width=WIDTH + 120,
        height=f"{above + UNIT / 2 + over + under:.0f}",
        middle=f"{above + over:.1f}",
        parts=parts,
    )


class _Block(NamedTuple):
    """Where a block's box is, the cut-outs of it with their opacities, and what it tells of itself; as CSS and text."""

    lines: list[str]
    left: str
    top: str
    width: str
    height: str
    colour: str
    faces: list[tuple[str, float]]


class _Label(NamedTuple):
    """Slanted words, and where they begin or end."""

    words: str
    side: str
    share: str
    edge: str
    distance: str
    origin: str


def _size(shape: tuple[int, ...], side: float, thickest: float, longest: float) -> tuple[float, float, float]:
    """Thickness, height and depth of a block; heights are at most 1."""
    if len(shape) == 1:
        return 0.1, 0.12 + 0.88 * math.log2(1 + shape[0]) / longest, 0.0
    thickness = 0.1 + 0.5 * math.log2(1 + shape[-1]) / thickest
    across = shape[1] if len(shape) == 3 else 1
    return thickness, max(0.08, math.sqrt(shape[0]) / side), 0.25 * max(0.08, math.sqrt(across) / side)


def _block(row: Row, x: float, y: float, width: float, high: float, deep: float) -> _Block:
    """Front, top and side as cut-outs of one box, with a tooltip of everything known about the layer."""
    across, along = width + deep, high + deep
    edge, rim = 100 * width / across, 100 * deep / along  # of the front, in percent of the box
    faces = [(_corners((0, rim), (edge, rim), (edge, 100), (0, 100)), 0.9)]
    if deep:
        bend, foot = 100 - edge, 100 - rim
        faces.append((_corners((0, rim), (bend, 0), (100, 0), (edge, rim)), 0.5))
        faces.append((_corners((edge, rim), (100, 0), (100, foot), (edge, 100)), 0.65))
    kind = f"{row.type}, " if row.type != "Image" else ""
    lines = [row.name, f"{kind}{_by(row.output_shape)}", f"{row.parameters:,} parameters", *row.formula.split(";")]
    return _Block(
        lines,
        left=f"{100 * x / WIDTH:.2f}",
        top=f"{y - high / 2 - deep:.1f}",
        width=f"{100 * across / WIDTH:.2f}",
        height=f"{along:.1f}",
        colour=_COLOURS.get(row.type, _OTHER),
        faces=faces,
    )


def _corners(*points: tuple[float, float]) -> str:
    return ",".join(f"{x:.1f}% {y:.1f}%" for x, y in points)


def _labels(row: Row, x: float, top: float, *, named: bool = True) -> list[_Label]:
    """The shape above a block and its kind below, slanted so that they fit a telephone's screen.

    The shape begins at x and goes up, the kind ends at x and comes from below.
    """
    share = 100 * x / WIDTH
    shape = _Label(_shape(row), "left", f"{share:.2f}", "bottom", f"{top + 4:.1f}", "0 100%")
    kind = _Label(_name(row), "right", f"{100 - share:.2f}", "top", f"{UNIT / 2 + 6:.1f}", "100% 0")
    return [shape, kind] if named else [shape]


def _shape(row: Row) -> str:
    return "×".join(map(str, row.output_shape))


def _name(row: Row) -> str:
    return _SHORT.get(row.type, row.type)


def _slanted(words: str) -> float:
    """About how high words of 12 pixels are that stand at 60 degrees, with the gap to their block."""
    return 10 + 6.3 * min(len(words), 24)


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(f"{n:,}" for n in shape)
