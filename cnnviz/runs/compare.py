"""What recipes have in common and where they differ, in words short enough for a table."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel

from cnnviz.architecture import describe
from cnnviz.backbones import BACKBONES
from cnnviz.files import read_json
from cnnviz.model_spec import ModelSpec
from cnnviz.policy import Policy
from cnnviz.presets import PRESETS
from cnnviz.recipe import Data, Recipe
from cnnviz.runs import notes
from cnnviz.runs.store import Run

__all__ = [
    "data_name",
    "differences",
    "different_data",
    "labels",
    "name_of",
    "no_recipe",
    "parameters",
    "run_before",
    "settings",
    "short_model",
]

ABSENT = "–"
_ENDINGS = {"GlobalAveragePooling2D": "average", "Reshape": "reshape"}


def name_of(run: Run) -> str:
    """Returns what the run is called: by the person, else by its recipe, else its data and model, else its id.

    A preset's name stands for the preset's data and model; a recipe that has others isn't called by it.
    """
    if own := notes.read(run.folder).name:
        return own
    if run.recipe is None:
        return run.id
    named, preset = run.recipe.name.strip(), _preset(run.recipe.name.strip())
    if named and (preset is None or _same_kind(preset, run.recipe)):
        return named
    return f"{data_name(run.recipe)} · {short_model(run.recipe.network)}"


def no_recipe(run: Run) -> str:
    """Returns what stands in the place of a run's data where it has no recipe."""
    return "imported" if run.written.imported else "unreadable recipe"


def run_before(run: Run, listed: Sequence[Run]) -> Run | None:
    """Returns the newest earlier run of the same recipe with other images left out, relabelled or moved, or none;
    `None` where there is no such run, or where this one's recipe does none of that."""
    if run.recipe is None or _edits(run.recipe) == _NO_EDITS:
        return None
    wanted = _unedited(run.recipe)
    earlier = [
        one
        for one in listed
        if one.recipe is not None
        and one.written.created < run.written.created
        and _edits(one.recipe) != _edits(run.recipe)
        and _unedited(one.recipe) == wanted
    ]
    return max(earlier, key=lambda one: one.written.created, default=None)


def _edits(recipe: Recipe) -> dict[str, Any]:
    return {name: getattr(recipe.data, name) for name in _COUNTED}


def _unedited(recipe: Recipe) -> Recipe:
    return recipe.model_copy(update={"name": "", "data": recipe.data.model_copy(update=_NO_EDITS)})


def data_name(recipe: Recipe) -> str:
    """Returns what a recipe's data set is called: its own name, or the last part of its path."""
    return PurePath(recipe.data.dataset).name or recipe.data.dataset


def _preset(name: str) -> Recipe | None:
    return next((preset for preset in PRESETS.values() if preset.name == name), None)


def _same_kind(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes are of one model on one data set."""
    return one.data.dataset == other.data.dataset and short_model(one.network) == short_model(other.network)


def labels(runs: Sequence[Run]) -> dict[str, str]:
    """Returns for each run's id a name that no other of these runs has: those of one name are told apart by what
    differs between their recipes, else by when they began, else by their ids."""
    alike: dict[str, list[Run]] = {}
    for run in runs:
        alike.setdefault(name_of(run), []).append(run)
    told = {}
    for name, group in alike.items():
        parts = _apart(group) if len(group) > 1 else {}
        for run in group:
            told[run.id] = " · ".join(filter(None, [name, parts.get(run.id, "")]))
    when = {run.id: time.strftime("%Y-%m-%d %H:%M", time.localtime(run.written.created)) for run in runs}
    for more in (when, {run.id: run.id[-4:] for run in runs}, {run.id: run.id for run in runs}):
        often = Counter(told.values())
        told = {key: f"{name} · {more[key]}" if often[name] > 1 else name for key, name in told.items()}
    return {run.id: told[run.id] for run in runs}


def _apart(group: Sequence[Run]) -> dict[str, str]:
    """For each run's id in what it differs from the others, in few words; "" where that is nothing."""
    recipes = {run.id: run.recipe for run in group if run.recipe is not None}
    rows = differences(recipes)
    if any(key.startswith("augmentation.") for key in rows):
        rows = {key: row for key, row in rows.items() if not key.startswith("augmentation.")}
        rows["augmentation"] = {run: _augmented(recipe) for run, recipe in recipes.items()}
    if "network.layers" in rows:
        rows["network.layers"] = {run: short_model(recipe.network) for run, recipe in recipes.items()}
    keys = sorted(rows, key=lambda key: (key not in _FIRST, _FIRST.index(key) if key in _FIRST else 0))[:_MOST_TOLD]
    return {
        run: ", ".join(_words(key, rows[key][run]) for key in keys if rows[key].get(run, ABSENT) != ABSENT)
        for run in recipes
    }


_FIRST = ("fit.learning_rate", "augmentation", "network.layers", "fit.epochs", "seed", "data.fold")
"""What tells runs apart before all else."""
_MOST_TOLD = 3


def _augmented(recipe: Recipe) -> str:
    return ", ".join(step.type.replace("_", " ") for step in recipe.augmentation.steps) or "none"


def _words(key: str, value: str) -> str:
    """A setting in a name: "learning rate 0.05"."""
    name = "" if key == "network.layers" else key.rpartition(".")[2].replace("_", " ")
    short = value if len(value) <= _LONGEST_TOLD else value[: _LONGEST_TOLD - 1] + "…"
    return f"{name} {short}".strip()


_LONGEST_TOLD = 40


@lru_cache(maxsize=4096)
def short_model(spec: ModelSpec) -> str:
    """Returns a model in a few words, such as "conv 32 64 · dense 64 → 10" or "VGG16 · dense 256 → 1"."""
    parts: list[tuple[str, list[str]]] = []
    for layer in spec.layers:
        if layer.type in ("Conv2D", "Dense"):
            word, number = ("conv", layer.filters) if layer.type == "Conv2D" else ("dense", layer.units)
            if parts and parts[-1][0] == word:
                parts[-1][1].append(str(number))
            else:
                parts.append((word, [str(number)]))
        elif layer.type in _ENDINGS:
            parts.append((_ENDINGS[layer.type], []))
    if spec.backbone is not None:
        parts.insert(0, (BACKBONES[spec.backbone.name].title, []))
    words = " · ".join(" ".join([word, *numbers]) for word, numbers in parts)
    heads = " + ".join(str(head.units) for head in spec.heads)
    return f"{words} → {heads}" if words else f"→ {heads}"


@lru_cache(maxsize=4096)
def parameters(spec: ModelSpec, input_shape: tuple[int, int, int]) -> int:
    """Returns how many numbers the model has, all of them counted."""
    return sum(row.parameters for row in describe(spec, input_shape))


def settings(recipe: Recipe, *, apart: bool = False) -> dict[str, str]:
    """Returns all that a recipe says, in order: dotted key → its value as text.

    Layers, heads and augmentation steps are one text each, as their numbers mean little without their neighbours; or,
    where they are to stand `apart`, one for each of several.
    """
    found: dict[str, str] = {}
    for section in ("data", "augmentation", "network", "fit"):
        _collect(section, getattr(recipe, section), found, apart)
    found["seed"] = str(recipe.seed)
    return found


def _collect(path: str, value: Any, found: dict[str, str], apart: bool) -> None:
    if isinstance(value, (Policy, ModelSpec)):
        rest = {name: getattr(value, name) for name in type(value).model_fields if name not in _LISTS}
        for name, inner in rest.items():
            _collect(f"{path}.{name}", inner, found, apart)
        for name in _LISTS & set(type(value).model_fields):
            items = list(map(_item, getattr(value, name)))
            if apart and len(items) > 1:
                found |= {f"{path}.{name}.{at}": item for at, item in enumerate(items)}
            else:
                found[f"{path}.{name}"] = " → ".join(items) or "none"
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            _collect(f"{path}.{name}", getattr(value, name), found, apart)
    else:
        found[path] = _text(value) if path != "data.fold" or value is None else f"{value[0]} of {value[1]}"


_LISTS = frozenset({"layers", "heads", "steps"})


def _item(record: BaseModel) -> str:
    """A layer, head or step with what it doesn't have by default: "Conv2D(32, padding same)"."""
    values = {
        name: _text(value)
        for name, value in record.model_dump(exclude={"type"}).items()
        if record.__class__.model_fields[name].default != value
    }
    first = next((values.pop(name) for name in ("filters", "units", "pool_size", "rate") if name in values), None)
    title = getattr(record, "type", None) or values.pop("name", "label")
    inner = ", ".join(filter(None, [first, *(f"{name} {value}" for name, value in values.items())]))
    return f"{title}({inner})" if inner else title


def _text(value: Any) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return _text(tuple(value))
    if isinstance(value, tuple) and all(isinstance(one, str) for one in value):
        return f"{len(value):,} images" if len(value) > 1 else value[0] if value else ABSENT
    if isinstance(value, (tuple, list)):
        return "×".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def differences(recipes: Mapping[str, Recipe]) -> dict[str, dict[str, str]]:
    """Returns the settings in which recipes differ: dotted key → label of the recipe → value.

    Args:
        recipes: by label; fewer than two differ in nothing.
    """
    told = {label: settings(recipe) for label, recipe in recipes.items()}
    keys = dict.fromkeys(key for values in told.values() for key in values)
    rows = {key: {label: values.get(key, ABSENT) for label, values in told.items()} for key in keys}
    unlike = {f"data.{name}" for name in _COUNTED if len({getattr(one.data, name) for one in recipes.values()}) > 1}
    return {key: row for key, row in rows.items() if len(set(row.values())) > 1 or key in unlike}


_COUNTED = ("without", "labels", "splits")
_NO_EDITS = {name: Data.model_fields[name].get_default() for name in _COUNTED}
"""What of a recipe's data is told by its number, so that others may read alike."""


def different_data(runs: Sequence[Run]) -> str:
    """Returns the sentence that warns of runs on different images or labels, "" where nothing says that they are.

    The fingerprints in their reports decide where all have one, and otherwise what their recipes say of the data; the
    form in which images are taken (size, channels, crop) is no difference.
    """
    known = [run for run in runs if run.recipe is not None]
    prints = {run.id: _fingerprint(run) for run in known}
    unlike = len({mark for mark in prints.values() if mark}) > 1
    rows = differences({run.id: run.recipe for run in known if run.recipe is not None})
    reasons = [
        f"{title} ({', '.join(dict.fromkeys(rows[key].values()))})" for key, title in _DATA.items() if key in rows
    ]
    if not unlike and (not reasons or all(prints.values())):
        return ""
    what = "; ".join(reasons) or "images or labels have changed between them"
    return f"These runs are not on the same data: {what}. Their metrics may differ for that reason alone."


_DATA = {
    "data.dataset": "different data sets",
    "data.split_seed": "splits of different seeds",
    "data.fold": "different folds for validation",
    "data.validation_share": "different shares for validation",
    "data.test_share": "different shares for the test",
    "data.limits.train": "at most so many training images",
    "data.limits.validation": "validation images",
    "data.limits.test": "test images",
    "data.balanced": "classes balanced",
    "data.without": "images left out",
    "data.labels": "images relabelled",
    "data.splits": "images moved",
}
"""What decides which images a run is on, in words."""


def _fingerprint(run: Run) -> str:
    """The data's fingerprint as the run's report has it, "" where there is none."""
    report = read_json(run.folder / "report.json")
    data = report.get("data") if isinstance(report, dict) else None
    mark = data.get("sha256") if isinstance(data, dict) else None
    return mark if isinstance(mark, str) else ""
