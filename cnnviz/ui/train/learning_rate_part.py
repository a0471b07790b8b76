"""The learning-rate finder in the Fit card: its button, its bar, then the curve and a button that takes the rate."""

from __future__ import annotations

import streamlit as st

from cnnviz.figures.style import CONFIG
from cnnviz.learning_rate_range import LearningRateRange
from cnnviz.progress import CancelCheck, Progress
from cnnviz.recipe import Recipe
from cnnviz.train.learning_rate_process import find_learning_rate, fitted_part
from cnnviz.ui.markdown import plain
from cnnviz.ui.session.background_job import drop_job, ended_job, has_job, say_end, start
from cnnviz.ui.train.recipe_draft import Draft, reset_widgets

__all__ = ["learning_rate_button", "learning_rate_result"]

_JOB = "train_learning_rate"
_ASKED, _ENDED = "train_learning_rate_asked", "train_learning_rate_ended"
"""The recipe that the job is about, and the last job that ended with its recipe."""


def learning_rate_button(recipe: Recipe | None) -> None:
    """Draws the button that starts the finder, anew where it works; without a recipe it is disabled."""
    st.button(
        "Find learning rate",
        icon=":material/speed:",
        key="train_find_learning_rate",
        disabled=recipe is None,
        on_click=_begin,
        args=(recipe,),
        help="Mend what is wrong with this recipe first."
        if recipe is None
        else "Fits for some 20 seconds while the rate grows from almost 0 to 10, and shows the loss for each rate.",
    )


def learning_rate_result(draft: Draft, recipe: Recipe | None) -> None:
    """Draws the finder's bar while it works, then the curve and what it suggests; nothing of another recipe.

    Args:
        draft: whose learning rate the suggestion is taken for.
        recipe: made of the draft; `None` where it has mistakes, which ends the finder's work.
    """
    wanted = fitted_part(recipe) if recipe is not None else None
    if has_job(_JOB) and st.session_state.get(_ASKED) != wanted:
        drop_job(_JOB)
    if (work := ended_job(_JOB)) is not None:
        st.session_state[_ENDED] = (wanted, work)
    about, work = st.session_state.get(_ENDED, (None, None))
    if recipe is None or about != wanted or work is None or has_job(_JOB):
        return
    if work.result is None:
        say_end(work)
    else:
        _curve(draft, recipe, work.result)


def _begin(recipe: Recipe) -> None:
    st.session_state[_ASKED] = fitted_part(recipe)

    def find(progress: Progress, cancelled: CancelCheck) -> LearningRateRange:
        return find_learning_rate(recipe, progress=progress, cancelled=cancelled)

    start(_JOB, find, "Loading TensorFlow")


def _curve(draft: Draft, recipe: Recipe, found: LearningRateRange) -> None:
    from cnnviz.figures.learning_rate_range import learning_rate_chart  # brings Plotly

    own, rate = recipe.fit.learning_rate, found.suggestion
    if found.losses:
        st.plotly_chart(
            learning_rate_chart(found, own),
            config=CONFIG,
            key="train_learning_rate_chart",
            alt="The loss for each learning rate" + (f"; {rate:g} is suggested" if rate else ""),
        )
    if rate is None:
        st.caption(plain(found.reason))
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Use {rate:g}",
            icon=":material/check:",
            key="train_use_learning_rate",
            disabled=rate == own,
            on_click=_take,
            args=(draft, rate),
            help="Sets the recipe's learning rate." if rate != own else "The recipe has this learning rate already.",
        )
        st.caption(
            f"Suggested {rate:g}; the recipe has {own:g}.",
            width="content",
            help="Half-way down the longest valley (fastai's rule) of the loss over the rate (L. N. Smith, "
            "arXiv:1506.01186). A rate up to ten times smaller or larger may do as well.",
        )


def _take(draft: Draft, rate: float) -> None:
    draft.put("fit.learning_rate", rate)
    reset_widgets("fit.learning_rate")
