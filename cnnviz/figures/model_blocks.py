"""A model drawn as a row of blocks whose size follows the shapes.

It is HTML of a few kilobytes and not a Plotly figure: it is drawn anew with every change of the layers, and Plotly
would take a quarter of a second for it at the server and five megabytes in the browser. (`st.html` drops SVG.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from cnnviz.architecture import Row
from cnnviz.figures.style import escape_text

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


def blocks(rows: Sequence[Row], input_shape: tuple[int, int, int], heads: int = 1) -> str:
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
    labels, left, parts = len(trunk) + 1 <= LABELLED, 28.0, []
    above = max(UNIT / 2 + DEEP, *(high * UNIT / 2 + deep * scale for _, high, deep in sizes))
    for row, (width, high, deep) in zip(trunk, sizes, strict=True):
        parts.append(_block(row, left, 0.0, width * scale, high * UNIT, deep * scale))
        if labels:
            parts.append(_labels(row, left + width * scale / 2, high * UNIT / 2 + deep * scale))
        left += (width + deep + 0.16) * scale
    for number, row in enumerate(ends):
        _, high, _ = _size(row.output_shape, side, thickest, longest)
        high, middle = high * UNIT / max(1, heads * 0.75), (number - (heads - 1) / 2) * min(45, 240 / heads)
        parts.append(_block(row, left, middle, max(6.0, 0.1 * scale), high, 0.0))
        if labels and number == 0:
            parts.append(_labels(row, left + 4, high / 2 - middle, named=heads == 1))
    over = max(LABEL, *(_slanted(_shape(row)) for row in (*trunk, *ends))) if labels else 8
    under = max(LABEL, *(_slanted(_name(row)) for row in (*trunk, *ends))) if labels else 8
    return (
        f'<div role="img" aria-label="The model as blocks" style="position:relative;max-width:{WIDTH + 120}px;'
        f'height:{above + UNIT / 2 + over + under:.0f}px;font-size:0.75rem;overflow:hidden">'
        f'<div style="position:absolute;left:0;right:0;height:0;top:{above + over:.1f}px">'
        f"{''.join(parts)}</div></div>"
    )


def _size(shape: tuple[int, ...], side: float, thickest: float, longest: float) -> tuple[float, float, float]:
    """Thickness, height and depth of a block; heights are at most 1."""
    if len(shape) == 1:
        return 0.1, 0.12 + 0.88 * math.log2(1 + shape[0]) / longest, 0.0
    thickness = 0.1 + 0.5 * math.log2(1 + shape[-1]) / thickest
    across = shape[1] if len(shape) == 3 else 1
    return thickness, max(0.08, math.sqrt(shape[0]) / side), 0.25 * max(0.08, math.sqrt(across) / side)


def _block(row: Row, x: float, y: float, width: float, high: float, deep: float) -> str:
    """Front, top and side as cut-outs of one box, with a tooltip of everything known about the layer."""
    across, along = width + deep, high + deep
    edge, rim = 100 * width / across, 100 * deep / along  # of the front, in percent of the box
    faces: list[tuple[tuple[tuple[float, float], ...], float]] = [(((0, rim), (edge, rim), (edge, 100), (0, 100)), 0.9)]
    if deep:
        bend, foot = 100 - edge, 100 - rim
        faces.append((((0, rim), (bend, 0), (100, 0), (edge, rim)), 0.5))
        faces.append((((edge, rim), (100, 0), (100, foot), (edge, 100)), 0.65))
    colour = _COLOURS.get(row.type, _OTHER)
    drawn = "".join(_face(points, colour, opacity) for points, opacity in faces)
    kind = f"{row.type}, " if row.type != "Image" else ""
    lines = (row.name, f"{kind}{_by(row.output_shape)}", f"{row.parameters:,} parameters", *row.formula.split(";"))
    return (
        f'<div title="{_lines(lines)}" style="position:absolute;left:{100 * x / WIDTH:.2f}%;'
        f'top:{y - high / 2 - deep:.1f}px;width:{100 * across / WIDTH:.2f}%;height:{along:.1f}px">{drawn}</div>'
    )


def _face(points: Iterable[tuple[float, float]], colour: str, opacity: float) -> str:
    corners = ",".join(f"{x:.1f}% {y:.1f}%" for x, y in points)
    cut = f"opacity:{opacity};clip-path:polygon({corners})"
    return f'<div style="position:absolute;inset:0;background:{colour};{cut}"></div>'


def _labels(row: Row, x: float, top: float, *, named: bool = True) -> str:
    """The shape above a block and its kind below, slanted so that they fit a telephone's screen."""
    shape = _text(_shape(row), x, f"bottom:{top + 4:.1f}px;transform-origin:0 100%", "left")
    below = _text(_name(row), x, f"top:{UNIT / 2 + 6:.1f}px;transform-origin:100% 0", "right") if named else ""
    return shape + below


def _shape(row: Row) -> str:
    return "×".join(map(str, row.output_shape))


def _name(row: Row) -> str:
    return _SHORT.get(row.type, row.type)


def _slanted(words: str) -> float:
    """About how high words of 12 pixels are that stand at 60 degrees, with the gap to their block."""
    return 10 + 6.3 * min(len(words), 24)


def _text(words: str, x: float, place: str, side: str) -> str:
    """Words that begin at x and go up, or end at x and come from below."""
    share = 100 * x / WIDTH
    where = f"left:{share:.2f}%" if side == "left" else f"right:{100 - share:.2f}%"
    return (
        f'<div style="position:absolute;{where};{place};transform:rotate(-60deg);white-space:nowrap;line-height:1;'
        f'opacity:0.75">{escape_text(words, 24)}</div>'
    )


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(f"{n:,}" for n in shape)


def _lines(lines: Iterable[str]) -> str:
    return "&#10;".join(escape_text(line.strip(), 160).replace('"', "&quot;") for line in lines)
