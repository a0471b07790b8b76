"""`learning-rate`: which learning rate suits a recipe, by a range test of some 20 seconds."""

from __future__ import annotations

import argparse
import json
import time

from cnnviz.commands.progress_bar import progress_bar
from cnnviz.commands.recipes import add_recipe_arguments, heads_follow, recipe_of
from cnnviz.commands.subcommand import add_verb
from cnnviz.data.compatibility import open_and_adapt
from cnnviz.train.learning_rate_process import find_learning_rate

__all__ = ["add_learning_rate"]


def add_learning_rate(verbs: argparse._SubParsersAction) -> None:
    """Adds `learning-rate`."""
    add_recipe_arguments(
        add_verb(verbs, "learning-rate", "suggest a recipe's learning rate by a range test", _learning_rate)
    )


def _learning_rate(chosen: argparse.Namespace) -> int:
    wanted, settings = recipe_of(chosen)
    recipe, _ = open_and_adapt(wanted, may_adapt=heads_follow(chosen.recipe, settings))
    began = time.monotonic()
    with progress_bar() as progress:
        found = find_learning_rate(recipe, progress=progress)
    seconds = round(time.monotonic() - began, 1)
    if chosen.json:
        told = {"suggestion": found.suggestion, "rates": found.rates, "losses": found.losses, "seconds": seconds}
        print(json.dumps({**told, "note": found.reason or None}))
    elif found.suggestion is None:
        print(f"no suggestion; {found.reason}")
    else:
        print(f"suggested {found.suggestion:g}; the recipe has {recipe.fit.learning_rate:g} ({seconds:.0f} s)")
    return 0
