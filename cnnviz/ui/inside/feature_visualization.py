"""Inside: what each filter looks for, as images made by gradient ascent, seen while they are being made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from cnnviz import images
from cnnviz.augment.preview import display_size, image_bytes
from cnnviz.errors import CnnvizError
from cnnviz.explain.feature_visualization.modes import DEFAULT, MODES
from cnnviz.figures.feature_visualization import COLUMNS, grid, on_page
from cnnviz.mosaics import even_columns
from cnnviz.ui.components.clickable_image import clickable_image
from cnnviz.ui.download_button import download_button
from cnnviz.ui.file_names import file_name
from cnnviz.ui.inside.feature_visualization_job import (
    Tile,
    count_of,
    ended_visualization,
    growing,
    settings_of,
    start,
    tiles,
)
from cnnviz.ui.inside.feature_visualization_text import caption, promise, said_of
from cnnviz.ui.inside.selection import show
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import background_job
from cnnviz.ui.session.widget_sync import seed

if TYPE_CHECKING:
    from cnnviz.explain.feature_visualization.patterns import Settings
    from cnnviz.ui.inside.selection import Inspection

__all__ = ["feature_visualization_part", "visualization_of_channel"]

MOST = 64
"""So many patterns are made and shown at a time, 8 × 8."""
SECONDS = 0.5
LARGEST, WIDEST = 1100, 700
"""Larger grids are made smaller to be shown; so many pixels on the page is one at most."""
_STOPPED = "Stopped. What was whole by then stays; the others are as far as they came."
_WORK, _AT, _CHANNEL = "inside_patterns", "inside_patterns_at", "inside_patterns_channel"


def feature_visualization_part(opened: Inspection) -> None:
    """Draws the part; nothing is made before a person asks for it."""
    count = count_of(opened)
    if not count:
        st.info(_no_channels(opened), icon=":material/info:")
        return
    left, middle, right = st.columns([3, 7, 3], gap="medium")
    try:
        with left:
            settings, filters = _settings(opened, count)
        with middle:
            _made(opened, settings, filters)
        with right:
            _large_of(opened, settings, count)
    except CnnvizError as error:
        st.error(plain(error), icon=":material/error:")


def visualization_of_channel(opened: Inspection, channel: int) -> None:
    """Draws a channel's pattern with the settings chosen last; where there is none yet, a button that makes it."""
    if not 0 <= channel < count_of(opened):
        st.caption(_no_channels(opened))
        return
    try:
        settings = settings_of(opened)
        background_job.say_end(ended_visualization(_WORK), _STOPPED)
        tile = tiles(opened, settings, [channel]).get(channel)
        if tile is not None and tile.steps:
            _large(opened, channel, tile, settings)
        whole = tile is not None and tile.steps >= settings.steps
        if not whole and not background_job.has_job(_WORK):
            st.button(
                "Visualize it",
                icon=":material/auto_awesome:",
                key="inside_pattern_make",
                on_click=start,
                args=(_WORK, opened, settings, [channel]),
                help=f"An image that activates this channel most, by {settings.steps} steps from grey noise. "
                "Feature visualization has all channels, and the settings.",
            )
    except CnnvizError as error:
        st.error(plain(error), icon=":material/error:")


def _no_channels(opened: Inspection) -> str:
    shape = " × ".join(map(str, opened.row.shape))
    return f"{plain(opened.layer)} gives {shape} numbers, which are no channels: open a convolution."


def _settings(opened: Inspection, count: int) -> tuple[Settings, range]:
    from cnnviz.explain.feature_visualization.patterns import usual_size

    mode = st.segmented_control(
        "Mode",
        list(MODES),
        format_func=lambda mode: MODES[mode].title,
        default=DEFAULT,
        required=True,
        key="inside_patterns_mode",
        persist_state="session",
        help=" ".join(f"**{mode.title}:** {mode.description}" for mode in MODES.values()),
    )
    with st.container(horizontal=True):
        st.number_input(
            "Steps",
            1,
            2000,
            MODES[mode].steps,
            key=f"inside_patterns_steps_{mode}",
            persist_state="session",
            width=120,
            help="How many steps of gradient ascent.",
        )
        st.number_input(
            "Step size",
            0.1,
            20.0,
            MODES[mode].step,
            0.5,
            format="%.1f",
            key=f"inside_patterns_step_{mode}",
            persist_state="session",
            width=120,
            help="How far each step goes.",
        )
        st.number_input(
            "Size",
            8,
            512,
            usual_size(opened.model.classifier, opened.layer),
            8,
            persist_state="session",
            width=120,
            key=f"inside_patterns_size_{opened.layer}",
            help="Each image's side in pixels. At first 64, or more "
            "where the layer's filters see more of an image than that.",
        )
    first, starts = 0, list(range(0, count, MOST))
    if len(starts) > 1:
        first = st.selectbox(
            "Channels",
            starts,
            persist_state="session",
            key=_page(opened),
            width=200,
            format_func=lambda at: f"{at} to {min(at + MOST, count) - 1}",
            help=f"{MOST} of the layer's {count:,} channels are shown at a time.",
        )
    return settings_of(opened), range(first, min(first + MOST, count))


def _page(opened: Inspection) -> str:
    """The key of the choice of channels; it goes to the open channel when that changes."""
    key, at = f"inside_patterns_page_{opened.layer}", (opened.layer, opened.channel)
    if key not in st.session_state or st.session_state.get(_AT) != at:
        st.session_state[key] = opened.channel // MOST * MOST
    st.session_state[_AT] = at
    return key


def _made(opened: Inspection, settings: Settings, filters: range) -> None:
    """The button, the bar and the grid."""
    place = st.container()
    with place:
        background_job.say_end(ended_visualization(_WORK), _STOPPED)
    there = tiles(opened, settings, filters)
    missing = sum(one not in there or there[one].steps < settings.steps for one in filters)
    if missing and not growing(opened, settings):
        with place:
            st.button(
                f"Make {missing} patterns" if missing == len(filters) else f"Make the {missing} that are missing",
                icon=":material/auto_awesome:",
                type="primary",
                key="inside_patterns_make",
                on_click=start,
                args=(_WORK, opened, settings, filters),
                help="They are shown while they are being made, and can be stopped. "
                + (
                    "What is whole is kept with the run."
                    if opened.source.run is not None
                    else "They are kept for this visit only, as this model is of no run."
                ),
            )
    draw = st.fragment(run_every=SECONDS)(_grid) if growing(opened, settings) else _grid  # a click is for the page
    draw(opened, settings, filters)


def _grid(opened: Inspection, settings: Settings, filters: range) -> None:
    there = tiles(opened, settings, filters)
    if not there:
        st.caption(promise(opened, settings))
        return
    side, channels = next(iter(there.values())).image.shape[1:]
    empty = np.zeros((side, side, channels), np.uint8)
    last = max(there)
    shown = [one for one in filters if one <= last]  # no rows of nothing after those that are there
    image = grid(np.stack([there[one].image if one in there else empty for one in shown]))
    words = [said_of(opened, one, there.get(one), settings) for one in shown]
    alt = f"Feature visualizations of {opened.layer}, channels {filters[0]} to {filters[-1]}"
    marked = shown.index(opened.channel) if opened.channel in shown else None
    told = caption(opened, settings, filters, there)
    if growing(opened, settings):
        st.html(on_page(image_bytes(image), image.shape, words, side=side, alt=alt, marked=marked))
        st.caption(told)
    else:
        _to_click(image, shown, words, alt, marked)
        st.caption(f"{told} A click on an image opens its channel.")
        download_button(
            "Grid",
            partial(images.to_png, image),
            file_name(
                opened.source.file_part,
                opened.layer,
                "patterns",
                settings.mode,
                f"{shown[0]}-{shown[-1]}",
                ending=".png",
            ),
            key="inside_patterns_png",
            help="The grid as PNG. `python -m cnnviz patterns RUN LAYER --out FILE` makes it, too.",
        )


def _to_click(image: np.ndarray, shown: Sequence[int], words: Sequence[str], alt: str, marked: int | None) -> None:
    """The grid, in which a click opens a channel; margins are narrow enough for positions of equal size."""
    columns = even_columns(len(shown), COLUMNS)
    rows = -(-len(shown) // columns)

    def chosen(place: tuple[int, int]) -> None:
        at = place[0] * columns + place[1]
        if at < len(shown):
            show(channel=shown[at])

    clickable_image(
        images.fit(image, display_size(image.shape, LARGEST)),
        (rows, columns),
        alt,
        key="inside_patterns_grid",
        on_click=chosen,
        marked=None if marked is None else divmod(marked, columns),
        width=min(2 * image.shape[1], WIDEST),
        labels=words,
    )


def _large_of(opened: Inspection, settings: Settings, count: int) -> None:
    """The choice of a channel, and its pattern under the settings once it is whole."""
    st.number_input(
        "Channel",
        0,
        max(1, count - 1),
        key=seed(_CHANNEL, opened.channel),
        width=140,
        disabled=count < 2,
        on_change=lambda: show(channel=st.session_state[_CHANNEL]),
        help=f"Which of the {count:,} channels is open: it has a frame in the grid, and stands here large.",
    )
    tile = tiles(opened, settings, [opened.channel]).get(opened.channel)
    if tile is not None and tile.steps >= settings.steps:
        _large(opened, opened.channel, tile, settings)


def _large(opened: Inspection, channel: int, tile: Tile, settings: Settings) -> None:
    words = said_of(opened, channel, tile, settings)
    st.image(
        image_bytes(tile.image),
        caption=plain(words),
        width="stretch",
        alt=f"Feature visualization of channel {channel}",
    )
