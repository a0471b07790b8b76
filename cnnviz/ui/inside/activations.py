"""Inside: every channel of the open layer in one image; a click on one opens it beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import streamlit as st

from cnnviz import images
from cnnviz.figures.channels import colour_bar, columns_of, on_page, spread, tight
from cnnviz.files import npy_bytes
from cnnviz.mosaics import COLOUR_SCALES, Shades, shades
from cnnviz.overlay import COLOUR_MAPS
from cnnviz.probabilities import percent
from cnnviz.ui.components.clickable_image import Encoded, clickable_image, encode_image
from cnnviz.ui.components.probability_bars import probability_bars
from cnnviz.ui.download_button import download_button
from cnnviz.ui.file_names import file_name
from cnnviz.ui.inside.activation_cache import cached_value, layer_values
from cnnviz.ui.inside.channel import channel_part, unit_name
from cnnviz.ui.inside.layer_blocks import size
from cnnviz.ui.inside.selection import Inspection, current_location, show
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import query_params

__all__ = ["activations_part", "class_probabilities"]

ORDERS = {"index": "By number", "strength": "Strongest first"}
_WIDTH = 760  # of a mosaic, in pixels
_VALUE = 72  # of the tile of a channel that is a single value
MOST_CLASSES = 20
"""So many bars are drawn at most."""
_FEWEST = 20
"""Fewer values that are not 0 have no histogram."""


def activations_part(opened: Inspection) -> None:
    """Draws the part. It reruns alone when another channel is opened: what the layer gives is kept."""
    values = layer_values(opened, opened.layer)
    if isinstance(values, str):
        st.error(plain(values), icon=":material/error:")
    elif values is not None and values.ndim not in (1, 2, 3):
        st.info(f"This layer gives {size(values.shape)} for an image, which can't be drawn as maps.")
    elif values is not None:
        if not current_location().chosen:
            show(channel=int(_ordered(values, "strength")[0]))
            query_params.replace_silently("channel")
        _part(opened, values)


@st.fragment
def _part(opened: Inspection, values: np.ndarray) -> None:
    query_params.push_url_in_fragment()
    opened = replace(opened, channel=min(current_location().channel, values.shape[-1] - 1))
    left, right = st.columns([3, 2], gap="large")
    if rows := class_probabilities(opened, values):
        with left:
            _bars(opened, rows)
            _values_button(opened, values)
        with right:
            channel_part(opened, values, shades(values, "each"))
        return
    with right:
        scale, order, colour_map = _choices()
    with left:
        shaded = cached_value((*opened.identity, opened.layer, "shades", scale), lambda: shades(values, scale))
        _mosaic(opened, values, shaded, scale, order, colour_map)
        _figures(opened, values)
        _downloads(opened, values, shaded, order, colour_map)
    with right:
        channel_part(opened, values, shaded, colour_map)


def class_probabilities(opened: Inspection, values: np.ndarray) -> list[tuple[int, str, float]]:
    """Returns the unit, the name and the probability of each class where the open layer gives those; else nothing.

    In the classes' order; of more than `MOST_CLASSES` the likeliest first. A single sigmoid is two classes of one unit.

    Args:
        opened: what is open.
        values: what the layer gives, float32.
    """
    classes = opened.model.classifier.classes.get(opened.layer, ())
    if values.ndim != 1 or len(classes) < 2 or values.min() < 0 or values.max() > 1:
        return []
    if len(values) == 1 and len(classes) == 2:
        return [(0, classes[0], 1 - float(values[0])), (0, classes[1], float(values[0]))]
    if len(values) != len(classes) or abs(float(values.sum()) - 1) > 1e-3:
        return []
    order = range(len(values)) if len(values) <= MOST_CLASSES else np.argsort(-values, kind="stable")[:MOST_CLASSES]
    return [(int(unit), classes[unit], float(values[unit])) for unit in order]


def _bars(opened: Inspection, rows: list[tuple[int, str, float]]) -> None:
    units, count = [unit for unit, _, _ in rows], len(opened.model.classifier.classes[opened.layer])
    what = f"The {count:,} probabilities of {opened.layer}"
    probability_bars(
        [(name, share) for _, name, share in rows],
        f"{what}, for {opened.image.title}",
        key="inside_bars",
        on_click=lambda nth: show(channel=units[nth]),
        marked=units.index(opened.channel) if opened.channel in units and len(set(units)) > 1 else None,
    )
    most = f", the {len(rows)} likeliest" if len(rows) < count else ""
    st.caption(f"**{plain(what)}**{most}.")


def _choices() -> tuple[str, str, str]:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="inside_mosaic_choices"):
        scale = st.selectbox(
            "Scale",
            list(COLOUR_SCALES),
            format_func=COLOUR_SCALES.__getitem__,
            key="inside_scale",
            persist_state="session",
            width=150,
            help="Each by itself: from 0, which is dark, to the channel's greatest value; weak channels then look like "
            "strong ones. One scale: to the layer's greatest value, so that channels can be compared. Standardised, as "
            "in the tutorial: minus the channel's mean, over its standard deviation; 0 then has another colour in "
            "every channel.",
        )
        order = st.selectbox(
            "Order",
            list(ORDERS),
            format_func=ORDERS.__getitem__,
            key="inside_order",
            persist_state="session",
            width=160,
            help="Strongest first: by the mean over all positions, for this image.",
        )
        colour_map = st.selectbox(
            "Colours",
            list(COLOUR_MAPS),
            format_func=str.capitalize,
            key="inside_colours",
            persist_state="session",
            width=120,
            help="Viridis grows evenly lighter, also in grey and for colour-blind eyes.",
        )
    return scale, order, colour_map


def _ordered(values: np.ndarray, order: str) -> np.ndarray:
    """The channels in the order of the mosaic; by their mean, the greatest first, as `activations.strongest`."""
    if order == "index":
        return np.arange(values.shape[-1])
    strength = values.reshape(-1, values.shape[-1]).mean(axis=0, dtype=np.float64)
    return np.argsort(-strength.astype(np.float32), kind="stable")


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A mosaic for the page: the image, which channel each tile is, what is said of each, and how many are silent."""

    image: Encoded
    order: np.ndarray
    labels: list[str]
    silent: int

    @property
    def nbytes(self) -> int:
        return len(self.image.url)


def _mosaic(opened: Inspection, values: np.ndarray, shaded: Shades, scale: str, order: str, colour_map: str) -> None:
    columns, count = columns_of(values.shape), values.shape[-1]
    key = (*opened.identity, opened.layer, "mosaic", scale, order, colour_map)
    drawn: _Drawn = cached_value(key, lambda: _drawn(values, shaded, order, colour_map, partial(unit_name, opened)))

    def take(tile: tuple[int, int]) -> None:
        nth = tile[0] * columns + tile[1]
        if nth < count:
            show(channel=int(drawn.order[nth]))

    at = int(np.flatnonzero(drawn.order == opened.channel)[0])
    one = "channel" if values.ndim > 1 else "value"
    what = f"The {f'{count:,} {one}s' if count > 1 else f'only {one}'} of {opened.layer}"
    single = values.size == count  # channels of one position are on one scale whatever was chosen
    clickable_image(
        drawn.image,
        (-(-count // columns), columns),
        f"{what}, for {opened.image.title}",
        key="inside_mosaic",
        on_click=take,
        marked=divmod(at, columns),
        labels=drawn.labels,
        width=min(_WIDTH, _VALUE * columns) if single else _WIDTH,
    )
    quiet = drawn.silent
    scale = "one" if single else scale
    ends = {"each": ("0", "its greatest"), "standardised": ("its mean − 2 σ", "its mean + 2 σ")}.get(scale)
    st.html(colour_bar(shaded, range(count), colour_map, ends if count > 1 else None))
    st.caption(
        f"**{plain(what)}**, {COLOUR_SCALES[scale].lower()}"
        f"{', strongest first' if order == 'strength' else ''}{'. A click opens one.' if count > 1 else '.'}"
        + (f" Crossed out: {quiet:,} that {'is' if quiet == 1 else 'are'} 0 everywhere here." if quiet else "")
    )


def _drawn(values: np.ndarray, shaded: Shades, order: str, colour_map: str, unit_name: Callable[[int], str]) -> _Drawn:
    flat, chosen = values.reshape(-1, values.shape[-1]), _ordered(values, order)
    low, high = flat.min(axis=0), flat.max(axis=0)
    silent = (low == 0) & (high == 0)
    image = on_page(shaded.levels, chosen, columns_of(values.shape), colour_map, silent)
    labels = [
        f"Channel {one}: {low[one]:.3g} to {high[one]:.3g}" if len(flat) > 1 else f"{unit_name(one)}: {high[one]:.4g}"
        for one in chosen.tolist()
    ]
    return _Drawn(encode_image(image), chosen, labels, int(silent.sum()))


def _figures(opened: Inspection, values: np.ndarray) -> None:
    """How the layer's values are spread, and how many are exactly 0."""
    bars, words = cached_value((*opened.identity, opened.layer, "figures"), lambda: _told(values))
    left, right = st.columns(2, vertical_alignment="center")
    if bars:
        left.html(bars)
    right.caption(words)


def _told(values: np.ndarray) -> tuple[str, str]:
    """The histogram of the values that are not 0, "" for few of them, and the figures in words."""
    from cnnviz.explain.inspection.activations import histogram

    zeros, bars = 1 - np.count_nonzero(values) / values.size, ""
    rest = values[values != 0]
    if rest.size >= _FEWEST:
        counts, edges = histogram(rest)
        alt = f"Histogram of the values that are not 0, from {edges[0]:.3g} to {edges[-1]:.3g}"
        bars = spread(counts, edges, alt)
    sparse = f" **{percent(zeros)}** of them are exactly 0." if zeros else ""
    what = f"{values.size:,} value{'s' * (values.size != 1)}"
    words = f"{what}, mean {values.mean():.3g}, from {values.min():.3g} to {values.max():.3g}.{sparse}"
    others = " of the others" if zeros else ""
    return bars, words + (f" Bars{others}: as high as the square roots of the counts." if bars else "")


def _downloads(opened: Inspection, values: np.ndarray, shaded: Shades, order: str, colour_map: str) -> None:
    def image() -> bytes:
        return images.to_png(tight(shaded.levels, _ordered(values, order), columns_of(values.shape), colour_map))

    with st.container(horizontal=True, gap="small"):
        download_button(
            "Mosaic",
            image,
            file_name(*opened.names, "activations", ending=".png"),
            key="inside_mosaic_png",
            help="All channels with all their pixels, as PNG.",
        )
        _values_button(opened, values)


def _values_button(opened: Inspection, values: np.ndarray) -> None:
    download_button(
        "Values",
        partial(npy_bytes, values),
        file_name(*opened.names, "activations", ending=".npy"),
        key="inside_mosaic_npy",
        help="What the layer gives as a NumPy file: float32, height × width × channels, not scaled.",
    )
