"""The Train page's first card: what is learned from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from cnnviz.audit.notes import notes_on
from cnnviz.data import Dataset, Entry, catalogue, kept, own_images
from cnnviz.data.own_images import Classes
from cnnviz.errors import CnnvizError
from cnnviz.model_spec import ModelSpec
from cnnviz.presets import PRESETS
from cnnviz.recipe import CROPS, Data, Recipe, parse
from cnnviz.ui.inputs import dataset_cache
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import query_params
from cnnviz.ui.session.deferred import Deferred
from cnnviz.ui.train import recipe_draft as state
from cnnviz.ui.train import suggestion
from cnnviz.ui.train.dataset_preview import SPLIT_WORDS, data_view, sizes
from cnnviz.ui.train.dataset_upload import data_upload, upload_error
from cnnviz.ui.train.own_images import class_rows, drop_zone
from cnnviz.ui.train.recipe_draft import Draft, key
from cnnviz.ui.train.recipe_errors import in_words

__all__ = ["Found", "data_card"]

OWN, DROPPED = "own", "dropped"  # a folder or file by its path; images that are dropped in
_NAMES = {DROPPED: "My own images, dropped in…", OWN: "A folder or file of my own…"}
_LAST = "train_last_dropped"  # the folder of what was dropped last
NOT_FETCHED = ("celeba",)  # can't be downloaded for the person; opening it says what to do
CELEBA = (218, 178)  # height and width of its images
_CROPS = {"whole": "Whole image, stretched", "centre": "Centre of the same shape", "face": "Face (as CelebA)"}


@dataclass(frozen=True)
class Found:
    """What the card came to: the data's record and the opened dataset where there is one, and what is to be mended."""

    data: Data | None
    dataset: Dataset | None
    problems: tuple[str, ...] = ()
    told: bool = False  # whether the card has said so already


def data_card(draft: Draft, later: Deferred) -> Found:
    """Draws the card, its images and bars later; the draft's heads follow the data."""
    with st.container(border=True, key="train_card_data"):
        st.header("Data", anchor="train-data")
        controls, result = st.columns([1, 2], gap="large")
        with controls:
            entries = {entry.name: entry for entry in catalogue()}
            classes = _dropped(draft)
            _picker(draft, entries, classes)
            chosen, settings = st.container(), st.container()
        with result:
            found = _open(draft, entries, classes)
        with chosen:
            _words(draft, found)
        # What is folded away isn't drawn: each control costs the page's opening a little.
        with settings, st.expander("Size, split and limits", key="train_more_data", on_change="rerun") as more:
            if more.open:
                _settings(draft)
        with result:
            for message in () if found.told else found.problems:
                st.error(plain(message), icon=":material/error:")
            if found.dataset is not None and (said := notes_on(found.dataset)):
                _warning(draft, said)
            if classes:
                later.add(_classes, draft, classes, found)
            elif found.dataset is not None:
                later.add(data_view, found.dataset, found.data)
    return found


def _warning(draft: Draft, said: list[str]) -> None:
    """What an audit has found, in one line, and the way to it."""
    with st.container(horizontal=True, vertical_alignment="center", key="train_data_warning"):
        st.warning(plain(" ".join(said)), icon=":material/content_copy:", width="stretch")
        if st.button("See on Data", icon=":material/photo_library:", key="train_see_data"):
            query_params.go("pages/data.py", data=draft.get("data.dataset"))


def _dropped(draft: Draft) -> Classes | None:
    """The classes that were dropped in; `None` where the data is other, or is to be chosen in another way."""
    own = draft.shown.get("own")
    if own not in (None, DROPPED):
        return None
    classes = own_images.classes_of(draft.get("data.dataset"))
    return {} if classes is None and own == DROPPED else classes


def _classes(draft: Draft, classes: Classes, found: Found) -> None:
    if found.dataset is not None and found.data is not None:
        sizes(found.dataset, found.data)
    class_rows(draft, Path(draft.get("data.dataset")), classes, partial(_use_dropped, draft))
    if found.dataset is not None and found.dataset.notes:
        st.caption(" ".join(map(plain, found.dataset.notes)))


def _picker(draft: Draft, entries: dict[str, Entry], classes: Classes | None) -> None:
    now = draft.get("data.dataset")
    listed = now in entries and not draft.shown.get("own")
    shown = DROPPED if classes is not None else now if listed else OWN
    st.selectbox(
        "Images",
        [*entries, DROPPED, OWN],
        format_func=lambda name: entries[name].title if name in entries else _NAMES[name],
        key=key(draft, "picker", shown),
        on_change=_pick,
        args=(draft,),
        help="Bundled data, data that is downloaded once, what lies in the folder CNNVIZ_DATA, or images of yours.",
    )
    if shown == DROPPED:
        drop_zone(draft, Path(now) if classes else None, classes or {}, partial(_use_dropped, draft))
    elif shown == OWN:
        hidden = draft.shown.get("own") == "new" or kept.is_upload(Path(os.path.realpath(now)))
        st.text_input(
            "Path on this computer",
            key=key(draft, "path", "" if hidden else now),
            on_change=_type,
            args=(draft,),
            placeholder="/home/me/images",
            max_chars=1000,
            help="A folder with one folder of images per class (inside train, validation and test folders or not), "
            "a .zip of it, a folder in CelebA's layout, Hugging Face's .parquet files, or an .npz file with X_train, "
            "y_train or images, labels. It must lie in a folder that CNNVIZ_DATA or CNNVIZ_ROOTS names. Or "
            "tfds:cats_vs_dogs, where tensorflow_datasets has prepared that.",
        )
        data_upload(draft, partial(_uploaded, draft))
    else:
        st.button(
            "Use my own images",
            icon=":material/add_photo_alternate:",
            key="train_own_images",
            on_click=_drop,
            args=(draft,),
            help="Name a class, drop its images in, then the next class.",
        )


def _pick(draft: Draft) -> None:
    name = state.picked_value("picker")
    if name is None:
        return
    if name == DROPPED:
        _drop(draft)
        return
    draft.shown = {"own": "new"} if name == OWN else {"measure": True}
    state.reset_widgets("path", "heads", "file")
    if name != OWN:
        _point(draft, name)


def _drop(draft: Draft) -> None:
    """Shows what was dropped last in this session, or the empty field for it."""
    state.reset_widgets("picker", "path", "heads", "file")
    last = st.session_state.get(_LAST, "")
    if own_images.classes_of(last):
        draft.shown = {"measure": True}
        _point(draft, last)
    else:
        draft.shown = {"own": DROPPED}


def _use_dropped(draft: Draft, folder: Path | None) -> None:
    """Takes over the folder of what was dropped; `None` where nothing is left of it."""
    st.session_state[_LAST] = str(folder or "")
    if folder is None:
        draft.shown["own"] = DROPPED
        draft.put("data.dataset", "")
        return
    before = own_images.classes_of(draft.get("data.dataset"))
    draft.shown = {**draft.shown, "own": DROPPED, "measure": draft.shown.get("measure") or not before}
    state.reset_widgets("heads")
    _point(draft, str(folder))


def _type(draft: Draft) -> None:
    path = state.picked_value("path")
    if path is not None:
        state.reset_widgets("file")
        _use(draft, path.strip())


def _use(draft: Draft, path: str) -> None:
    draft.shown = {"own": "typed", "measure": True}
    state.reset_widgets("heads")
    _point(draft, path)


def _uploaded(draft: Draft, path: str) -> None:
    state.reset_widgets("path")
    _use(draft, path)


def _point(draft: Draft, name: str) -> None:
    """Other data: what was said about the data before no longer holds, nor does the preset's name."""
    if draft.origin and draft.get("name") == PRESETS[draft.origin].name:
        draft.put("name", "")
        state.reset_widgets("name")
    draft.put("data.dataset", name)
    draft.put("data.limits", dict.fromkeys(SPLIT_WORDS))
    draft.put("data.balanced", False)
    _take_back(draft, *_EDITS)
    draft.put("data.label_columns", [])
    state.reset_widgets("data.balanced", *(f"data.limits.{split}" for split in SPLIT_WORDS))


def _open(draft: Draft, entries: dict[str, Entry], classes: Classes | None) -> Found:
    if message := upload_error(draft):
        return Found(None, None, (message,), told=True)
    message = own_images.problem(classes) if classes is not None else ""
    if classes is None and (draft.shown.get("own") == "new" or not draft.get("data.dataset")):
        message = "Type the path of a folder or a file, or upload one."
    if message:
        st.info(plain(message), icon=":material/add_photo_alternate:")
        return Found(None, None, (message,), told=True)
    entry = entries.get(draft.get("data.dataset"))
    fetched = entry if entry is not None and not entry.ready and entry.name not in NOT_FETCHED else None
    if fetched is not None and draft.shown.get("fetch") != fetched.name:
        st.info(plain(fetched.message), icon=":material/download:")
        st.button(
            "Get it now",
            key="train_fetch",
            on_click=draft.shown.update,
            args=({"fetch": fetched.name},),
            help="Downloads the data once; later it is read from disk.",
        )
        return Found(None, None, (f"{fetched.title} is not on this computer yet.",), told=True)
    try:
        data = parse(draft.tree["data"], Data)
        if fresh := draft.shown.pop("measure", False):
            _suit(draft, dataset_cache.open_with_progress(data))
            data = parse(draft.tree["data"], Data)
        if classes is not None:
            draft.shown["follows"] = suggestion.follow(draft, dataset_cache.open_with_progress(data), fresh)
            data = parse(draft.tree["data"], Data)
        spec = parse({**draft.tree["network"], "layers": []}, ModelSpec)
        recipe, dataset = dataset_cache.fitting(Recipe.model_construct(data=data, network=spec))
    except CnnvizError as error:
        return Found(None, None, (in_words(error, draft.tree, "data"),))
    draft.put("network.heads", [head.model_dump(mode="json") for head in recipe.network.heads])
    return Found(data, dataset)


def _suit(draft: Draft, dataset: Dataset) -> None:
    """Takes over what suits newly chosen images: their own size, or 96 × 96 for images, and all their heads."""
    height, width, channels = dataset.splits["train"].image(0).shape
    size = (height, width) if max(height, width) <= 64 else (96, 96)
    draft.put("data.image_size", [max(4, side) for side in size])
    draft.put("data.channels", channels)
    draft.put("data.crop", "face" if (height, width) == CELEBA else "whole")
    heads = [{"name": head.name, "units": len(head.classes), "activation": "softmax"} for head in dataset.heads]
    draft.put("network.heads", heads)
    state.reset_widgets("data.image_size.0", "data.image_size.1", "data.channels", "data.crop", "heads")


def _words(draft: Draft, found: Found) -> None:
    _edits(draft)
    if found.dataset is None:
        return
    if own_images.classes_of(draft.get("data.dataset")) is None:
        st.caption(plain(found.dataset.source))
    elif draft.shown.get("follows"):
        st.caption(suggestion.words(draft))
    else:
        st.button(
            "Use the suggested model",
            icon=":material/bolt:",
            key="train_suggestion",
            on_click=_suggest,
            args=(draft, found.dataset),
            help="Sets model, augmentation and fit to what trains in seconds on few images.",
        )
    names = list(found.dataset.available)
    if len(names) > 1:
        now = [head["name"] for head in draft.get("network.heads")]
        st.multiselect(
            "Targets (labels)",
            names,
            key=key(draft, "heads", now),
            on_change=_learn,
            args=(draft,),
            help="Each of these becomes a prediction (a head) of the model.",
        )


def _suggest(draft: Draft, dataset: Dataset) -> None:
    suggestion.take(draft, suggestion.suggest(dataset))


def _learn(draft: Draft) -> None:
    chosen = state.picked_value("heads")
    if not chosen:
        state.reset_widgets("heads")
        return
    old = {head["name"]: head for head in draft.get("network.heads")}
    new = {"units": 2, "activation": "softmax"}
    draft.put("network.heads", [old.get(name, {"name": name, **new}) for name in chosen])


def _settings(draft: Draft) -> None:
    with st.container(horizontal=True):
        st.number_input(
            "Height", 4, 1024, key=key(draft, "data.image_size.0"), width=110, help="Pixels the model sees."
        )
        st.number_input("Width", 4, 1024, key=key(draft, "data.image_size.1"), width=110, help="Pixels the model sees.")
    st.segmented_control(
        "Colour",
        [3, 1],
        format_func={3: "RGB", 1: "Grey"}.__getitem__,
        required=True,
        key=key(draft, "data.channels"),
        help="RGB has three channels, grey one.",
    )
    st.selectbox(
        "Crop",
        CROPS,
        format_func=_CROPS.__getitem__,
        key=key(draft, "data.crop"),
        help="Which part of an image is resized to the size above; the same for training and prediction.",
    )
    st.slider(
        "Held out for validation",
        0.0,
        0.5,
        step=0.05,
        format="percent",
        key=key(draft, "data.validation_share"),
        help="Fraction of the training images, where the data has no validation split. "
        "At 0 % the test split serves as validation too.",
    )
    st.slider(
        "Held out for testing",
        0.05,
        0.5,
        step=0.05,
        format="percent",
        key=key(draft, "data.test_share"),
        help="Fraction of all images, where the data has no test split.",
    )
    st.number_input("Split seed", 0, 2**32 - 1, key=key(draft, "data.split_seed"), help="Another seed, another split.")
    with st.container(horizontal=True):
        for split, word in SPLIT_WORDS.items():
            st.number_input(
                f"Max samples ({word})",
                1,
                None,
                value=None,
                placeholder="all",
                width=140,
                key=key(draft, f"data.limits.{split}"),
                help=f"Takes only this many {word} images; empty: all.",
            )
    st.toggle(
        "Balance classes",
        key=key(draft, "data.balanced"),
        help="Leaves images out until every class, or every group of several predictions' classes, is as frequent.",
    )


_EDITS: dict[str, tuple[str, str]] = {
    "without": ("left out", "Restore"),
    "labels": ("relabelled", "Restore labels"),
    "splits": ("moved to another split", "Restore splits"),
}
"""The recipe's keys for single images, what is said of them, and the way back."""


def _edits(draft: Draft) -> None:
    """The images that the recipe leaves out, relabels or moves, such as flagged ones of an earlier run, and the fold of
    such a run."""
    if fold := draft.get("data.fold"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Validates on fold {fold[0]} of {fold[1]}")
            st.button(
                "Validate as usual",
                icon=":material/undo:",
                key="train_fold",
                type="tertiary",
                on_click=draft.put,
                args=("data.fold", None),
                help="Takes the fold of cross-validation out of the recipe.",
            )
    for name, (done, back) in _EDITS.items():
        images = draft.get(f"data.{name}")
        if count := len(images):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(f"{count:,} image{'s' * (count > 1)} {done}")
                st.button(
                    back,
                    icon=":material/undo:",
                    key=f"train_{name}",
                    type="tertiary",
                    on_click=_take_back,
                    args=(draft, name),
                    help=plain(", ".join(_in_words(images)[:20])),
                )


def _take_back(draft: Draft, *names: str) -> None:
    for name in names:
        draft.put(f"data.{name}", [] if name == "without" else {})


def _in_words(images: list[str] | dict[str, Any]) -> list[str]:
    """ "cats/12.jpg → dogs" of what is relabelled or moved."""
    if isinstance(images, list):
        return images
    return [f"{name} → {', '.join(to.values()) if isinstance(to, dict) else to}" for name, to in images.items()]
