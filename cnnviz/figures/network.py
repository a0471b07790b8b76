"""A network drawn as a row of blocks whose size follows the shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from cnnviz.architecture import Row
from cnnviz.figures.style import escaped, laid_out

__all__ = ["blocks"]

HEIGHT = 300
LABELLED = 14
_SHORT = {
    "Conv2D": "Conv",
    "MaxPooling2D": "MaxPool",
    "AveragePooling2D": "AvgPool",
    "GlobalAveragePooling2D": "GAP",
    "BatchNormalization": "BatchNorm",
    "Rescaling": "Scale",
}
# Middle tones, told apart on white and on black, and by people who see few colours.
_COLOURS = {"Conv2D": "#14998c", "Dense": "#7c74e8", "MaxPooling2D": "#d07a2b", "AveragePooling2D": "#d07a2b",
            "GlobalAveragePooling2D": "#d07a2b"}  # fmt: skip
_OTHER = "#8b9a98"


def blocks(rows: Sequence[Row], input_shape: tuple[int, int, int], heads: int = 1) -> go.Figure:
    """Returns the stack, from the picture on the left to the heads on the right.

    A block's height is the square root of its output's height, its depth that of its width; its thickness is the
    logarithm of its channels. What is one row of values is a thin bar as long as the logarithm of their number.

    Args:
        rows: from `architecture.describe`, heads last.
        input_shape: (height, width, channels) of a picture.
        heads: how many of the last rows are heads; they are drawn one above another.
    """
    picture = Row("picture", "Picture", input_shape, 0, 0, 0, "what goes in")
    trunk, ends = [picture, *rows[: len(rows) - heads]], rows[len(rows) - heads :]
    side = math.sqrt(max(input_shape[:2]))
    thickest = math.log2(1 + max(row.output_shape[-1] for row in trunk))
    longest = math.log2(1 + max(row.output_shape[0] for row in (*trunk, *ends)))
    figure, left, labels = go.Figure(), 0.0, len(trunk) + 1 <= LABELLED
    for row in trunk:
        width, high, deep = _size(row.output_shape, side, thickest, longest)
        _block(figure, row, left, 0.0, width, high, deep)
        if labels:
            _label(figure, row, left + width / 2, high / 2 + deep)
        left += width + deep + 0.16
    for number, row in enumerate(ends):
        width, high, _ = _size(row.output_shape, side, thickest, longest)
        middle = (number - (heads - 1) / 2) * min(0.3, 1.6 / heads)
        _block(figure, row, left, middle, width, high / max(1, heads * 0.75), 0.0)
        if labels and number == heads - 1:
            _label(figure, row, left + width / 2, middle + high / 2, named=heads == 1)
    laid_out(figure, height=HEIGHT if labels else HEIGHT - 60)
    figure.update_layout(showlegend=False, hovermode="closest")
    figure.update_xaxes(visible=False, range=[-0.1, left + 0.25], fixedrange=True)
    figure.update_yaxes(visible=False, range=[-0.95 if labels else -0.6, 1.25 if labels else 0.9], fixedrange=True)
    return figure


def _size(shape: tuple[int, ...], side: float, thickest: float, longest: float) -> tuple[float, float, float]:
    """Thickness, height and depth of a block; heights are at most 1."""
    if len(shape) == 1:
        return 0.1, 0.12 + 0.88 * math.log2(1 + shape[0]) / longest, 0.0
    thickness = 0.1 + 0.5 * math.log2(1 + shape[-1]) / thickest
    across = shape[1] if len(shape) == 3 else 1
    return thickness, max(0.08, math.sqrt(shape[0]) / side), 0.25 * max(0.08, math.sqrt(across) / side)


def _block(figure: go.Figure, row: Row, x: float, y: float, width: float, high: float, deep: float) -> None:
    colour = _COLOURS.get(row.type, _OTHER)
    shape = "×".join(f"{n:,}" for n in row.output_shape)
    kind = f"{row.type}, " if row.type != "Picture" else ""
    formula = "<br>".join(escaped(part.strip(), 160) for part in row.formula.split(";"))
    text = f"<b>{escaped(row.name, 40)}</b><br>{kind}{shape}<br>{row.parameters:,} parameters<br>{formula}"
    low, top, right = y - high / 2, y + high / 2, x + width
    faces = [((x, right, right, x, x), (low, low, top, top, low), 0.85)]
    if deep:
        over = ((x, x + deep, right + deep, right, x), (top, top + deep, top + deep, top, top))
        beside = ((right, right + deep, right + deep, right, right), (low, low + deep, top + deep, top, low))
        faces.append(((*over[0], None, *beside[0]), (*over[1], None, *beside[1]), 0.45))
    for xs, ys, opacity in faces:
        figure.add_scatter(
            x=xs, y=ys, mode="lines", fill="toself", fillcolor=_rgba(colour, opacity),
            line={"color": colour, "width": 1}, hoveron="fills", hoverinfo="text", text=text, name="",
        )  # fmt: skip


def _label(figure: go.Figure, row: Row, x: float, top: float, *, named: bool = True) -> None:
    """The shape above a block and its kind below, both upright so that they fit a telephone's screen."""
    shape = "×".join(map(str, row.output_shape))
    font = {"size": 11}
    figure.add_annotation(
        x=x, y=top + 0.03, text=shape, textangle=-60, showarrow=False, font=font, xanchor="center", yanchor="bottom"
    )
    if named:
        figure.add_annotation(
            x=x, y=-0.56, text=_SHORT.get(row.type, row.type), textangle=-60, showarrow=False, font=font,
            xanchor="center", yanchor="top",
        )  # fmt: skip


def _rgba(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
