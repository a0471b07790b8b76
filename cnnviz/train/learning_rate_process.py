"""A learning-rate range test in a process of its own, so that whoever asks for it loads no TensorFlow."""

from __future__ import annotations

from cnnviz.errors import RunError
from cnnviz.json_process import json_lines
from cnnviz.learning_rate_range import LearningRateRange, learning_rate_range
from cnnviz.progress import CancelCheck, Progress
from cnnviz.recipe import Fit, Recipe

__all__ = ["find_learning_rate", "fitted_part"]


def fitted_part(recipe: Recipe) -> Recipe:
    """Returns the recipe with nothing but what the range test of its first stage depends on: recipes with the same part
    have the same curve."""
    fit = recipe.fit
    kept = Fit(
        optimizer=fit.optimizer,
        weight_decay=fit.weight_decay,
        batch_size=fit.batch_size,
        class_weight=fit.class_weight,
    )
    return recipe.model_copy(update={"name": "", "fit": kept})


def find_learning_rate(
    recipe: Recipe, *, progress: Progress | None = None, cancelled: CancelCheck | None = None
) -> LearningRateRange:
    """Fits a recipe's first stage while the learning rate grows, see `learning_rate_ramp`.

    Args:
        recipe: whose; its own learning rate doesn't count.
        progress: called with what is done, how much and of how much.
        cancelled: asked now and then; `True` kills the process.

    Raises:
        RunError: data or weights can't be used, or the process has ended without a word.
        Cancelled: `cancelled` said so.
    """
    tell: Progress = progress or (lambda what, done, total: None)
    tell("Loading TensorFlow", 0, 0)
    rates, losses, steps = list[float](), list[float](), 0
    said: dict = {}
    for said in json_lines(
        "cnnviz.train.learning_rate_finder", fitted_part(recipe).model_dump_json(), cancelled=cancelled
    ):
        if "progress" in said:
            tell(*said["progress"])
        elif "steps" in said:
            steps = said["steps"]
        elif "rate" in said:
            rates.append(said["rate"])
            losses.append(said["loss"])
            tell("Raising the learning rate", len(rates), steps)
    if "error" in said:
        raise RunError(said["error"])
    if "done" not in said:
        raise RunError(
            "The learning-rate finder ended unexpectedly; the memory may not have been enough for this model and batch."
        )
    return learning_rate_range(rates, losses)
