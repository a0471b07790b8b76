"""`presets` and `describe`, and how every verb reads a RECIPE."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from cnnviz.architecture import describe
from cnnviz.commands.subcommand import add_verb
from cnnviz.errors import RecipeError, one_of
from cnnviz.files import read_bytes
from cnnviz.presets import PRESETS
from cnnviz.recipe import Recipe, parse, replace

__all__ = [
    "add_describe",
    "add_presets",
    "add_recipe_arguments",
    "add_settings_argument",
    "heads_follow",
    "recipe_of",
    "settings_of",
]


def add_presets(verbs: argparse._SubParsersAction) -> None:
    """Adds `presets`."""
    add_verb(verbs, "presets", "list the ready recipes", _presets)


def add_describe(verbs: argparse._SubParsersAction) -> None:
    """Adds `describe`."""
    add_recipe_arguments(add_verb(verbs, "describe", "show a recipe's layers, shapes and parameters", _describe))


def add_recipe_arguments(verb: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Adds RECIPE, which may be left out where it is `optional`, and `--set`."""
    verb.add_argument("recipe", metavar="RECIPE", nargs="?" if optional else None, help="a preset's id or a JSON file")
    add_settings_argument(verb)


def add_settings_argument(verb: argparse.ArgumentParser) -> None:
    """Adds `--set`."""
    verb.add_argument(
        "--set",
        dest="settings",
        metavar="KEY=VALUE",
        nargs="+",
        action="extend",
        default=[],
        help="change the recipe, such as --set fit.epochs=2 data.image_size=64",
    )


def recipe_of(chosen: argparse.Namespace) -> tuple[Recipe, dict[str, Any]]:
    """Returns the recipe that RECIPE and `--set` describe, and what `--set` says.

    Values are JSON where they can be read as such, else text.

    Raises:
        RecipeError: it is neither a preset nor a file, or not valid.
    """
    if chosen.recipe in PRESETS:
        recipe = PRESETS[chosen.recipe]
    else:
        path = Path(chosen.recipe)
        if not path.is_file():
            raise RecipeError(
                f"{chosen.recipe!r} is no preset and no file: {one_of(chosen.recipe, PRESETS)}, or a path."
            )
        try:
            recipe = parse(read_bytes(path))
        except OSError as error:
            raise RecipeError(f"{chosen.recipe} can't be read: {error.strerror or error}.") from None
    settings = settings_of(chosen)
    return (replace(recipe, settings) if settings else recipe), settings


def heads_follow(name: str, settings: dict[str, Any]) -> bool:
    """Returns whether a RECIPE's heads may be made to fit its data: those of presets, and where `--set` names other
    data, unless it names heads."""
    heads_named = any(key.startswith("network.heads") for key in settings)
    return not heads_named and (name in PRESETS or "data.dataset" in settings)


def settings_of(chosen: argparse.Namespace) -> dict[str, Any]:
    """Returns what `--set` says, by dotted path.

    Raises:
        RecipeError: a part of it isn't KEY=VALUE.
    """
    settings = {}
    for text in chosen.settings:
        key, sign, value = text.partition("=")
        if not sign or not key:
            raise RecipeError(f"--set got {text!r}; expected KEY=VALUE such as fit.epochs=2.")
        try:
            settings[key] = json.loads(value)
        except ValueError:
            settings[key] = value
    return settings


def _presets(chosen: argparse.Namespace) -> int:
    rows = [
        {
            "id": name,
            "name": recipe.name,
            "dataset": recipe.data.dataset,
            "parameters": sum(row.parameters for row in describe(recipe.network, recipe.data.input_shape)),
        }
        for name, recipe in PRESETS.items()
    ]
    if chosen.json:
        print(json.dumps(rows))
        return 0
    for row in rows:
        print(f"{row['id']:<3} {row['parameters']:>10,}  {row['dataset']:<14} {row['name']}")
    return 0


def _describe(chosen: argparse.Namespace) -> int:
    recipe, _ = recipe_of(chosen)
    rows = describe(recipe.network, recipe.data.input_shape)
    total, trainable = sum(row.parameters for row in rows), sum(row.trainable for row in rows)
    if chosen.json:
        layers = [
            {"name": r.name, "type": r.type, "output_shape": list(r.output_shape), "parameters": r.parameters}
            for r in rows
        ]
        print(json.dumps({"parameters": total, "trainable": trainable, "layers": layers}))
        return 0
    print(f"{'layer':<28} {'type':<24} {'output':<16} {'parameters':>12}")
    for row in rows:
        shape = "×".join(map(str, row.output_shape))
        print(f"{row.name:<28} {row.type:<24} {shape:<16} {row.parameters:>12,}")
    print(f"{total:,} parameters, {trainable:,} trainable")
    return 0
