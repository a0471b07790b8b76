"""The whole description of a search: recipe, space, budget, metric, pruning, seed. Frozen and equal to its JSON."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from cnnviz.errors import RecipeError, one_of
from cnnviz.frozen_model import Real, Record, Whole, parse_record
from cnnviz.recipe import Recipe
from cnnviz.runs.status import EngineName, Resources
from cnnviz.search.space import Space, parse_space

__all__ = ["PRUNERS", "SearchSpec", "metrics_of", "parse_spec"]

PRUNERS = ("none", "median", "hyperband")


class SearchSpec(Record):
    """A search. The first trial is the recipe as it is, where that lies in the space.

    `trials` is how many are made in all, `minutes` the time after which no more are begun and those that learn are
    pruned (`None`: no limit). `metric` is what the kept model of each run is judged by, one of `metrics_of`: a loss is
    to be small, all else large. `pruner` ends trials early that do worse than others did by the same epoch: `median`
    those below the median, `hyperband` by brackets of successive halving. At most `parallel` trials learn at the same
    time, on this machine never more than there are slots; `None` for as many as slots. `seed` is of what is drawn, not
    of the trainings. `engine` carries the trials (`None`: the default), each of which asks it for `resources`.
    """

    recipe: Recipe
    space: Space
    trials: Whole = Field(ge=1, le=10_000)
    minutes: Real | None = Field(None, gt=0, le=1_000_000)
    metric: str = "val_accuracy"
    pruner: Literal["none", "median", "hyperband"] = "none"
    seed: Whole = Field(0, ge=0, lt=2**32)
    parallel: Whole | None = Field(None, ge=1)
    engine: EngineName | None = None
    resources: Resources = Resources()

    @model_validator(mode="before")
    @classmethod
    def _read_space(cls, values: Any) -> Any:
        """Lets the space be tried on the recipe, which tells whole numbers from others."""
        if isinstance(values, dict) and "space" in values and "recipe" in values:
            recipe = Recipe.model_validate(values["recipe"])
            space = parse_space(_plain(values["space"]), recipe)
            return {**values, "recipe": recipe, "space": space}
        return values

    @model_validator(mode="after")
    def _metric_is_there(self) -> SearchSpec:
        known = metrics_of(self.recipe)
        if self.metric not in known:
            raise RecipeError(f"metric is {self.metric!r}: {one_of(self.metric, known)}.")
        return self

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        """Which way the metric is better, in Optuna's words."""
        return "minimize" if self.metric.endswith("loss") else "maximize"


def parse_spec(values: dict[str, Any]) -> SearchSpec:
    """Returns the search that a dict describes.

    Raises:
        RecipeError: one sentence that names the key and what it allows.
    """
    try:
        return parse_record(values, SearchSpec)
    except RecipeError as error:
        raise RecipeError(str(error).replace("The searchspec", "The search")) from None


def _plain(space: Any) -> Any:
    """A space whose ranges may be records already, as JSON has it."""
    if not isinstance(space, dict):
        return space
    return {key: one.model_dump() if isinstance(one, Record) else one for key, one in space.items()}


def metrics_of(recipe: Recipe) -> list[str]:
    """Returns the metrics that runs of a recipe can be judged by, by Keras's names."""
    heads = [head.name for head in recipe.network.heads]
    several = [f"val_{head}_{kind}" for head in heads for kind in ("accuracy", "loss")] if len(heads) > 1 else []
    return ["val_accuracy", "val_loss", *several]
