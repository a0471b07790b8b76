"""The right part of the Augment page: one image as the policy makes it, in four views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnnviz import augment
from cnnviz.augment.preview import DISPLAY, display_size, draws, image_bytes, mark_filled, short_caption, wipe
from cnnviz.errors import CnnvizError
from cnnviz.images import Crop, fit, with_channels
from cnnviz.policy import STEPS, Policy, Step
from cnnviz.recipe import Data
from cnnviz.ui.inputs.image_picker import companions
from cnnviz.ui.inputs.input_image import InputImage
from cnnviz.ui.markdown import plain

__all__ = ["values_along", "views"]

DRAWS = 9
LARGE = 900
HIGHEST = 460
COMPANIONS = 3
MOST_EPOCHS = 1_000_000
STRIP = 7
GRID, STRIPS, PAIR, WIPE = "Grid", "One step from low to high", "Two images × five", "Before and after"
_NUMBERS, _VIEW = "augment_numbers", "augment_view"

Tile = tuple[bytes, str, str]  # a file, the caption, and the same in full


def views(image: InputImage, policy: Policy, data: Data | None) -> None:
    """Draws the choice of a view, and the view.

    Args:
        data: what the Train page's model takes, to show the image at that size; `None` where that isn't known.
    """
    for step in policy.steps:
        if image.dataset is not None and step.type in image.dataset.unsafe_steps:
            message = f"{STEPS[step.type].title}: {image.dataset.unsafe_steps[step.type]}"
            st.warning(plain(message), icon=":material/warning:")
    st.segmented_control(
        "View",
        [GRID, STRIPS, PAIR, WIPE],
        default=GRID,
        required=True,
        key=_VIEW,
        persist_state="session",
        label_visibility="collapsed",
        help="The same draws in another arrangement.",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        seed, epoch = _numbers() if st.session_state[_VIEW] != STRIPS else (0, 0)
        mark = st.toggle(
            "Mark filled pixels",
            key="augment_mark",
            persist_state="session",
            help="Stripes show which pixels the image itself doesn't have.",
        )
        small = data is not None and st.toggle(
            f"At {data.image_size[0]} × {data.image_size[1]}",
            key="augment_small",
            persist_state="session",
            help="The size, colours and crop that the model on the Train page takes, as a worker makes them.",
        )
    try:
        show = {GRID: _grid, STRIPS: _strips, PAIR: _pair, WIPE: _before_and_after}[st.session_state[_VIEW]]
        show(image, policy, seed, epoch, mark, data if small else None)
    except CnnvizError as error:
        st.error(plain(error), icon=":material/error:")


def _numbers() -> tuple[int, int]:
    """Draws what the draws are keyed by; returns the seed, and the first epoch counted from 0."""
    st.button(
        "Draw again",
        icon=":material/casino:",
        key="augment_again",
        on_click=_again,
        help="Draws for the next epochs, as a training would go on.",
    )
    numbers: _Numbers = st.session_state.setdefault(_NUMBERS, _Numbers())
    count = {GRID: DRAWS, PAIR: 5}.get(st.session_state[_VIEW], 1)
    last = f"–{numbers.epoch + count - 1:,}" if count > 1 else ""
    words = f"Epoch{'s' * (count > 1)} {numbers.epoch:,}{last} · seed {numbers.seed}"
    with st.popover(words, type="tertiary", help="What the draws are keyed by."):
        _number(
            numbers, "epoch", "From epoch", 1, MOST_EPOCHS, "Which epochs of a training are shown; each draws anew."
        )
        _number(
            numbers,
            "seed",
            "Seed",
            0,
            2**32 - 1,
            "As the recipe's seed: the same seed, epoch and image give the same draw, here and in training.",
        )
    return numbers.seed, numbers.epoch - 1


@dataclass
class _Numbers:
    """What draws are keyed by; epochs are counted from 1. `turn` makes new fields of those that a button has set."""

    epoch: int = 1
    seed: int = 0
    turn: int = 0


def _number(numbers: _Numbers, name: str, label: str, low: int, high: int, words: str) -> None:
    key = f"augment_{name}_{numbers.turn}"
    st.number_input(
        label,
        low,
        high,
        getattr(numbers, name),
        key=key,
        required=True,
        help=words,
        on_change=lambda: setattr(numbers, name, st.session_state[key]),
    )


def _again() -> None:
    numbers: _Numbers = st.session_state[_NUMBERS]
    step = {GRID: DRAWS, PAIR: 5}.get(st.session_state.get(_VIEW, ""), 1)
    numbers.epoch, numbers.turn = min(MOST_EPOCHS, numbers.epoch + step), numbers.turn + 1


def _tile(image: np.ndarray, drawn: Sequence[augment.Drawn]) -> Tile:
    return image_bytes(image), short_caption(drawn), f"The image with: {augment.caption(drawn)}"


def _frame(image: np.ndarray, data: Data | None, longest: int) -> tuple[np.ndarray, tuple[int, int], Crop]:
    """The image with the channels it is wanted in, the size to work at and the crop."""
    if data is None:
        return image, display_size(image.shape, longest), "whole"
    return with_channels(image, data.channels), data.image_size, data.crop


@st.cache_data(show_spinner=False, max_entries=128)
def _drawn(
    _image: InputImage,
    identity: tuple,
    policy: Policy,
    seed: int,
    first: int,
    count: int,
    mark: bool,
    data: Data | None,
) -> list[Tile]:
    image, size, crop = _frame(_image.shown, data, DISPLAY)
    others = [one.shown for one in companions(_image, COMPANIONS)] if policy.mixes else ()
    made = draws(
        image,
        policy,
        seed=seed,
        epochs=range(first, first + count),
        sample=_image.number,
        size=size,
        crop=crop,
        others=others,
    )
    return [_tile(mark_filled(one.image, one.filled) if mark else one.image, one.drawn) for one in made]


@st.cache_data(show_spinner=False, max_entries=32)
def _original(_image: InputImage, identity: tuple, data: Data | None, longest: int = DISPLAY) -> bytes:
    image, size, crop = _frame(_image.shown, data, longest)
    return image_bytes(fit(image, size, channels=image.shape[2], crop=crop))


def _tiles(tiles: Sequence[Tile], key: str, columns: int) -> None:
    """Draws images in rows of 3, 5, 6 or 7, as one element: one for each image takes a browser twice as long."""
    images, captions, alts = zip(*tiles, strict=True)
    with st.container(key=f"augment_tiles_{columns}_{key}"):
        st.image(list(images), caption=[plain(words) for words in captions], width="stretch", alt=list(alts))


def _grid(image: InputImage, policy: Policy, seed: int, epoch: int, mark: bool, data: Data | None) -> None:
    left, right = st.columns([4, 7], gap="small")
    left.image(
        _original(image, image.identity, data),
        caption=plain(f"Original: {image.title}"),
        width="stretch",
        alt="The original image",
    )
    with right:
        _tiles(_drawn(image, image.identity, policy, seed, epoch, DRAWS, mark, data), "grid", 3)


def _pair(image: InputImage, policy: Policy, seed: int, epoch: int, mark: bool, data: Data | None) -> None:
    tiles: list[Tile] = []
    for one in (image, *companions(image, 1)):
        tiles.append((_original(one, one.identity, data), one.title, "The original image"))
        tiles += _drawn(one, one.identity, policy, seed, epoch, 5, mark, data)
    _tiles(tiles, "pair", 6)


def _before_and_after(source: InputImage, policy: Policy, seed: int, epoch: int, mark: bool, data: Data | None) -> None:
    image, size, crop = _frame(source.shown, data, LARGE)
    others = [other.shown for other in companions(source, COMPANIONS)] if policy.mixes else ()
    (one,) = draws(image, policy, seed=seed, epochs=[epoch], sample=source.number, size=size, crop=crop, others=others)
    before, after = fit(image, size, channels=image.shape[2], crop=crop), one.image
    if mark:
        before, after = with_channels(before, 3), mark_filled(after, one.filled)
    with st.container(width=min(LARGE, max(260, round(HIGHEST * size[1] / size[0])))):
        share = st.slider(
            "How much of the original",
            0,
            100,
            50,
            format="%d %%",
            key="augment_wipe",
            persist_state="session",
            help="Left of the line is the original, right of it the first draw.",
        )
        st.image(
            image_bytes(wipe(before, after, share / 100), 512),
            caption=plain(f"Original | {augment.caption(one.drawn)}"),
            width="stretch",
            alt=f"The left {share} % are the original, the rest is the image with: {augment.caption(one.drawn)}",
        )


def values_along(step: Step, count: int) -> list[float]:
    """Returns values of the step from its lowest to its highest; 0 and 1, off and on, where it has no range."""
    if step.low is None:
        return [0.0, 1.0]
    low, high = step.ends
    return [float(value) for value in np.linspace(low, high, 1 if low == high else count)]


def _strips(image: InputImage, policy: Policy, seed: int, epoch: int, mark: bool, data: Data | None) -> None:
    steps = [step for step in policy.steps if STEPS[step.type].group != "batch"]
    if len(steps) < len(policy.steps):
        st.caption("MixUp and CutMix blend several images and have no strip.")
    if not steps:
        st.caption("There is no step to show: add one, or switch one on.")
        return
    names = dict.fromkeys(step.type for step in steps)
    chosen = st.selectbox(
        "Step",
        [None, *names],
        format_func=lambda kind: STEPS[kind].title if kind else "Every step",
        width=240,
        key="augment_strip",
        persist_state="session",
        help="Alone, from its lowest value to its highest.",
    )
    for step in steps:
        if chosen not in (None, step.type):
            continue
        count = STRIP if chosen is None else DRAWS
        st.markdown(f"**{STEPS[step.type].title}**")
        tiles = _along(image, image.identity, step, policy.fill_mode, policy.fill_value, count, mark, data)
        _tiles(tiles, f"strip_{steps.index(step)}", STRIP if chosen is None else 5)


@st.cache_data(show_spinner=False, max_entries=128)
def _along(
    _image: InputImage,
    identity: tuple,
    step: Step,
    fill_mode: str,
    fill_value: int,
    count: int,
    mark: bool,
    data: Data | None,
) -> list[Tile]:
    image, size, crop = _frame(_image.shown, data, DISPLAY)
    policy = Policy(steps=(step,), fill_mode=fill_mode, fill_value=fill_value)
    values = values_along(step, count)
    made = []
    for shown, value in zip(
        augment.sweep(image, step.type, values, size=size, crop=crop, policy=policy), values, strict=True
    ):
        drawn = (augment.drawn_at(step.type, value),)
        shown = (
            mark_filled(shown, augment.filled_pixels(image.shape, policy, drawn, size=size, crop=crop))
            if mark
            else shown
        )
        made.append(_tile(shown, drawn))
    return made
