"""Which fields of a recipe can be searched, each with a range or choices that suggest themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel

from cnnviz.errors import RecipeError
from cnnviz.policy import POLICIES, STEPS, Step
from cnnviz.recipe import Recipe, replace
from cnnviz.search.space import Choices, Range, parse_space, searchable, value_at

__all__ = ["Field", "fields_of"]

_NO_SETTINGS = ("type", "name", "target_shape", "fill_value")
_FIRST = ("fit.learning_rate", "fit.optimizer", "fit.batch_size", "augmentation")
"""What searches begin with most, at the head of the list."""


@dataclass(frozen=True)
class Field:
    """A field that can be searched.

    Attributes:
        key: dotted, as in a space.
        value: the recipe's own, as JSON.
        suggestion: a range or choices round it that the recipe takes.
    """

    key: str
    value: Any
    suggestion: Range | Choices


@lru_cache(maxsize=32)
def fields_of(recipe: Recipe) -> tuple[Field, ...]:
    """Returns the fields of a recipe that can be searched, the most usual first.

    Example:
        >>> from cnnviz.presets import PRESETS
        >>> fields_of(PRESETS["Q"])[0]
        Field(key='fit.learning_rate', value=0.003, suggestion=Range(low=0.0003, high=0.03, log=True, step=None))
    """
    found = dict[str, Field]()
    for key, part in _suggestions(recipe):
        if searchable(key) and (sound := _sound(key, part, recipe)) is not None:
            found[key] = Field(key, value_at(recipe, key), sound)
    first = [found.pop(key) for key in _FIRST if key in found]
    return (*first, *found.values())


def _suggestions(recipe: Recipe) -> Iterator[tuple[str, Range | Choices]]:
    yield "augmentation", tuple(POLICIES)
    yield "data.image_size", _sizes(recipe.data.image_size)
    for part in ("fit", "network.backbone", "network", "augmentation", "data"):
        record: Any = recipe
        for name in part.split("."):
            record = getattr(record, name)
        if record is not None:
            yield from _of_record(record, part)


def _sizes(size: tuple[int, int]) -> Choices:
    return tuple([max(4, round(side * factor)) for side in size] for factor in (0.5, 0.75, 1, 1.5))


def _of_record(record: BaseModel, prefix: str) -> Iterator[tuple[str, Range | Choices]]:
    for name, field in type(record).model_fields.items():
        key, value = f"{prefix}.{name}", getattr(record, name)
        if name in _NO_SETTINGS:
            continue
        if isinstance(value, BaseModel) and prefix == "fit":
            yield from _of_record(value, key)
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for at, one in enumerate(value):
                yield from _of_record(one, f"{key}.{at}")
        elif isinstance(value, bool):
            yield key, (False, True)
        elif get_origin(field.annotation) is Literal:
            yield key, tuple(get_args(field.annotation))
        elif isinstance(record, Step) and name in ("low", "high") and isinstance(value, float):
            yield key, _of_step(record, name, value)
        elif name == "patience":
            yield key, (None, 3, 5, 10)
        elif isinstance(value, (int, float)):
            limits = {type(one): one for one in field.metadata}
            least = limits[Ge].ge if Ge in limits else limits[Gt].gt if Gt in limits else 0
            most = limits[Le].le if Le in limits else limits[Lt].lt if Lt in limits else float("inf")
            yield key, _round(name, value, least, most)


def _of_step(step: Step, name: str, value: float) -> Range:
    """From what changes nothing to twice as much as now, within what the step allows."""
    kind = STEPS[step.type]
    assert kind.bounds is not None  # it has low and high
    still = kind.identity if kind.identity is not None else kind.bounds[name == "high"]
    far = min(max(still + 2 * (value - still), kind.bounds[0]), kind.bounds[1])
    low, high = sorted((still, far))
    return Range(low=_short(low), high=_short(high))


def _round(name: str, value: float, least: float, most: float) -> Range | Choices:
    """A range or choices round a number: rates over orders of magnitude, shares evenly, sizes by halves and doubles."""
    if name == "weight_decay":
        return Range(low=1e-5, high=0.1, log=True) if value else Range(low=0.0, high=0.1)
    if name == "learning_rate":
        return Range(low=_short(value / 10), high=min(_short(value * 10), most), log=True)
    if isinstance(value, float):
        return Range(low=float(least), high=0.6 if name == "rate" and value <= 0.6 else float(min(1, most)))
    if name == "kernel_size":
        return tuple(sorted({value, 3, 5, 7}))
    if name in ("strides", "pool_size"):
        return tuple(sorted({value, 1, 2, 3}))
    if name == "epochs":
        return Range(low=max(1, int(value) // 2), high=int(min(2 * value, most)))
    return tuple(sorted({int(max(least, min(most, value * factor))) for factor in (0.5, 1, 2)}))


def _short(value: float) -> float:
    """A number without the rounding errors of reckoning."""
    return float(f"{value:.3g}")


def _sound(key: str, part: Range | Choices, recipe: Recipe) -> Range | Choices | None:
    """What the recipe takes of a suggestion, or `None`."""
    if isinstance(part, Range):
        value: Any = part.model_dump()
    else:
        value = [choice for choice in part if _takes(recipe, key, choice)]
    try:
        return parse_space({key: value}, recipe)[key]
    except RecipeError:
        return None


def _takes(recipe: Recipe, key: str, choice: Any) -> bool:
    try:
        replace(recipe, {key: choice})
    except RecipeError:
        return False
    return True
