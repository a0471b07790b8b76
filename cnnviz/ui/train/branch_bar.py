"""What the Train page says of a branch: which run it goes on from, and what has to stay as it was there."""

from __future__ import annotations

import streamlit as st

from cnnviz import runs
from cnnviz.errors import RunError
from cnnviz.recipe import Recipe
from cnnviz.runs.branch import check_branch
from cnnviz.runs.compare import name_of
from cnnviz.ui.markdown import plain
from cnnviz.ui.train.recipe_draft import Draft

__all__ = ["branch_bar"]


def branch_bar(draft: Draft, recipe: Recipe | None) -> list[str]:
    """Draws which run the draft branches from, where it does, and returns what is to be mended of that.

    Args:
        draft: the page's.
        recipe: made of it; `None` while it has mistakes.
    """
    if draft.branch is None:
        return []
    run_id, epoch = draft.branch
    problems = []
    try:
        parent = runs.open_run(run_id)
        name = name_of(parent)
        if recipe is not None:
            check_branch(runs.recipe_of(parent, "so nothing can branch from it"), recipe, epoch)
    except RunError as error:
        name, problems = run_id, [str(error)]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/alt_route: Branches from **{plain(name)}** after epoch {epoch}.", width="content")
        st.button(
            "Begin anew instead",
            key="train_unbranch",
            on_click=setattr,
            args=(draft, "branch", None),
            type="tertiary",
            help="Keeps the settings below, for a run that begins with fresh weights.",
        )
    for problem in problems:
        st.error(plain(problem), icon=":material/error:")
    return problems
