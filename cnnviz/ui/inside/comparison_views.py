"""Two sides of one layer on the Inside page: their images, predictions and channels, on one scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnnviz.augment.preview import display_size, image_bytes
from cnnviz.explain.inspection.channel_comparison import apart, both
from cnnviz.figures.channels import colour_bar, columns_of, on_page
from cnnviz.figures.html import render
from cnnviz.figures.prediction import top
from cnnviz.images import enlarge, fit
from cnnviz.mosaics import Shades, in_colours
from cnnviz.ui.components.clickable_image import clickable_image
from cnnviz.ui.inside.selection import current_location, show
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import query_params

__all__ = ["Side", "draw_comparison"]

_PAIR_SCALES = {"channel": "Each channel", "layer": "One for all", "each": "Each image"}
ORDERS = {"index": "By number", "apart": "What differs most"}
_KEY = "inside_beside"
_WIDTH, _SIDE, _IMAGE = 560, 300, 130


@dataclass(frozen=True, eq=False)
class Side:
    """One of two.

    Attributes:
        title: what it is called.
        seen: uint8 (h, w, c), the image.
        values: float32 (h, w, k), what the layer gives.
        layer: its name.
        predictions: for each head (class, probability 0..1) of the likeliest classes.
        note: a sentence on what of the layer is shown, or "".
    """

    title: str
    seen: np.ndarray
    values: np.ndarray
    layer: str
    predictions: dict[str, list[tuple[str, float]]]
    note: str = ""


@st.fragment
def draw_comparison(one: Side, other: Side, *, channels_match: bool) -> None:
    """Draws both side by side; it reruns alone for another channel.

    Args:
        one: on the left.
        other: on the right.
        channels_match: whether a channel of one is that of the other, as of the same model.
    """
    query_params.push_url_in_fragment()
    alike = channels_match and one.values.shape == other.values.shape
    count = one.values.shape[2]
    scales = list(_PAIR_SCALES) if alike else ["each", "layer"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        scale = st.segmented_control(
            "Scale",
            scales,
            default=scales[0],
            format_func=_PAIR_SCALES.__getitem__,
            required=True,
            key=f"{_KEY}_scale" if alike else f"{_KEY}_scale_apart",
            help="0 is dark. Each channel: brighter is stronger, left or right, within a channel. One for all: in all "
            "channels. Each image: every channel of it to its own greatest value, which shows its shape alone.",
        )
        order = "index"
        if alike and count > 1:
            order = st.segmented_control(
                "Order",
                list(ORDERS),
                default="apart",
                format_func=ORDERS.__getitem__,
                key=f"{_KEY}_order",
                required=True,
                help="What differs most: by the mean distance of both sides' values at the same position.",
            )
    distance = apart(one.values, other.values) if alike else None
    ranks = np.argsort(-distance, kind="stable") if order == "apart" and distance is not None else None
    pair = both(one.values, other.values, scale)
    channel = min(current_location().channel, count - 1) if distance is not None else None
    for column, side, drawn in zip(st.columns(2, gap="large"), (one, other), pair, strict=True):
        with column:
            _side(side, drawn, scale, ranks, channel, lambda at: show(channel=at), "left" if side is one else "right")
    if distance is None or channel is None:
        if not channels_match:
            st.caption("Channels with the same number have nothing to do with each other.")
        return
    if count > 1:
        most = [f"{at} ({distance[at]:.3g})" for at in np.argsort(-distance, kind="stable")[:5].tolist()]
        st.caption(
            f"Furthest apart: channels {', '.join(most)}.",
            help="In the mean over all positions; click one to see it large.",
        )
    _large((one, other), pair, channel)


def _side(
    side: Side,
    shaded: Shades,
    scale: str,
    ranks: np.ndarray | None,
    channel: int | None,
    take: Callable[[int], None],
    name: str,
) -> None:
    """One side: its image with the predictions, and all channels."""
    st.markdown(f"**{plain(side.title)}**")
    image, words = st.columns([1, 2], vertical_alignment="center")
    height, width = side.seen.shape[:2]
    shown = fit(side.seen, display_size(side.seen.shape, _SIDE), channels=side.seen.shape[2])
    image.image(
        image_bytes(shown),
        width=max(40, min(_IMAGE, round(_IMAGE * width / height))),
        alt=f"The image as it is seen: {side.title}",
    )
    several = len(side.predictions) > 1
    predictions = [(head if several else "", top(rows)) for head, rows in side.predictions.items()]
    words.html(render("predictions_beside.html", predictions=predictions))
    shape = shaded.levels.shape
    count, columns = shape[2], columns_of(shape, 1.3)
    order = np.arange(count) if ranks is None else ranks
    silent = side.values.reshape(-1, count).max(axis=0) <= 0
    marked = None if channel is None else divmod(int(np.flatnonzero(order == channel)[0]), columns)

    def took(at: tuple[int, int]) -> None:
        nth = at[0] * columns + at[1]
        if channel is not None and nth < count:
            take(int(order[nth]))

    means = side.values.mean(axis=(0, 1))
    clickable_image(
        on_page(shaded.levels, order, columns, "viridis", silent),
        (-(-count // columns), columns),
        f"The {count:,} channels of {side.layer}: {side.title}",
        key=f"{_KEY}_{name}",
        on_click=took,
        marked=marked,
        width=_WIDTH,
        labels=[f"Channel {at}: mean {means[at]:.3g}" for at in order.tolist()],
    )
    ends = {"channel": ("0", "its greatest, left or right"), "each": ("0", "its greatest")}.get(scale)
    st.html(colour_bar(shaded, range(count), "viridis", ends if count > 1 else None))
    quiet = int(silent.sum())
    st.caption(
        f"{plain(side.layer)}: {count:,} channels, {shape[0]} × {shape[1]}, mean {side.values.mean():.3g}."
        + side.note
        + (f" Crossed out: {quiet:,} nowhere above 0." if quiet else "")
    )


def _large(sides: tuple[Side, Side], pair: tuple[Shades, Shades], channel: int) -> None:
    """One channel of both, in the colours that it has among the others."""
    st.markdown(f"**Channel {channel}**")
    for column, side, shaded in zip(st.columns(2, gap="large"), sides, pair, strict=True):
        plane = side.values[..., channel]
        large = in_colours(shaded.levels[..., channel])
        large = enlarge(large, _SIDE // max(large.shape[:2]))
        column.image(
            large,
            width=min(_SIDE, large.shape[1]),
            output_format="PNG",
            alt=f"Channel {channel} of {side.layer}: {side.title}",
        )
        column.html(colour_bar(shaded, [channel], "viridis"))
        column.caption(f"{plain(side.title)}: from {plane.min():.3g} to {plane.max():.3g}, mean {plane.mean():.3g}.")
