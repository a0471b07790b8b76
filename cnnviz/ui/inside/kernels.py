"""The kernels of the open layer: every filter's weights for each of its inputs, in one image."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from cnnviz.errors import CnnvizError
from cnnviz.figures.kernels import Mosaic, colour_scale, grid_of, matrix_of, norm_bars, to_width
from cnnviz.figures.snapshots import mosaic_html
from cnnviz.files import npz_bytes
from cnnviz.images import to_png
from cnnviz.ui.components.clickable_image import clickable_image
from cnnviz.ui.download_button import download_button
from cnnviz.ui.file_names import file_name
from cnnviz.ui.inside.selection import Inspection, current_location, show
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import query_params
from cnnviz.ui.session.widget_sync import seed

if TYPE_CHECKING:
    from cnnviz.explain.inspection.kernels import Kernels

__all__ = ["kernel_of", "kernels_part"]

FILTERS, INPUTS, COLUMNS = 32, 64, 16
"""At most so many filters (those of one input apart, which are small) and inputs stand in one mosaic."""
_MOST_TILES = 256
_KEY = "inside_kernels"
_WITH_KERNELS = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose")
_ENDS = ((33, 102, 172), (247, 247, 247), (179, 88, 6))
_SMALL = 320


def kernels_part(opened: Inspection) -> None:
    """Draws the weights of the open layer's filters, or which layers have some."""
    if opened.row.type not in _WITH_KERNELS:
        _none(opened)
        return
    try:
        found = _kernels(opened, opened.source.stamp, opened.layer)
    except CnnvizError as error:
        st.error(plain(error), icon=":material/error:")
        return
    _part(opened, found)


@st.fragment
def _part(opened: Inspection, found: Kernels) -> None:
    """All of it; it reruns alone for another filter."""
    query_params.push_url_in_fragment()
    opened = replace(opened, channel=min(current_location().channel, opened.row.shape[-1] - 1))
    height, width, inputs, filters = found.values.shape
    st.caption(
        f"{filters:,} filters of {height} × {width} weights for each of {inputs:,} input{'s' * (inputs != 1)}. "
        f"{plain(found.remark)}",
        help="A filter responds strongly where its input looks like its kernel: strong where the weights are above 0, "
        "weak where they are below.",
    )
    as_colours, shown, scale = _choice(found)
    mosaic = _mosaic(found, shown, as_colours, scale)
    own, words = _own(opened, found), _words(mosaic)
    clickable_image(
        mosaic.image,
        (mosaic.rows, mosaic.columns),
        f"Kernels of {opened.layer}: {words}",
        key=f"{_KEY}_mosaic",
        marked=_position(mosaic, opened.channel) if own else None,
        whole_row=bool(mosaic.inputs[0] >= 0),
        width=_wide(mosaic),
        least=640 if mosaic.inputs[0] >= 0 else 0,
        labels=_labels(found, mosaic),
        on_click=lambda at: _take(mosaic, at) if own else None,
    )
    if as_colours:
        st.caption(
            "Grey: a weight of 0." + " Each filter by its own greatest weight." * (scale == "each"),
            help="A colour is what the filter looks for, its opposite what it avoids.",
        )
    else:
        st.html(colour_scale(*_ENDS, found.scale))
        st.caption(f"{words[:1].upper()}{words[1:]}.")
    left, right = st.columns([3, 2], gap="large")
    norms = found.norms
    with left:
        st.markdown("**Norms**")
        st.html(norm_bars(norms, opened.channel if own else -1))
        st.caption(
            f"From {norms.min():.3g} to {norms.max():.3g}; filters near 0 add little.",
            help="The root of the sum of all squared weights of each filter.",
        )
        _downloads(opened, found, mosaic)
    if own:
        with right:
            st.markdown(f"**Filter {opened.channel}**")
            kernel_of(opened, opened.channel)
            st.caption("Click a kernel above to see another.")


def kernel_of(opened: Inspection, channel: int) -> None:
    """Draws the kernel that makes a channel of the open layer; a sentence where it has none of its own."""
    if opened.row.type not in _WITH_KERNELS:
        st.caption(f"{plain(opened.layer)} ({plain(opened.row.type)}) has no kernels.")
        return
    try:
        found = _kernels(opened, opened.source.stamp, opened.layer)
    except CnnvizError as error:
        st.caption(plain(error))
        return
    if not _own(opened, found):
        st.caption("Each channel mixes all of the layer's kernels, so that it has none of its own.")
        return
    norm = f"norm {found.norms[channel]:.3g}"
    norm += f", bias {found.bias[channel]:.3g}".replace("-", "−") if found.bias is not None else ""
    if found.rgb:
        image = found.as_rgb(each=True)[channel]
        caption = f"Filter {channel} as colours: grey is 0; {norm}."
    else:
        by_input = found.norms_by_input[:, channel]
        order = np.argsort(-by_input, kind="stable")[:COLUMNS]
        tiles = _coloured(found.values[:, :, order, channel].transpose(2, 0, 1), found.scale)
        image = grid_of(tiles, order, 8).tight
        which = "its" if len(order) == len(by_input) else f"the {len(order)} strongest of {len(by_input):,}"
        number = ", ".join(str(int(found.inputs[one, channel])) for one in order[:4]) + " …" * (len(order) > 4)
        on = f"inputs, from the strongest on ({number})" if len(order) > 1 else f"input {number}"
        caption = f"Filter {channel} for {which} {on}; orange above 0, blue below; {norm}."
    st.html(
        mosaic_html(
            to_width(image, _SMALL),
            f"Kernel of channel {channel} of {opened.layer}",
            caption,
            min(_SMALL, max(120, 9 * image.shape[1])),
        )
    )


def _own(opened: Inspection, found: Kernels) -> bool:
    """Whether each filter makes a channel by itself."""
    return opened.row.type != "SeparableConv2D" and found.values.shape[3] == opened.row.shape[-1]


@st.cache_resource(show_spinner=False, max_entries=8)
def _kernels(_opened: Inspection, stamp: tuple, layer: str) -> Kernels:
    """Read only."""
    from cnnviz.explain.inspection.kernels import kernels  # loads TensorFlow

    with _opened.model.lock:
        return kernels(_opened.model.classifier, layer)


def _none(opened: Inspection) -> None:
    names = [row.name for row in opened.table if row.type in _WITH_KERNELS]
    at = [row.name for row in opened.table].index(opened.layer)
    before = [row.name for row in opened.table[:at] if row.type in _WITH_KERNELS]
    nearest = before[-1] if before else next(iter(names), None)
    st.info(
        f"{plain(opened.layer)} ({plain(opened.row.type)}) has no kernels; convolutions have some.",
        icon=":material/info:",
    )
    if nearest is not None:
        st.button(
            f"Open {plain(nearest)}",
            key=f"{_KEY}_nearest",
            on_click=show,
            args=(nearest,),
            help="Opens the convolution that is nearest before this layer.",
        )


def _choice(found: Kernels) -> tuple[bool, np.ndarray, str]:
    """Draws the choices; returns whether as colours, which filters are shown in order, and the colours' scale."""
    filters, single = found.values.shape[3], found.values.shape[2] == 1
    scale = ""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        as_colours = (
            found.rgb
            and st.segmented_control(
                "Show",
                ["colours", "inputs"],
                default="colours",
                key=f"{_KEY}_show",
                required=True,
                format_func={"colours": "As colours", "inputs": "Red, green, blue apart"}.__getitem__,
                help="The first layer sees the image's colours, so that its filters can be shown as colours.",
            )
            == "colours"
        )
        if as_colours:
            scale = st.segmented_control(
                "Scale",
                ["each", "layer"],
                default="each",
                key=f"{_KEY}_scale",
                required=True,
                format_func={"each": "Each filter its own", "layer": "One for the layer"}.__getitem__,
                help="One scale for the layer tells strong filters from weak ones; each its own shows more in all.",
            )
        strongest = (
            st.segmented_control(
                "Order",
                ["index", "norm"],
                default="index",
                key=f"{_KEY}_order",
                required=True,
                format_func={"index": "By index", "norm": "Strongest first"}.__getitem__,
                help="Filters in the model's order, or from the greatest norm on.",
            )
            == "norm"
        )
        order = np.argsort(-found.norms, kind="stable") if strongest else np.arange(filters)
        most = _MOST_TILES if as_colours or single else FILTERS
        pages = -(-filters // most)
        if pages > 1:
            page = min(st.session_state.get(f"{_KEY}_page", 1), pages)
            st.number_input(
                f"Page, of {pages}",
                1,
                pages,
                key=seed(f"{_KEY}_page", page),
                width=120,
                help=f"{most} filters are shown at a time.",
            )
            order = order[(page - 1) * most : page * most]
    return as_colours, order, scale


def _mosaic(found: Kernels, shown: np.ndarray, as_colours: bool, scale: str) -> Mosaic:
    if as_colours:
        return grid_of(found.as_rgb(each=scale == "each")[shown], shown, COLUMNS)
    values = found.values[..., shown]
    if values.shape[2] == 1:
        return grid_of(_coloured(values[:, :, 0].transpose(2, 0, 1), found.scale), shown, COLUMNS)
    inputs = np.arange(values.shape[2])
    if len(inputs) > INPUTS:
        strength = (found.norms_by_input.astype(np.float64) ** 2).sum(axis=1)
        inputs = np.sort(np.argsort(-strength, kind="stable")[:INPUTS])
    return matrix_of(_coloured(values[:, :, inputs].transpose(3, 2, 0, 1), found.scale), shown, inputs)


def _coloured(values: np.ndarray, scale: float) -> np.ndarray:
    """Weights (…, h, w) as uint8 (…, h, w, 3)."""
    from cnnviz.explain.inspection.kernels import levels, signed_colours  # loads TensorFlow

    return signed_colours(levels(values, scale))


def _words(mosaic: Mosaic) -> str:
    if mosaic.inputs[0] < 0:
        return "one kernel a filter, in rows"
    columns = len(set(mosaic.inputs.tolist()))
    return f"a row for each of {mosaic.rows} filters, a column for each of {columns} inputs"


def _wide(mosaic: Mosaic) -> int:
    """How wide it is on the page: small ones don't fill it."""
    side = mosaic.image.shape[1] / mosaic.columns
    return int(min(1100, max(200, mosaic.columns * max(17, min(56, 3 * side)))))


def _labels(found: Kernels, mosaic: Mosaic) -> list[str]:
    norms, by_input = found.norms, found.norms_by_input
    labels = []
    for filter, part in zip(mosaic.filters.tolist(), mosaic.inputs.tolist(), strict=True):
        if filter < 0:
            labels.append("")
        elif part < 0:
            labels.append(f"filter {filter}: norm {norms[filter]:.3g}")
        else:
            labels.append(f"filter {filter}, input {found.inputs[part, filter]}: norm {by_input[part, filter]:.3g}")
    return labels


def _position(mosaic: Mosaic, filter: int) -> tuple[int, int] | None:
    """Where a filter's tile, or the first of its row, is."""
    found = np.flatnonzero(mosaic.filters == filter)
    return divmod(int(found[0]), mosaic.columns) if len(found) else None


def _take(mosaic: Mosaic, at: tuple[int, int]) -> None:
    filter = int(mosaic.filters[at[0] * mosaic.columns + at[1]])
    if filter >= 0:
        show(channel=filter)


def _downloads(opened: Inspection, found: Kernels, mosaic: Mosaic) -> None:
    of = (opened.source.file_part, opened.layer)  # whatever the image
    with st.container(horizontal=True):
        download_button(
            "Image",
            lambda: to_png(to_width(mosaic.tight, 1600)),
            file_name(*of, "kernels", ending=".png"),
            icon=":material/image:",
            type="secondary",
            key=f"{_KEY}_png",
            help="The mosaic as a PNG image.",
        )
        download_button(
            "Weights",
            lambda: _weights(found),
            file_name(*of, "kernels", ending=".npz"),
            icon=":material/data_array:",
            type="secondary",
            key=f"{_KEY}_npz",
            help="All weights of the layer for NumPy: values (height, width, inputs, filters), inputs, and bias.",
        )


def _weights(found: Kernels) -> bytes:
    bias = {} if found.bias is None else {"bias": found.bias}
    return npz_bytes({"values": found.values, "inputs": found.inputs, **bias}, compressed=True)
