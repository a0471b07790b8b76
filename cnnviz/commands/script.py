"""`script`: a run or recipe as a standalone Keras script."""

from __future__ import annotations

import argparse
import json

from cnnviz import runs
from cnnviz.codegen.script import keras_script
from cnnviz.commands.output import out_file, write_file
from cnnviz.commands.subcommand import add_verb
from cnnviz.data.resolve import place_of
from cnnviz.errors import RunError
from cnnviz.presets import PRESETS

__all__ = ["add_script"]


def add_script(verbs: argparse._SubParsersAction) -> None:
    """Adds `script`."""
    verb = add_verb(verbs, "script", "write a run as a Keras script that needs no cnnviz", _script)
    verb.add_argument("run", metavar="RUN", help="the run's id, or a preset's")
    verb.add_argument("--out", metavar="FILE", required=True, help="the .py file to write")


def _script(chosen: argparse.Namespace) -> int:
    out = out_file(chosen.out, ".py", "it is a Python script")
    recipe = PRESETS[chosen.run] if chosen.run in PRESETS else runs.open_run(chosen.run).recipe
    if recipe is None:
        raise RunError(f"The recipe of {chosen.run} can't be read.")
    text = keras_script(recipe, place_of(recipe.data.dataset))
    write_file(out, text.encode())
    print(json.dumps({"out": str(out)}) if chosen.json else f"{out}: run it with `python {out}`.")
    return 0
