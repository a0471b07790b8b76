"""What a dataset looks like, for the Train page's first card."""

from __future__ import annotations

import streamlit as st

from cnnviz.data import Dataset
from cnnviz.figures.data import class_bars
from cnnviz.figures.tiles import tiles
from cnnviz.recipe import Data
from cnnviz.ui.inputs import dataset_cache
from cnnviz.ui.markdown import plain

__all__ = ["SPLIT_WORDS", "data_view", "sizes"]

SAMPLES = 16
TILE, GAP = 68, 16  # pixels on the page
SPLIT_WORDS = {"train": "training", "validation": "validation", "test": "test"}


def sizes(dataset: Dataset, data: Data) -> list[str]:
    """Draws how many images the splits have and of what size they are; returns the splits that have their own."""
    shown = [name for name in SPLIT_WORDS if name in dataset.splits]
    words = dict(SPLIT_WORDS)
    if dataset.validates_on_test:  # the same images are not counted twice
        shown.remove("validation")
        words["test"] = "validation and test"
    counts = [f"**{len(dataset.splits[name]):,}** {words[name]}" for name in shown]
    height, width, channels = data.input_shape
    st.markdown(f"{' · '.join(counts)} · {height} × {width} {'RGB' if channels == 3 else 'grey'}")
    return shown


def data_view(dataset: Dataset, data: Data) -> None:
    """Draws the sizes of the splits, sixteen training images with labels, the classes' bars and the notes."""
    shown = sizes(dataset, data)
    heads = tuple(head.name for head in dataset.heads)
    made = dataset_cache.tiles(dataset, data, heads, SAMPLES, 0)
    images, bars = st.columns([4, 5], gap="large")
    with images:
        _samples(dataset, made)
    with bars:
        tabs = bars.tabs([plain(head.name) for head in dataset.heads]) if len(heads) > 1 else [bars]
        for tab, head in zip(tabs, dataset.heads, strict=True):
            counts = {name: dataset.counts(name, head.name).tolist() for name in shown}
            tab.html(class_bars(head.classes, counts))
    if dataset.notes:
        st.caption(" ".join(map(plain, dataset.notes)))


def _samples(dataset: Dataset, made: list[tuple[bytes, int]]) -> None:
    if not made:
        st.caption("None of the first images can be read.")
    drawn = [(png, words, f"Training image: {words}") for png, at in made for words in [_labels(dataset, at)]]
    with st.container(width=4 * TILE + 3 * GAP):
        st.html(tiles(drawn, TILE))


def _labels(dataset: Dataset, position: int) -> str:
    """The classes of a training image; of several yes-or-no questions only those with yes."""
    named = [(head, head.classes[dataset.splits["train"].labels[head.name][position]]) for head in dataset.heads]
    if len(named) > 1:
        named = [(head, name) for head, name in named if name != f"not {head.name}"]
    return ", ".join(name if len(name) <= 16 else name[:15] + "…" for _, name in named) or "none of these"
