"""What has been decided of the images, and what can be done with it."""

from __future__ import annotations

import streamlit as st

from cnnviz import runs
from cnnviz.data.review import (
    MOST_BYTES,
    Review,
    review_of_file,
    review_to_csv,
    review_to_json,
    with_review,
)
from cnnviz.errors import CnnvizError
from cnnviz.presets import PRESETS
from cnnviz.recipe import Recipe
from cnnviz.ui.data import review_draft
from cnnviz.ui.data.looked import Looked
from cnnviz.ui.download_button import download_button
from cnnviz.ui.file_names import file_name
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import query_params
from cnnviz.ui.train.suggestion import suggest

__all__ = ["decision_bar"]

_LONGEST = 80
_STYLE = """
<style>
[data-testid="stLayoutWrapper"]:has(> .st-key-data_bar) { position: sticky; bottom: 0; z-index: 5; }
.st-key-data_bar { background: light-dark(#ffffff, #10171a); }
@media (max-width: 640px) { .st-key-data_bar { padding: 0.4rem; gap: 0.3rem; } }
</style>
"""
"""The bar stays in sight while images are decided on."""


def decision_bar(looked: Looked) -> None:
    """Draws how much was decided, with undo, files and the way to a training on the mended data."""
    dataset = looked.data.dataset
    review = review_draft.read(dataset)
    if message := review_draft.refusal():
        st.error(plain(message), icon=":material/error:")
    st.html(_STYLE)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="data_bar"):
        st.markdown(_in_words(review), width="stretch")
        st.button(
            "Undo",
            icon=":material/undo:",
            key="data_undo",
            disabled=not review_draft.can_undo(dataset),
            on_click=review_draft.undo,
            args=(dataset,),
            help="Takes the last decision back.",
        )
        with st.popover("File", icon=":material/folder_open:"):
            _files(dataset, review)
        if st.button(
            "Train again on the mended data",
            type="primary",
            icon=":material/model_training:",
            key="data_train",
            disabled=not review.decisions,
            help="Opens Train with a recipe that has these decisions; the data itself is not changed.",
        ):
            try:
                st.session_state["train_recipe"] = _recipe(looked, review)
            except CnnvizError as error:
                st.error(plain(str(error)), icon=":material/error:")
            else:
                query_params.go("pages/train.py")


def _in_words(review: Review) -> str:
    decisions = review.decisions.values()
    counts = {
        "left out": sum(one.leave_out for one in decisions),
        "relabelled": sum(bool(one.labels) for one in decisions),
        "moved": sum(one.split is not None for one in decisions),
        "kept": sum(not (one.leave_out or one.labels or one.split) for one in decisions),
    }
    said = [f"**{count:,}** {what}" for what, count in counts.items() if count]
    return " · ".join(said) or "Nothing decided yet."


def _files(dataset: str, review: Review) -> None:
    download_button(
        "JSON",
        review_to_json(review),
        file_name("review", dataset, ending=".json"),
        key="data_json",
        help="The whole review.",
    )
    download_button(
        "CSV",
        review_to_csv(review),
        file_name("review", dataset, ending=".csv"),
        key="data_csv",
        help="A row for each decision.",
    )
    st.file_uploader(
        "Open a review",
        type=["json", "csv"],
        key="data_review_file",
        on_change=_open,
        args=(dataset,),
        max_upload_size=MOST_BYTES // 2**20,
        help="Its decisions are added to yours, and count where both decide.",
    )
    if review.decisions:
        st.button(
            "Clear the review",
            key="data_clear",
            type="tertiary",
            icon=":material/delete:",
            on_click=review_draft.replace,
            args=(dataset, Review(dataset=dataset)),
            help="Takes all decisions back; Undo brings them again.",
        )


def _open(dataset: str) -> None:
    file = st.session_state["data_review_file"]
    if file is None:
        return
    try:
        review = review_of_file(file.name, file.getvalue(), dataset)
    except CnnvizError as error:
        review_draft.refuse(str(error))
    else:
        review_draft.take_in(dataset, review)


def _recipe(looked: Looked, review: Review) -> Recipe:
    """The recipe of the newest run on this data, of a preset for it, or one that suits it, with the decisions."""
    name = looked.data.dataset
    of_runs = [run.recipe for run in runs.listing() if run.recipe is not None and run.recipe.data.dataset == name]
    of_presets = [recipe for recipe in PRESETS.values() if recipe.data.dataset == name]
    if found := [*of_runs[:1], *of_presets[:1]]:
        recipe = found[0]
    else:
        tree = suggest(looked.dataset)
        size = tree.pop("image_size")
        data = looked.data.model_copy(update={"image_size": tuple(size)})
        recipe = Recipe.model_validate({"data": data.model_dump(mode="json"), **tree})
    words = " · mended"
    title = (recipe.name.strip() or name).removesuffix(words)
    update = {"data": with_review(recipe.data, review), "name": title[: _LONGEST - len(words)] + words}
    return recipe.model_copy(update=update)
