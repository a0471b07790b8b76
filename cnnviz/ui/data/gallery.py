"""The images of a finding, with a button for each decision under every one."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from cnnviz.audit.spare_images import spare_images
from cnnviz.data.review import Decision
from cnnviz.ui.components.image_gallery import Tile, image_gallery, more_button, shown_so_far
from cnnviz.ui.data import review_draft
from cnnviz.ui.data.findings import Shown
from cnnviz.ui.data.looked import Looked
from cnnviz.ui.inputs.dataset_cache import kept_small_file

__all__ = ["OPENED", "STEP", "gallery", "relabel_choice", "spare_button"]

STEP, GROUPS = 12, 6
OPENED = "data_opened"
KEEP, LEAVE_OUT, RELABEL, MOVE = "keep", "leave out", "relabel", "move"
Target = tuple[str, str, str]
"""Head and class of *relabel*, and the split of *move*."""


def relabel_choice(looked: Looked) -> Target:
    """Draws what *relabel* and *move* do, and returns it."""
    heads = looked.dataset.heads
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = heads[0].name
        if len(heads) > 1:
            name = st.selectbox("Relabel", [head.name for head in heads], key="data_relabel_head", width=150)
        classes = list(looked.dataset.head(name).classes)
        label = st.selectbox(
            "as" if len(heads) > 1 else "Relabel as",
            classes,
            key="data_relabel_as",
            width=180,
            help="What *relabel* says; of a probably wrong label it is the class that is suggested.",
        )
        splits = list(looked.dataset.splits)
        split = st.selectbox("Move to", splits, index=0, key="data_move_to", width=130, help="What *move* says.")
    return name, label, split


def spare_button(looked: Looked, groups: list[list[Shown]]) -> None:
    """Draws the button that leaves out all duplicates but one of each group."""
    images = spare_images([[one.image for one in group] for group in groups], looked.pool)
    st.button(
        f"Keep one of each, leave out {len(images):,}",
        icon=":material/filter_1:",
        key="data_spare",
        on_click=review_draft.decide,
        args=(looked.data.dataset, images, Decision(leave_out=True)),
        help="Of images that are in several splits the one in the test split stays.",
    )


def gallery(looked: Looked, groups: list[list[Shown]], key: str, target: Target | None) -> None:
    """Draws the groups, a few at first.

    Args:
        looked: the data set.
        groups: of images that stand side by side.
        key: of the element and its count.
        target: what *relabel* and *move* mean; `None` where nothing is decided yet.
    """
    if not groups:
        st.write("There is none.")
        return
    grouped = any(len(group) > 1 for group in groups)
    step = GROUPS if grouped else STEP
    counter = f"data_more_{key}"
    shown = groups[: shown_so_far(step, counter)]
    if grouped:
        with st.container(horizontal=True, gap="small"):
            for nth, group in enumerate(shown):
                with st.container(border=True, width=max(190, min(3, len(group)) * 152 + 34)):
                    _tiles(looked, group, f"{key}_{nth}", target)
    else:
        _tiles(looked, [one for group in shown for one in group], key, target)
    more_button(len(groups), step, counter, name="data_more")


def _tiles(looked: Looked, shown: list[Shown], key: str, target: Target | None) -> None:
    decided = review_draft.read(looked.data.dataset).decisions
    tiles = []
    for one in shown:
        i = looked.at[one.image]
        decision = decided.get(one.image)
        labels = ", ".join(
            looked.dataset.head(head).classes[int(values[i])] for head, values in looked.pool.labels.items()
        )
        words = [one.words] if one.words and one.words != looked.pool.split[i] else []
        split = str(looked.pool.split[i])
        words.append(one.image if one.image.startswith((f"{split}/", f"{split}:")) else f"{split} · {one.image}")
        if decision is not None and _said(decision) in (RELABEL, MOVE):
            words.insert(
                0, "→ " + ", ".join([*decision.labels.values(), *([decision.split] if decision.split else [])])
            )
        data, small = kept_small_file(looked.dataset, looked.data.dataset, split, int(looked.pool.position[i]))
        address = urlencode({"data": looked.data.dataset, "image": one.image})
        tiles.append(
            Tile(data, small, labels, tuple(words), f"data?{address}", _said(decision) if decision is not None else "")
        )
    image_gallery(
        tiles,
        (KEEP, LEAVE_OUT, RELABEL, MOVE) if target else (),
        "Images",
        key=f"data_images_{key}",
        on_open=lambda at: st.session_state.update({OPENED: shown[at].image}),
        on_flag=lambda at, flag: _decide(looked.data.dataset, shown[at], flag, target) if target else None,
    )


def _said(decision: Decision) -> str:
    """The button that stands for a decision."""
    if decision.leave_out:
        return LEAVE_OUT
    return RELABEL if decision.labels else MOVE if decision.split else KEEP


def _decide(dataset: str, one: Shown, flag: str, target: Target) -> None:
    head, label, split = target
    head, label = one.suggested or (head, label)
    made = {
        "": None,
        KEEP: Decision(),
        LEAVE_OUT: Decision(leave_out=True),
        RELABEL: Decision.model_validate({"labels": {head: label}}),
        MOVE: Decision.model_validate({"split": split}),
    }
    review_draft.decide(dataset, [one.image], made[flag])
