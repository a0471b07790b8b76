"""Inside: everything about one channel of the open layer, beside the mosaic of all of them."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
import streamlit as st

from cnnviz import images
from cnnviz.augment.preview import image_bytes
from cnnviz.errors import CnnvizError
from cnnviz.figures.channels import colour_bar
from cnnviz.figures.tiles import tiles
from cnnviz.files import npy_bytes
from cnnviz.mosaics import Shades, channel_maps, in_colours
from cnnviz.overlay import overlay
from cnnviz.probabilities import percent
from cnnviz.ui.components.value_inspector import peek
from cnnviz.ui.download_button import download_button
from cnnviz.ui.file_names import file_name
from cnnviz.ui.inputs.input_image import base
from cnnviz.ui.inside.feature_visualization import visualization_of_channel
from cnnviz.ui.inside.kernels import kernel_of
from cnnviz.ui.inside.selection import Inspection, show
from cnnviz.ui.markdown import plain
from cnnviz.ui.session.widget_sync import seed

__all__ = ["channel_part", "peaks_of", "unit_name"]

STRONGEST = 6
_LARGE, _TILE, _OPACITY = 480, 84, 0.55
_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D")


def channel_part(opened: Inspection, values: np.ndarray, shaded: Shades, colour_map: str = "viridis") -> None:
    """Draws the open channel, in the colours that it has among the others.

    Args:
        opened: what is open.
        values: what the layer gives, float32 (h, w, k), (n, k) or (k,).
        shaded: its colours.
        colour_map: of `overlay.COLOUR_MAPS`.
    """
    count = values.shape[-1]
    _number(opened, count, "channel" if values.ndim > 1 else "unit")
    if values.ndim == 1:
        _unit(opened, values)
        return
    plane = np.ascontiguousarray(channel_maps(values)[..., opened.channel])
    small = in_colours(channel_maps(shaded.levels)[..., opened.channel], colour_map)
    image = images.enlarge(small, 240 // max(small.shape[:2]))
    _images(opened, plane, image, shaded, colour_map)
    _strongest(opened, plane)
    _downloads(opened, plane, image)
    _filter(opened)


def _number(opened: Inspection, count: int, what: str) -> None:
    st.number_input(
        f"{what.capitalize()}, 0 to {count - 1}",
        0,
        max(1, count - 1),
        width=260,
        key=seed("inside_channel", opened.channel),
        disabled=count == 1,
        on_change=lambda: show(channel=st.session_state["inside_channel"]),
        help=f"Opens a {what} by its number; a click on the mosaic does the same.",
    )


def _unit(opened: Inspection, values: np.ndarray) -> None:
    """A value of a layer that gives one row of them, among the others."""
    value = float(values[opened.channel])
    rank = int((values > value).sum()) + 1
    name = plain(unit_name(opened, opened.channel))
    st.metric(name, f"{value:.4g}", help="What this unit gives for the image.")
    st.caption(f"Number {rank:,} of {len(values):,}, from the greatest on.")


def unit_name(opened: Inspection, unit: int) -> str:
    """Returns what a unit is called; one of a head's probabilities by its class."""
    classes = opened.model.classifier.classes.get(opened.layer, ())
    return f"Unit {unit}, {classes[unit]}" if len(classes) == opened.row.shape[-1] else f"Unit {unit}"


def _images(opened: Inspection, plane: np.ndarray, large: np.ndarray, shaded: Shades, colour_map: str) -> None:
    name = f"Channel {opened.channel} of {opened.layer}"
    low, high = float(plane.min()), float(plane.max())
    images = [(large, f"{name}, for {opened.image.title}", f"{plane.shape[0]} × {plane.shape[1]} values")]
    if _in_place(opened, plane):
        classifier = opened.model.classifier
        under = base(opened.image, classifier.image_size, classifier.crop, _LARGE)
        full = float(shaded.high[opened.channel]) if shaded.from_zero else None
        over = overlay(under, np.maximum(plane, 0), _OPACITY, colour_map, full) if high > 0 else under
        images.append((over, f"{name} over {opened.image.title}", "over the image" if high > 0 else "the image"))
    peek(plane, images, key="inside_peek", said=", the greatest", width=_LARGE)
    st.html(colour_bar(shaded, [opened.channel], colour_map))
    zeros = 1 - np.count_nonzero(plane) / plane.size
    told = f"From {low:.3g} to {high:.3g}, mean {plane.mean():.3g}"
    st.caption(
        (f"{told}; {percent(zeros)} are exactly 0." if zeros else f"{told}.")
        + (" Negative values are not laid over the image." if low < 0 < high else "")
        + (" Nothing is above 0, and nothing is laid over the image." if high <= 0 else "")
    )


def _in_place(opened: Inspection, plane: np.ndarray) -> bool:
    """Whether the channel's rows and columns are the image's."""
    return len(opened.row.shape) == 3 and plane.size > 1


def _strongest(opened: Inspection, plane: np.ndarray) -> None:
    """What the model sees at the channel's strongest positions, as wide as one value depends on it."""
    if not _in_place(opened, plane) or opened.row.everything or not any(opened.row.size):
        return
    from cnnviz.explain.inspection.receptive_field import fields

    try:
        with opened.model.lock:
            field = fields(opened.model.classifier)[opened.layer]
    except CnnvizError as error:
        st.caption(plain(error))
        return
    found = []
    for row, column in peaks_of(plane, STRONGEST):
        top, left, height, width = field.box(row, column)
        if height and width:
            crop = np.ascontiguousarray(opened.seen[top : top + height, left : left + width])
            caption = f"{plane[row, column]:.3g}"
            alt = f"Row {row}, column {column} of channel {opened.channel}, where its value is {caption}"
            found.append((image_bytes(_square(crop), _TILE), caption, alt))
    if found:
        high, wide = opened.row.size
        st.markdown("**Its strongest positions**")
        st.html(tiles(found, _TILE - 12))
        st.caption(f"What the model sees there: {high} × {wide} of its pixels for each value.")


def peaks_of(plane: np.ndarray, count: int) -> list[tuple[int, int]]:
    """Returns the (row, column) of the greatest values above 0 that are no neighbours of a greater one's position.

    At most `count`, the greatest first. A position's neighbourhood is an eighth of the map's sides, at least one
    position.
    """
    left = plane.astype(np.float32, copy=True)
    found: list[tuple[int, int]] = []
    reach = [max(1, side // 8) for side in plane.shape]
    while len(found) < count:
        row, column = map(int, np.unravel_index(int(np.argmax(left)), left.shape))
        if not left[row, column] > 0:
            break
        found.append((row, column))
        left[max(0, row - reach[0]) : row + reach[0] + 1, max(0, column - reach[1]) : column + reach[1] + 1] = -np.inf
    return found


def _square(crop: np.ndarray) -> np.ndarray:
    """A crop on a grey square, so that those at the border are as large as all others."""
    side = max(crop.shape[:2])
    made = np.full((side, side, crop.shape[2]), 128, np.uint8)
    top, left = (side - crop.shape[0]) // 2, (side - crop.shape[1]) // 2
    made[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
    if side > 2 * _TILE:
        made = cv2.resize(made, (2 * _TILE, 2 * _TILE), interpolation=cv2.INTER_AREA).reshape(2 * _TILE, 2 * _TILE, -1)
    return made


def _filter(opened: Inspection) -> None:
    """The weights that make the channel, and the image that it responds to most strongly."""
    if opened.row.type.startswith(_CONVOLUTIONS):
        st.markdown("**Its kernel**")
        kernel_of(opened, opened.channel)
    if len(opened.row.shape) == 3:
        st.markdown("**Feature visualization**")
        visualization_of_channel(opened, opened.channel)


def _downloads(opened: Inspection, plane: np.ndarray, image: np.ndarray) -> None:
    of = opened.names
    with st.container(horizontal=True, gap="small"):
        download_button(
            "Channel",
            partial(images.to_png, image),
            file_name(*of, f"channel {opened.channel}", ending=".png"),
            key="inside_channel_png",
            help="This channel as PNG, in these colours.",
        )
        download_button(
            "Its values",
            partial(npy_bytes, plane),
            file_name(*of, f"channel {opened.channel}", ending=".npy"),
            key="inside_channel_npy",
            help="As a NumPy file: float32, not scaled.",
        )
