"""Two runs image by image: what the second mends and breaks, on the images that both were measured on."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from cnnviz.data import Dataset
from cnnviz.data.edits import names_of
from cnnviz.errors import DataError
from cnnviz.figures.numbers import numbers
from cnnviz.probabilities import percent
from cnnviz.runs import Run
from cnnviz.runs.compare import data_name
from cnnviz.runs.pairs import OUTCOMES, Pairs, difference_interval, mcnemar, pair, shared_heads
from cnnviz.runs.predictions import Predictions
from cnnviz.ui.components.image_gallery import Tile, image_gallery, more_button, shown_so_far
from cnnviz.ui.components.slice_list import points
from cnnviz.ui.inputs.dataset_cache import kept_small_file
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.evaluation_job import WORDS, held_out_split, measured_dataset, predict_address, predictions_of
from cnnviz.ui.runs.slices_part import SLICE, slices_part
from cnnviz.ui.session import query_params
from cnnviz.ui.session.widget_sync import set_widget_value, set_widget_value_first

__all__ = ["image_by_image"]

STEP = 12
_VIEW, _HEAD, _SWAPPED, _OPENED = "runs_pair", "runs_pair_head", "runs_pair_swapped", "runs_pair_opened"
_TITLES = {"mended": "Mended", "broken": "Broken", "wrong": "Both wrong", "right": "Both right"}
_CAPTIONS = {
    "mended": "Wrong before, right after.",
    "broken": "Right before, wrong after.",
    "wrong": "Wrong before and after.",
    "right": "Right before and after.",
}


def image_by_image(chosen: Sequence[Run], names: dict[str, str]) -> None:
    """Draws what the later of two runs changed, image by image.

    Args:
        chosen: two runs.
        names: what runs are called, by id.
    """
    if (named := st.session_state.pop(_OPENED, None)) is not None:
        query_params.go("pages/predict.py", **named)
    st.markdown("**Image by image**")
    if any(run.active for run in chosen):
        st.caption("When both runs have ended, here is which images the one mends and which it breaks.")
        return
    before, after = sorted(chosen, key=lambda run: run.written.created)
    _from_address()
    if st.session_state.get(_SWAPPED):
        before, after = after, before
    if before.recipe is None or after.recipe is None or data_name(before.recipe) != data_name(after.recipe):
        st.caption("They are of different data sets, so that no image was predicted by both.")
        return
    split = "test" if all(held_out_split(run) == "test" for run in chosen) else "validation"
    found = predictions_of([before, after], split)
    if found is None:
        return
    heads = shared_heads(*found)
    if not heads:
        st.caption("They have no head in common.")
        return
    data_before, data_after = (measured_dataset(run, one) for run, one in zip((before, after), found, strict=True))
    if data_before is None or data_after is None:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.markdown(f"{plain(names[before.id])} → {plain(names[after.id])}", width="stretch")
        if len(heads) > 1:
            if st.session_state.get(_HEAD) not in heads:
                set_widget_value(_HEAD, heads[0])
            head = st.segmented_control("Head", heads, key=_HEAD, required=True, help="Whose predictions are compared.")
        else:
            head = heads[0]
        st.toggle("The other way", key=_SWAPPED, help="Takes the newer run for the one before.")
    assert head is not None
    try:
        pairs = _pairs(found, (data_before, data_after), head)
    except DataError as error:
        st.caption(plain(error))
        return
    st.html(numbers(_figures(pairs, split)))
    of = " ".join(f"{run.id} {one.stamp}" for run, one in zip((before, after), found, strict=True))
    st.markdown("**Slices**")
    part = slices_part(after, [data_after, data_before], found[1], head, pairs.at[1], pairs.right, of)
    if part is not None:
        pairs = pairs.take(part)
    counts = {outcome: len(pairs.positions(outcome)) for outcome in OUTCOMES}
    view = st.segmented_control(
        "Images",
        OUTCOMES,
        format_func=lambda outcome: f"{_TITLES[outcome]} **{counts[outcome]:,}**",
        key=_VIEW,
        required=True,
        help="A click on an image opens it on Predict, asked of the run after.",
    )
    assert view is not None  # as the session has one since `_from_address`
    query_params.write(
        "runs_pair",
        {
            "images": view if view != OUTCOMES[0] else "",
            "head": head if head != heads[0] else "",
            "way": "back" if st.session_state[_SWAPPED] else "",
            "slice": st.session_state[SLICE],
        },
    )
    within = f" Of {plain(st.session_state[SLICE])}." if part is not None else ""
    relabelled = int(pairs.relabelled.sum())
    more = f" {relabelled:,} have another label in the run before; the later label counts." * bool(relabelled)
    st.caption(_CAPTIONS[view] + within + more)
    _gallery(pairs, view, head, after, found[1], data_after)


def _from_address() -> None:
    named = query_params.new_values("runs_pair", ("images", "head", "way", "slice"))
    if named is None:
        set_widget_value_first(_VIEW, OUTCOMES[0])
        set_widget_value_first(_SWAPPED, False)
        return
    set_widget_value(_VIEW, named["images"] if named["images"] in OUTCOMES else OUTCOMES[0])
    set_widget_value(_SWAPPED, named["way"] == "back")
    st.session_state[SLICE] = named["slice"]
    if named["head"]:
        set_widget_value(_HEAD, named["head"])


def _pairs(found: Sequence[Predictions], datasets: tuple[Dataset, Dataset], head: str) -> Pairs:
    told = [names_of(dataset, one.split, one.indices) for dataset, one in zip(datasets, found, strict=True)]
    return pair(found[0], told[0], found[1], told[1], head)


def _figures(pairs: Pairs, split: str) -> list[tuple[str, str, str]]:
    before, after = pairs.accuracies
    mended, broken = len(pairs.positions("mended")), len(pairs.positions("broken"))
    low, high = difference_interval(mended, broken, len(pairs))
    value = mcnemar(mended, broken)
    return [
        ("Accuracy before", f"{100 * before:.2f} %", "Of the first run, on these images."),
        ("Accuracy after", f"{100 * after:.2f} %", "Of the second run, on the same images."),
        (
            "Difference",
            f"{points(after - before, 2)} ({points(low, 2)} … {points(high, 2)})",
            "In points, and where it lies in 95 % of 10,000 bootstrap samples of the images.",
        ),
        (
            "McNemar's p",
            f"{value:.3f}" if value >= 0.001 else "< 0.001",
            "How often two equally good models differ in so many images or more unevenly; exact binomial test.",
        ),
        ("Images", f"{len(pairs):,}", f"The {WORDS[split]} images that both runs were measured on."),
    ]


def _gallery(pairs: Pairs, view: str, head: str, run: Run, found: Predictions, dataset: Dataset) -> None:
    positions = pairs.positions(view)
    if not len(positions):
        st.write("There is none.")
        return
    counter = f"runs_pair_more_{run.id}_{head}_{view}_{st.session_state[SLICE]}"
    tiles, addresses = [], []
    for k in positions[: shown_so_far(STEP, counter)].tolist():
        index = int(found.indices[pairs.at[1][k]])
        addresses.append(predict_address(run, dataset, found, index, head))
        said = [
            f"{when} {pairs.classes[predicted[k]]} · {percent(float(sure[k]))}"
            for when, predicted, sure in zip(("before", "after"), pairs.predicted, pairs.sure, strict=True)
        ]
        data, small = kept_small_file(dataset, f"{run.id} {found.data}", found.split, index)
        label = pairs.classes[int(pairs.labels[k])]
        tiles.append(Tile(data, small, label, (*said, pairs.names[k]), f"predict?{urlencode(addresses[-1])}"))
    image_gallery(
        tiles,
        (),
        _TITLES[view],
        key=f"runs_pair_images_{view}",
        on_open=lambda at: st.session_state.update({_OPENED: addresses[at]}),
        on_flag=lambda at, flag: None,
    )
    more_button(len(positions), STEP, counter, name="runs_pair_more")
