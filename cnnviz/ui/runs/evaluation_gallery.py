"""A report's images: those of a cell, the surest mistakes, the least sure predictions; each can be opened and
flagged."""

from __future__ import annotations

from urllib.parse import urlencode

import numpy as np
import streamlit as st

from cnnviz.data import Dataset
from cnnviz.data.edits import names_of
from cnnviz.data.review import Decision
from cnnviz.errors import CnnvizError
from cnnviz.probabilities import percent
from cnnviz.runs import Run, flags
from cnnviz.runs.predictions import Predictions
from cnnviz.ui.components.image_gallery import Tile, image_gallery, more_button, shown_so_far
from cnnviz.ui.data import review_draft
from cnnviz.ui.inputs.dataset_cache import kept_small_file
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.evaluation_job import predict_address
from cnnviz.ui.session import query_params
from cnnviz.ui.session.widget_sync import set_widget_value_first

__all__ = ["STEP", "chosen_samples", "gallery", "retrain_part"]

STEP = 12
VIEWS = {"cell": "The chosen cell", "mistakes": "Most confident mistakes", "unsure": "Least sure predictions"}
_OPENED = "runs_report_opened"


def chosen_samples(found: Predictions, head: str, view: str, cell: tuple[int, int]) -> np.ndarray:
    """Returns which images a view shows, as positions in `found`, the most telling first; int64.

    Args:
        found: the predictions.
        head: whose.
        view: `cell` (those with this label and prediction, the surest first), `mistakes` (the surest first) or `unsure`
            (all, the least sure first).
        cell: the true class and the prediction.
    """
    labels, probabilities = found.labels[head], found.probabilities[head]
    predictions, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    if view == "unsure":
        return np.argsort(sure, kind="stable")
    wanted = predictions != labels if view == "mistakes" else (labels == cell[0]) & (predictions == cell[1])
    positions = np.flatnonzero(wanted)
    return positions[np.argsort(-sure[positions], kind="stable")]


def gallery(run: Run, dataset: Dataset, found: Predictions, head: str, cell: tuple[int, int]) -> None:
    """Draws the choice of a view and its images."""
    if (named := st.session_state.pop(_OPENED, None)) is not None:
        query_params.go("pages/predict.py", **named)
    set_widget_value_first("runs_report_view", "mistakes")
    view = st.segmented_control(
        "Images",
        list(VIEWS),
        format_func=VIEWS.__getitem__,
        key="runs_report_view",
        required=True,
        help="A click on an image opens it on Predict: what speaks for its prediction rather than for the true class.",
    )
    assert view is not None  # as the session has one from above on
    positions = chosen_samples(found, head, view, cell)
    classes = found.classes[head]
    if view == "cell":
        true, said = (plain(classes[at]) for at in cell)
        st.caption(f"True label {true}, predicted {said}: {len(positions):,} of {len(found.indices):,} images.")
    elif view == "mistakes":
        st.caption(
            f"{len(positions):,} of {len(found.indices):,} predictions are wrong, the surest first.",
            help="What it is surest of and wrong in is often a blind spot, and sometimes a wrong label.",
        )
    else:
        st.caption("First those between whose classes it could decide least.")
    if not len(positions):
        st.write("There is none.")
        return
    key = f"runs_report_more_{run.id}_{found.split}_{head}_{view}_{cell if view == 'cell' else ''}"
    total, positions = len(positions), positions[: shown_so_far(STEP, key)]
    names, flagged = names_of(dataset, found.split, found.indices[positions]), flags.read(run.folder)
    tiles, addresses = [], []
    for position, name in zip(positions.tolist(), names, strict=True):
        index = int(found.indices[position])
        data, small = kept_small_file(dataset, f"{run.id} {found.data}", found.split, index)
        label, prediction = int(found.labels[head][position]), int(found.probabilities[head][position].argmax())
        sure = percent(float(found.probabilities[head][position, prediction]))
        addresses.append(predict_address(run, dataset, found, index, head))
        words = (f"true label {classes[label]}", name) if label != prediction else ("true label", name)
        tiles.append(
            Tile(
                data,
                small,
                f"{classes[prediction]} · {sure}",
                words,
                f"predict?{urlencode(addresses[-1])}",
                flagged.get(name, ""),
            )
        )
    image_gallery(
        tiles,
        flags.FLAGS,
        VIEWS[view],
        key=f"runs_report_pictures_{view}",
        on_open=lambda at: st.session_state.update({_OPENED: addresses[at]}),
        on_flag=lambda at, flag: _flag(run, names[at], flag),
    )
    more_button(total, STEP, key, name="runs_report_more")


def _flag(run: Run, name: str, flag: str) -> None:
    kept = flags.read(run.folder)
    kept = {**kept, name: flag} if flag else {one: it for one, it in kept.items() if one != name}
    try:
        flags.write(run.folder, kept)
    except CnnvizError as error:
        st.session_state["runs_report_refused"] = str(error)
        return
    if run.recipe is not None:  # the same review as on Data, which may decide otherwise later
        review_draft.decide(run.recipe.data.dataset, [name], Decision(leave_out=True) if flag else None)


def retrain_part(run: Run) -> None:
    """Draws what is flagged, and the way to a training without it."""
    if message := st.session_state.pop("runs_report_refused", ""):
        st.error(plain(message), icon=":material/error:")
    flagged = flags.read(run.folder)
    if not flagged or run.recipe is None:
        st.caption("Flag an image that is labelled wrong: the next training can leave it out.")
        return
    count = len(flagged)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{count:,} image{'s' * (count > 1)} flagged**", width="content")
        if st.button(
            "Train again without the flagged",
            icon=":material/replay:",
            key="runs_report_again",
            help="Opens the Train page with this recipe and these images left out of all splits; all others stay "
            "where they are.",
        ):
            st.session_state["train_recipe"] = flags.without_flagged(run.recipe, flagged)
            query_params.go("pages/train.py")
        st.button(
            "Clear flags",
            key="runs_report_unflag",
            type="tertiary",
            on_click=_unflag,
            args=(run,),
            help="Empties the list; nothing else changes.",
        )
    st.caption(
        " · ".join(f"{plain(name)} ({flag})" for name, flag in list(flagged.items())[:30])
        + (" · …" if count > 30 else "")
    )


def _unflag(run: Run) -> None:
    try:
        flags.write(run.folder, {})
    except CnnvizError as error:
        st.session_state["runs_report_refused"] = str(error)
