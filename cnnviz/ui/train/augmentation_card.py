"""The Train page's second card: how images are varied while training."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnnviz import augment
from cnnviz.data import Dataset
from cnnviz.errors import CnnvizError, ImageError
from cnnviz.figures.tiles import tiles
from cnnviz.policy import POLICIES, STEPS, Policy
from cnnviz.recipe import Data, parse
from cnnviz.ui.components.component import component
from cnnviz.ui.inputs import dataset_cache
from cnnviz.ui.markdown import plain
from cnnviz.ui.session.deferred import Deferred
from cnnviz.ui.train import recipe_draft as state
from cnnviz.ui.train.data_card import Found
from cnnviz.ui.train.recipe_draft import Draft, key
from cnnviz.ui.train.recipe_errors import in_words

__all__ = ["augmentation_card", "hand_over", "scroll_to_handed"]

DRAWS = 6
TILE = 96  # pixels on the page
OWN = "own"
_HANDED = "train_handed_policy"  # how often the Augment page has handed one over, and the last one
_SAYS = {
    "none": "Images as they are",
    "digits": "Digits: very small turns and shifts",
    "light": "Light: small turns, shifts and changes of light",
    "strong": "Strong: crops, colours, erasing",
    "A": "A: random crop and flip, for faces",
    "D3": "D3: turns, shifts, shear, zoom, flip",
    "D5": "D5: as D3 but half as strong",
    "E4": "E4: turns, shifts, zoom, flip",
}


def augmentation_card(draft: Draft, found: Found, later: Deferred) -> list[str]:
    """Draws the card, its images later, and returns what is to be mended."""
    with st.container(border=True, key="train_card_augmentation"):
        st.header("Augmentation", anchor="train-augmentation")
        controls, result = st.columns([1, 2], gap="large")
        now = draft.get("augmentation")
        known = now["name"] in POLICIES and POLICIES[now["name"]].model_dump(mode="json") == now
        if not known:
            draft.shown["policy"] = now
        options = [*POLICIES, *([OWN] if "policy" in draft.shown else [])]
        own = plain_name(draft.shown["policy"]["name"]) if OWN in options else ""
        with controls:
            st.selectbox(
                "Policy",
                options,
                format_func=lambda name: (
                    f"The recipe's own: {own}" if name == OWN else _SAYS.get(name, POLICIES[name].name)
                ),
                key=key(draft, "policy", now["name"] if known else OWN),
                on_change=_pick,
                args=(draft,),
                help="Every epoch sees other variations of the training images; validation sees them as they are.",
            )
        try:
            policy = parse(draft.get("augmentation"), Policy)
        except CnnvizError as error:
            result.error(plain(in_words(error, draft.tree, "augmentation")), icon=":material/error:")
            return [in_words(error, draft.tree, "augmentation")]
        if st.session_state.get(_HANDED, (0, None))[1] == now:
            controls.success("Training now uses this policy.", icon=":material/check:")
        with controls:
            _steps(policy)
            st.page_link(
                "pages/augment.py",
                label="Look closer on the Augment page",
                icon=":material/auto_awesome_motion:",
                help="There steps are added and adjusted beside the image, and handed back to this page.",
            )
        if found.dataset is not None and found.data is not None:
            with result:
                later.add(_strip, draft, policy, found.dataset, found.data)
    return []


def hand_over(policy: Policy) -> None:
    """Notes that a policy was handed over from the Augment page: until it is changed, the card says so."""
    turn, _ = st.session_state.get(_HANDED, (0, None))
    st.session_state[_HANDED] = turn + 1, policy.model_dump(mode="json")


def scroll_to_handed(draft: Draft) -> None:
    """Brings the card into sight, once, where a policy has just been handed over; after all is drawn."""
    turn, policy = st.session_state.get(_HANDED, (0, None))
    if policy == draft.get("augmentation"):
        with st.container(key="train_scroll_place"):
            component("scroll_to")(data={"turn": turn, "to": ".st-key-train_card_augmentation"}, key="train_scroll")


def plain_name(name: str) -> str:
    """Returns a policy's name for a list of choices, shortened."""
    return name if len(name) <= 30 else name[:29] + "…"


def _pick(draft: Draft) -> None:
    name = state.picked_value("policy")
    if name is None or (name == OWN and "policy" not in draft.shown):
        return
    chosen = draft.shown["policy"] if name == OWN else POLICIES[name].model_dump(mode="json")
    draft.put("augmentation", chosen)


def _steps(policy: Policy) -> None:
    if not policy.steps:
        st.caption("Nothing is varied.")
        return
    words = []
    for step in policy.steps:
        kind = STEPS[step.type]
        unit = kind.unit if kind.unit in ("°", "×") else ""
        span = f" {step.low:g} to {step.high:g}{unit}".replace("-", "−") if step.low is not None else ""
        words.append(kind.title + span + (f", {step.probability:.0%} of the time" if step.probability < 1 else ""))
    st.caption(plain("; ".join(words)) + f". Fill mode: {policy.fill_mode}.")


def _strip(draft: Draft, policy: Policy, dataset: Dataset, data: Data) -> None:
    for step in policy.steps:
        if step.type in dataset.unsafe_steps:
            st.warning(plain(dataset.unsafe_steps[step.type]), icon=":material/warning:")
    try:
        made = draws(dataset, data, policy, draft.get("seed") or 0, draft.shown.get("sample", 0))
    except ImageError as error:
        st.caption(plain(error))
        return
    st.html(tiles([(png, words, f"The image after: {words}") for png, words in made], TILE))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Another image",
            key="train_sample",
            on_click=draft.shown.update,
            args=({"sample": draft.shown.get("sample", 0) + 1},),
            help="Shows six draws of another training image.",
        )
        if policy.mixes:
            st.caption("MixUp and CutMix blend images of a batch, which one image alone can't show.")
        elif not policy.steps:
            st.caption("The image as the model gets it, every time.")
        elif (draft.get("network").get("backbone") or {}).get("cached"):
            st.caption("Six draws of one image, such as the second stage will see; cached features have none.")
        else:
            st.caption("Six draws of one image, as training will see it in its first six epochs.")


@st.cache_data(show_spinner=False, max_entries=64)
def _drawn(_image: np.ndarray, number: tuple, data: Data, policy: Policy, seed: int) -> list[tuple[bytes, str]]:
    made = []
    for epoch in range(DRAWS if policy.steps else 1):
        drawn = augment.draw(policy, seed=seed, epoch=epoch, sample=number[-1])
        image = augment.apply(_image, policy, drawn, size=data.image_size, crop=data.crop)
        made.append((dataset_cache.tile(image), augment.caption(drawn)))
    return made


def draws(dataset: Dataset, data: Data, policy: Policy, seed: int, turn: int) -> list[tuple[bytes, str]]:
    """Returns draws of a training image as PNG, and what was drawn in words; each `turn` takes another image.

    Raises:
        ImageError: the image can't be read.
    """
    train = dataset.splits["train"]
    order = train.spread(dataset.heads[0].name, 64)
    sample = int(order[turn % len(order)])
    image = dataset_cache.images.with_channels(train.image(sample), data.channels)
    return _drawn(image, (dataset.name, train.name_of(sample), sample), data, policy, seed)
