"""How a number comes about: one output of the open layer, taken apart into what goes in and its weights."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import streamlit as st

from cnnviz.errors import CnnvizError
from cnnviz.explain.inspection.layer_arithmetic import Breakdown
from cnnviz.figures.channels import colour_bar
from cnnviz.figures.output_breakdown import signed_number
from cnnviz.figures.snapshots import mosaic_html
from cnnviz.images import enlarge, with_channels
from cnnviz.mosaics import channel_maps, in_colours, shades
from cnnviz.ui.components.clickable_image import clickable_image
from cnnviz.ui.inside import output_breakdown_html
from cnnviz.ui.inside.selection import Inspection, current_location, show
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import query_params
from cnnviz.ui.session.widget_sync import seed

__all__ = ["first_position", "numbers_part"]

_AT, _KEY = "inside_numbers_at", "inside_numbers"
_MOST_LABELS = 4096
_KEEPS_COLOURS = ("Rescaling", "Normalization", "ZeroPadding2D", "Dropout", "Identity")
_WIDTH = 300


@dataclass(frozen=True, eq=False)
class _Grid:
    """A layer's numbers as positions to click: float32 (rows, columns), and whether each position is a channel
    itself."""

    values: np.ndarray
    units: bool
    count: int


@st.fragment
def numbers_part(opened: Inspection) -> None:
    """Draws the choice of a number of the open layer, and the account of it; it reruns alone for another number."""
    query_params.push_url_in_fragment()
    opened = replace(opened, channel=min(current_location().channel, opened.row.shape[-1] - 1))
    try:
        known = _known(opened, opened.identity, opened.layer)
        grid = _grid(known[-1], opened.channel)
    except CnnvizError as error:
        st.error(plain(error), icon=":material/error:")
        return
    left, right = st.columns([2, 5], gap="large")
    with left:
        row, column = _choice(opened, grid)
    with right:
        at = (
            (opened.channel,)
            if grid.units
            else (row, opened.channel)
            if known[-1].ndim == 2
            else (row, column, opened.channel)
        )
        st.markdown(f"**How {plain(signed_number(known[-1][at], 5))} comes about** · {_named(opened, at)}")
        if words := output_breakdown_html.teaching(opened.row.type):
            st.caption(words)
        try:
            _breakdown(opened, known, at)
        except CnnvizError as error:
            st.error(plain(error), icon=":material/error:")


@st.cache_resource(show_spinner="Computing the layer", max_entries=4)
def _known(_opened: Inspection, identity: tuple, layer: str) -> list[np.ndarray]:
    """The layer's inputs and, last, its output; read only."""
    from cnnviz.explain.inspection.output_breakdown import inputs_and_output  # loads TensorFlow

    with _opened.model.lock:
        return inputs_and_output(_opened.model.classifier, _opened.pixels, layer)


def _grid(output: np.ndarray, channel: int) -> _Grid:
    if output.ndim == 1:
        count = len(output)
        columns = count if count <= 16 else math.ceil(math.sqrt(count))
        padded = np.full(-(-count // columns) * columns, np.nan, np.float32)
        padded[:count] = output
        return _Grid(padded.reshape(-1, columns), True, count)
    values = channel_maps(output)
    return _Grid(values[..., channel], False, values.shape[2])


def _named(opened: Inspection, at: tuple[int, ...]) -> str:
    positions = {1: "", 2: f", position {at[0]}", 3: f", row {at[0]}, column {at[min(1, len(at) - 1)]}"}[len(at)]
    return f"{plain(opened.layer)}{positions}, {'unit' if len(at) == 1 else 'channel'} {opened.channel}"


def _choice(opened: Inspection, grid: _Grid) -> tuple[int, int]:
    """Draws the small image and the number fields; returns the chosen (row, column)."""
    rows, columns = grid.values.shape
    of, kind = (opened.source.stamp, opened.layer), "Unit" if grid.units else "Channel"
    chosen = st.session_state.get(_AT)
    if grid.units:
        row, column = divmod(opened.channel, columns)
    elif chosen is not None and chosen[0] == of and chosen[1] < rows and chosen[2] < columns:
        row, column = chosen[1:]
    else:
        row, column = _opening(opened, grid.values)

    def take(at: tuple[int, int]) -> None:
        if not grid.units:
            st.session_state[_AT] = (of, *at)
        elif at[0] * columns + at[1] < grid.count:
            show(channel=at[0] * columns + at[1])

    what = "All units" if grid.units else f"Channel {opened.channel}"
    labels = None
    if grid.values.size <= _MOST_LABELS:
        labels = [_label(grid, n, columns) for n in range(grid.values.size)]
    shaded = shades(np.nan_to_num(grid.values, nan=0)[..., None], "each")
    clickable_image(
        in_colours(shaded.levels[..., 0]),
        (rows, columns),
        f"{what} of {opened.layer}; bright is strong. The framed position is taken apart.",
        key=f"{_KEY}_click",
        on_click=take,
        marked=(row, column),
        width=min(_WIDTH, 28 * max(columns, 4)),
        labels=labels,
    )
    st.html(colour_bar(shaded, [0], "viridis"))
    st.caption(
        f"{what}, {rows} × {columns}. Click a position for its arithmetic."
        if not grid.units
        else f"{grid.count:,} {'unit' if grid.count == 1 else 'units'}. Click one for its arithmetic."
    )
    with st.container(horizontal=True, gap="small"):
        if not grid.units:
            for name, value, count in (("Row", row, rows), ("Column", column, columns)):
                st.number_input(
                    name,
                    0,
                    count - 1,
                    key=seed(f"{_KEY}_{name.lower()}", value),
                    width=96,
                    on_change=lambda: take((st.session_state[f"{_KEY}_row"], st.session_state[f"{_KEY}_column"])),
                    help=f"Which {name.lower()} of the channel, counted from 0.",
                )
        st.number_input(
            kind,
            0,
            grid.count - 1,
            key=seed(f"{_KEY}_channel", opened.channel),
            width=96,
            on_change=lambda: show(channel=st.session_state[f"{_KEY}_channel"]),
            help=f"Which {kind.lower()} of the layer, counted from 0.",
        )
    if not grid.units:
        st.button(
            "Strongest position",
            icon=":material/my_location:",
            key=f"{_KEY}_strongest",
            type="tertiary",
            on_click=lambda: take(_greatest(grid.values)),
            help="Goes where this channel is greatest.",
        )
        _seen(opened, row, column)
    return row, column


def _opening(opened: Inspection, plane: np.ndarray) -> tuple[int, int]:
    """The position that is taken apart at first: the strongest whose window needs no padding."""
    from cnnviz.explain.inspection.receptive_field import inner_positions  # loads TensorFlow

    with opened.model.lock:
        rows, columns = inner_positions(opened.model.classifier, opened.layer, opened.seen.shape[:2])
    return first_position(plane, rows, columns) if plane.shape == (len(rows), len(columns)) else _greatest(plane)


def first_position(plane: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> tuple[int, int]:
    """Returns the (row, column) of the greatest value in these rows and columns; the middle where all are equal.

    Args:
        plane: a channel, float32 (h, w).
        rows, columns: which of them count, bool (h,) and bool (w,), at least one each.
    """
    row, column = np.flatnonzero(rows), np.flatnonzero(columns)
    part = plane[np.ix_(row, column)]
    top, left = _greatest(part) if part.min() < part.max() else (len(row) // 2, len(column) // 2)
    return int(row[top]), int(column[left])


def _greatest(plane: np.ndarray) -> tuple[int, int]:
    row, column = np.unravel_index(int(np.nanargmax(plane)), plane.shape)
    return int(row), int(column)


def _label(grid: _Grid, number: int, columns: int) -> str:
    row, column = divmod(number, columns)
    if grid.units:
        return f"unit {number}: {signed_number(grid.values[row, column], 4)}" if number < grid.count else ""
    return f"row {row}, column {column}: {signed_number(grid.values[row, column], 4)}"


def _seen(opened: Inspection, row: int, column: int) -> None:
    """The image with the part marked that this number depends on."""
    if opened.row.everything or len(opened.row.shape) != 3:
        return
    from cnnviz.explain.inspection.receptive_field import fields  # loads TensorFlow

    with opened.model.lock:
        top, left, height, width = fields(opened.model.classifier, opened.seen.shape[:2])[opened.layer].box(row, column)
    if not height:
        return
    factor = max(1, _WIDTH // max(opened.seen.shape[:2]))
    large = enlarge(with_channels(opened.seen, 3), factor)
    corners = (left * factor, top * factor), ((left + width) * factor - 1, (top + height) * factor - 1)
    for colour, thickness in (((255, 255, 255), 4), ((217, 72, 15), 2)):
        cv2.rectangle(large, *corners, colour, thickness)
    caption = f"The number depends on these {height} × {width} pixels of what the model sees."
    st.html(mosaic_html(large, f"The image with a box of {height} × {width} pixels", caption, _WIDTH))


def _breakdown(opened: Inspection, known: list[np.ndarray], at: tuple[int, ...]) -> None:
    from cnnviz.explain.inspection.output_breakdown import breakdown  # loads TensorFlow

    with opened.model.lock:
        found = breakdown(opened.model.classifier, opened.pixels, opened.layer, at, known=known)
    if isinstance(found, str):
        st.info(plain(found), icon=":material/info:")
        st.caption(f"It gives {signed_number(known[-1][at], 7)} here.")
        return
    if found.corner is not None:
        _window(opened, found)
    else:
        names = _row_names(opened, found, known[0])
        st.html(
            output_breakdown_html.lines_html(output_breakdown_html.lines(found, names))
            + output_breakdown_html.graph_html(found)
        )
    if found.scores is not None:
        st.markdown("**Softmax makes a probability of the score**")
        st.html(output_breakdown_html.softmax_html(found, _classes(opened, len(found.scores))))
        st.caption(
            "Powers of e of the scores.",
            help="All are divided by the greatest, which doesn't change the probabilities.",
        )
    apart = abs(found.value - found.output)
    st.caption(
        f"{plain(found.text)} The model itself gives **{plain(signed_number(found.output, 7))}**"
        + ("." if apart < 1e-9 else f"; the two differ by {plain(signed_number(apart, 1))}, which is rounding.")
    )


def _window(opened: Inspection, found: Breakdown) -> None:
    """A window of the input with its kernel: one input channel at a time, the one that adds most first."""
    count = found.patch.shape[2]
    names = _channel_names(opened, found)
    which = 0
    if count > 1:
        parts = output_breakdown_html.contributions(found)
        order = [int(one) for one in np.argsort(-np.abs(parts), kind="stable")]
        which = st.selectbox(
            "Input channel",
            order,
            key=f"{_KEY}_input_{opened.layer}_{opened.channel}_{found.at}",
            width=320,
            format_func=lambda one: f"{names[one]} adds {signed_number(float(parts[one]), 4)}",
            help="Whose window is shown; the one that adds most, or takes most away, is first.",
        )
    assert found.corner is not None
    top, left = found.corner
    source = "the image" if found.inputs[0] == "pixels" else found.inputs[0]
    st.html(output_breakdown_html.windows_html(found, which, f"{names[which]} of {source}"))
    padded = "" if found.inside is None or found.inside.all() else " Dashed positions are padding."
    st.caption(f"The window begins at row {top}, column {left} of {plain(source)}.{padded}")
    if found.products is None or found.type.endswith("Pooling2D"):
        st.html(output_breakdown_html.lines_html(output_breakdown_html.lines(found)))
        return
    st.markdown("**All input channels add up**" if count > 1 else "**The sum**")
    st.html(
        output_breakdown_html.lines_html(output_breakdown_html.lines(found, names, which))
        + output_breakdown_html.graph_html(found)
    )


def _channel_names(opened: Inspection, found: Breakdown) -> list[str]:
    assert found.channels is not None
    begin, end = found.channels
    before = opened.table[: [row.name for row in opened.table].index(opened.layer)]
    if opened.pixels.shape[3] == 3 == end - begin and all(row.type in _KEEPS_COLOURS for row in before):
        return list(output_breakdown_html.colour_names(opened.model.classifier.scale == "caffe"))
    return [f"Channel {one}" for one in range(begin, end)]


def _row_names(opened: Inspection, found: Breakdown, given: np.ndarray) -> list[str]:
    """What the numbers of a row are called: by their position in front of a Flatten, else by their index."""
    if found.products is None:
        return []
    before = next((row for row in opened.table if row.name == found.inputs[0]), None)
    at = [row.name for row in opened.table].index(before.name) if before is not None else 0
    if before is not None and before.type == "Flatten" and at:
        shape = opened.table[at - 1].shape
        if len(shape) == 3 and math.prod(shape) == given.shape[-1]:
            positions = np.unravel_index(np.arange(given.shape[-1]), shape)
            return [
                f"Row {y}, column {x}, channel {c}" for y, x, c in zip(*map(np.ndarray.tolist, positions), strict=True)
            ]
    return [f"Input {one}" for one in range(given.shape[-1])]


def _classes(opened: Inspection, count: int) -> list[str]:
    """The classes of the head that has so many, if there is only one such; else numbers."""
    found = [names for names in opened.model.classifier.classes.values() if len(names) == count]
    return list(found[0]) if len(found) == 1 else []
