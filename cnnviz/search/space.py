"""What a search may change of a recipe: for each dotted key a range of numbers or a list of choices."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, JsonValue

from cnnviz.errors import RecipeError, short
from cnnviz.frozen_model import FrozenDict, Record, parse_record
from cnnviz.recipe import Recipe, replace

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

__all__ = [
    "EXAMPLE",
    "Choices",
    "Range",
    "Space",
    "contains",
    "label_of",
    "parse_space",
    "present_parameters",
    "searchable",
    "settings_of",
    "suggest",
    "value_at",
]

EXAMPLE = '{"fit.learning_rate": {"low": 1e-4, "high": 1e-2, "log": true}, "fit.optimizer": ["adam", "sgd"]}'
MOST_CHOICES = 100
_SEARCHABLE = ("augmentation", "network.backbone", "network.scaling", "network.layers", "fit")
_SEARCHABLE_DATA = ("data.image_size", "data.channels", "data.crop")
_FIXED = ("fit.monitor",)


def _number(value: Any) -> Any:
    """Refuses what is no finite number; whole ones stay whole."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("it should be a number")
    return value


Number = Annotated[int | float, BeforeValidator(_number)]


class Range(Record):
    """Numbers from `low` to `high`, both among them; whole ones where both are.

    With `log` each order of magnitude is as likely as the next. `step` is the distance between the numbers that may be
    drawn, counted from `low`; `None` allows all.
    """

    low: Number
    high: Number
    log: bool = False
    step: Number | None = None

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are drawn."""
        return isinstance(self.low, int)


Choices = tuple[JsonValue, ...]
Space = FrozenDict[str, Range | Choices]


def parse_space(source: str | bytes | Mapping[str, Any], recipe: Recipe) -> Space:
    """Returns the space that JSON text, or a dict of it, describes, with each key and each end tried on the recipe.

    Args:
        source: such as `EXAMPLE`.
        recipe: what is searched from.

    Raises:
        RecipeError: one sentence on the first thing that is wrong.
    """
    if isinstance(source, (str, bytes)):
        try:
            source = json.loads(source.removeprefix("\ufeff") if isinstance(source, str) else source)
        except (ValueError, RecursionError) as error:
            raise RecipeError(f"The space is not JSON: {error}.") from None
    if not isinstance(source, Mapping) or not source:
        raise RecipeError(f"The space is {short(source)}; expected a JSON object such as {EXAMPLE}.")
    space = {key: _part(key, value, recipe) for key, value in source.items()}
    for key in space:
        if inner := next((other for other in space if other.startswith(f"{key}.")), None):
            raise RecipeError(f"The space has both {key} and {inner}, which is a part of it: take one of them out.")
    return FrozenDict(space)


def searchable(key: str) -> bool:
    """Returns whether a search may change this key of a recipe: whatever decides how the same thing is learned, but
    not what is learned, which images measure it, or by which metric the best epoch is kept."""

    def within(*roots: str) -> bool:
        return any(key == root or key.startswith(f"{root}.") for root in roots)

    return within(*_SEARCHABLE, *_SEARCHABLE_DATA) and not within(*_FIXED) and key != "augmentation.name"


def value_at(recipe: Recipe, key: str) -> Any:
    """Returns the value at a dotted key that the recipe has, as JSON."""
    node: Any = recipe.model_dump(mode="json")
    for part in key.split("."):
        node = node[int(part)] if isinstance(node, list) else node[part]
    return node


def _part(key: str, value: Any, recipe: Recipe) -> Range | Choices:
    """A key's part of the space, tried on the recipe."""
    if not searchable(key):
        replace(recipe, {key: _present(recipe, key)})  # an unknown key is told first
        raise RecipeError(
            f"{key} can't be searched: the trials of a search differ in how they learn (augmentation, network.layers, "
            "fit …), not in what they learn or how that is measured."
        )
    if isinstance(value, Mapping):
        return _range(key, dict(value), recipe)
    if isinstance(value, (list, tuple)):
        return _choices(key, value, recipe)
    raise RecipeError(
        f'{key} is {short(json.dumps(value, default=str))} in the space; expected a range {{"low": …, "high": …}} '
        "or a list of choices."
    )


def _present(recipe: Recipe, key: str) -> Any:
    """The recipe's own value, or `None` where there is no such key, which `replace` then tells."""
    try:
        return value_at(recipe, key)
    except (KeyError, IndexError, ValueError, TypeError):
        return None


def _range(key: str, value: dict[str, Any], recipe: Recipe) -> Range:
    try:
        found = parse_record(value, Range)
    except RecipeError as error:
        raise RecipeError(f"The space's {key}: {error}") from None
    shown = f"{found.low:g} to {found.high:g}"
    if found.low >= found.high:
        raise RecipeError(f"The space's {key} has the empty range {shown}: low must be below high.")
    if found.log and found.low <= 0:
        raise RecipeError(f"The space's {key} is {shown} with log: low must be above 0 then.")
    if found.log and found.step is not None:
        raise RecipeError(f"The space's {key} has log and step: leave one of them out.")
    if found.step is not None and not 0 < found.step <= found.high - found.low:
        raise RecipeError(f"The space's {key} has the step {found.step:g}: choose one above 0 that fits {shown}.")
    low, high = (value_at(replace(recipe, {key: end}), key) for end in (found.low, found.high))
    if any(isinstance(end, bool) or not isinstance(end, (int, float)) for end in (low, high)):
        raise RecipeError(f"The space's {key} is no number in the recipe: give a list of choices.")
    step = found.step
    if isinstance(low, int) and step is not None and step != int(step):
        raise RecipeError(f"The space's {key} has the step {step:g}; {key} is a whole number, so that it must be one.")
    kind = int if isinstance(low, int) else float
    return Range(low=low, high=high, log=found.log, step=None if step is None else kind(step))


def _choices(key: str, value: list[Any] | tuple[Any, ...], recipe: Recipe) -> Choices:
    if not 2 <= len(value) <= MOST_CHOICES:
        raise RecipeError(f"The space's {key} has {len(value)} choices: give 2 to {MOST_CHOICES}.")
    for at, choice in enumerate(value):
        if choice in value[:at]:
            raise RecipeError(f"The space's {key} has the choice {short(json.dumps(choice))} twice.")
        replace(recipe, {key: choice})
    return tuple(value)


def contains(allowed: Range, value: Any) -> bool:
    """Returns whether a value may be drawn from a range."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not allowed.low <= value <= allowed.high:
        return False
    steps = (value - allowed.low) / (allowed.step or (1 if allowed.whole else math.inf))
    return math.isclose(steps, round(steps), abs_tol=1e-9) if allowed.step or allowed.whole else True


def present_parameters(recipe: Recipe, space: Space) -> dict[str, Any] | None:
    """Returns a recipe's own settings as Optuna's parameters, or `None` where one of them isn't in the space."""
    found = {}
    for key, allowed in space.items():
        value = value_at(recipe, key)
        if isinstance(allowed, Range):
            within = [value] if contains(allowed, value) else []
        else:  # a choice may be written otherwise than the recipe has it, such as a policy by its name
            within = [one for one in allowed if value_at(replace(recipe, {key: one}), key) == value]
        if not within:
            return None
        found[key] = label_of(within[0])
    return found


def label_of(choice: Any) -> bool | int | float | str | None:
    """Returns a choice as Optuna can keep it: a single value as it is, anything else as JSON text."""
    return choice if choice is None or isinstance(choice, (bool, int, float, str)) else json.dumps(choice)


def suggest(trial: BaseTrial, space: Space) -> dict[str, Any]:
    """Returns the settings of a trial, which Optuna draws, or has drawn before.

    Args:
        trial: Optuna's.
        space: see `parse_space`.
    """
    for key, allowed in space.items():
        if not isinstance(allowed, Range):
            trial.suggest_categorical(key, [label_of(choice) for choice in allowed])
        elif allowed.whole:
            trial.suggest_int(key, int(allowed.low), int(allowed.high), step=int(allowed.step or 1), log=allowed.log)
        else:
            trial.suggest_float(key, allowed.low, allowed.high, step=allowed.step, log=allowed.log)
    return settings_of(trial.params, space)


def settings_of(parameters: Mapping[str, Any], space: Space) -> dict[str, Any]:
    """Returns Optuna's parameters as settings of the recipe, see `recipe.replace`."""
    settings = {}
    for key, value in parameters.items():
        allowed = space.get(key)
        known = {} if allowed is None or isinstance(allowed, Range) else {label_of(one): one for one in allowed}
        settings[key] = known.get(value, value)
    return settings
