"""What stands round the Train page's cards: where the recipe comes from, and the button that starts it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from cnnviz import runs
from cnnviz.data import own_images
from cnnviz.data.compatibility import check
from cnnviz.errors import CnnvizError
from cnnviz.presets import PRESETS
from cnnviz.recipe import Limits, Recipe, parse, replace
from cnnviz.runs.branch import branch
from cnnviz.runs.groups import fold_recipes, seed_recipes
from cnnviz.ui.download_button import download_button
from cnnviz.ui.file_names import file_name
from cnnviz.ui.inputs import dataset_cache, json_upload
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import query_params
from cnnviz.ui.train import recipe_draft as state
from cnnviz.ui.train.engine_choice import engine_choice
from cnnviz.ui.train.recipe_draft import Draft
from cnnviz.ui.train.recipe_errors import in_words
from cnnviz.ui.train.search_card import search_button

__all__ = ["complete_recipe", "origin_bar", "start_bar"]

_UPLOAD, _PRESSED = "train_upload", "train_pressed"
_REPEATS: dict[str, Callable[[Recipe], list[Recipe]]] = {
    "Once": lambda recipe: [recipe],
    "3 seeds": lambda recipe: seed_recipes(recipe, 3),
    "5 seeds": lambda recipe: seed_recipes(recipe, 5),
    "3 folds": lambda recipe: fold_recipes(recipe, 3),
    "5 folds": lambda recipe: fold_recipes(recipe, 5),
}
"""What is started of a recipe."""
_HELP = {
    "Once": "Training goes on in a process of its own, also with this page closed.",
    "seeds": "They differ in the seed alone: their mean ± standard deviation tells an effect from chance.",
    "folds": "Cross-validation: each validates on another fold of training and validation images; test is untouched.",
}


def complete_recipe(draft: Draft) -> tuple[Recipe | None, str]:
    """Returns the draft as a recipe, or `None` while it has mistakes, and what is wrong then, which the cards say of
    their own parts too."""
    try:
        return parse(draft.tree), ""
    except CnnvizError as error:
        return None, in_words(error, draft.tree)


def origin_bar(draft: Draft) -> None:
    """Draws the choice of a preset and the recipe's file, in and out."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Start from",
            list(PRESETS),
            index=None,
            placeholder="A recipe of your own",
            format_func=lambda name: f"{PRESETS[name].name} ({name})",
            key=state.choice(draft),
            on_change=_choose,
            args=(draft,),
            width=360,
            help="A preset fills in everything below; then change what you like.",
        )
        if not state.is_preset(draft):
            st.button(
                "Undo changes",
                icon=":material/undo:",
                on_click=state.load,
                args=(PRESETS[draft.origin], draft.origin),
                key="train_undo",
                help="Sets everything as the preset has it.",
            )
        with st.popover(
            "Recipe file",
            icon=":material/data_object:",
            key="train_files",
            on_change="rerun",
            help="The whole page as a small JSON file.",
        ) as files:
            if files.open:
                _files(draft)
    if draft.note:
        st.warning(plain(draft.note), icon=":material/warning:")
    json_upload.draw_refusal(_UPLOAD)


def _choose(draft: Draft) -> None:
    name = st.session_state.get(state.choice(draft))
    json_upload.drop_refusal(_UPLOAD)
    if name is None:
        draft.origin = ""
    else:
        recipe, dataset = PRESETS[name], draft.get("data.dataset")
        if own_images.classes_of(dataset):  # what a person brought themselves isn't put aside for a preset's data
            whole = {"name": "", "data.crop": "whole", "data.balanced": False, "data.limits": Limits()}
            recipe = replace(recipe, {**whole, "data.dataset": dataset})
        state.load(recipe, name)


def _files(draft: Draft) -> None:
    json_upload.uploader(
        "Open a recipe",
        Recipe,
        state.load,
        key=_UPLOAD,
        help="A recipe.json as saved here or as found in a run's folder.",
    )
    recipe, _ = complete_recipe(draft)
    download_button(
        "Save this recipe",
        recipe.to_json() if recipe else "",
        file_name(draft.get("name") or draft.origin, "recipe", ending=".json"),
        type="secondary",
        disabled=recipe is None,
        key="train_download",
        help="Saves what is set on this page; `python -m cnnviz train FILE` trains it too.",
    )


def start_bar(
    recipe: Recipe | None, problems: list[str], card: str = "", branch_of: tuple[str, int] | None = None
) -> None:
    """Draws the button at the window's foot, with how many things are left to mend; it starts a run,
    or several that differ in the seed or the fold, and leads there.

    Args:
        recipe: what is to be trained; `None` where something is to be mended.
        problems: what is to be mended, in sentences.
        card: the anchor of the card that has the first of them.
        branch_of: the run that it branches from, and after which epoch.
    """
    count = len(problems)
    with st.bottom, st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        refused = st.empty()
        if count and card:
            st.markdown(f"[Show {'it' if count == 1 else 'the first of them'}](#{card})", width="content")
        search_button(recipe)
        repeat = st.selectbox(
            "Repeat",
            list(_REPEATS) if branch_of is None else ["Once"],
            key="train_repeat" if branch_of is None else "train_repeat_branch",
            persist_state="session",
            label_visibility="collapsed",
            width=120,
            help="Several runs that differ in the seed, or in the fold that validates, are shown as one group.",
        )
        engine, resources = engine_choice()
        label = "Start training" if repeat == "Once" else f"Start {repeat.split()[0]} runs"
        if count:
            label += f" · {count} thing{'s' * (count > 1)} to mend"
        st.button(
            label,
            type="primary",
            icon=":material/play_arrow:",
            disabled=bool(count) or recipe is None,
            key="train_start",
            on_click=st.session_state.update,
            args=({_PRESSED: True},),
            help=" ".join(map(plain, problems)) or _HELP[repeat.split()[-1]],
        )
    if st.session_state.pop(_PRESSED, False) and recipe is not None:
        try:
            recipes = _REPEATS[repeat](recipe)
            heads = [head.name for head in recipe.network.heads]
            check(recipes[0], dataset_cache.open_with_progress(recipes[0].data, heads))
            if branch_of is not None:
                started = [branch(*branch_of, recipe, engine=engine, resources=resources)]
            elif len(recipes) > 1:
                started = runs.start_group(recipes, engine=engine, resources=resources)
            else:
                started = [runs.start(recipe, engine=engine, resources=resources)]
        except CnnvizError as error:
            refused.error(plain(error), icon=":material/error:")
            return
        chosen = started[0].written.group or started[0].id
        st.session_state["runs_selected"] = [chosen]
        query_params.go("pages/runs.py", run=chosen)
