"""`branch`: a run that goes on from an epoch of another with changed settings."""

from __future__ import annotations

import argparse

from cnnviz import runs
from cnnviz.commands.recipes import add_settings_argument, settings_of
from cnnviz.commands.subcommand import add_verb
from cnnviz.commands.train import add_engine_arguments, finish, resources_of
from cnnviz.errors import RunError
from cnnviz.recipe import replace
from cnnviz.runs.branch import branch
from cnnviz.runs.resume_checkpoint import epochs_to_branch_from

__all__ = ["add_branch"]


def add_branch(verbs: argparse._SubParsersAction) -> None:
    """Adds `branch`."""
    verb = add_verb(
        verbs,
        "branch",
        "go on from a kept epoch of a run with changed settings, as a new run; prints as `train` does",
        _branch,
        "accepted for symmetry: the result is JSON anyway",
    )
    verb.add_argument("run", metavar="ID", help="the run that it branches from")
    verb.add_argument("--epoch", type=int, metavar="N", help="after which epoch; by default the last that is kept")
    add_settings_argument(verb)
    verb.add_argument("--detach", action="store_true", help="return at once; the run goes on by itself")
    add_engine_arguments(verb)


def _branch(chosen: argparse.Namespace) -> int:
    run = runs.open_run(chosen.run)
    recipe = replace(runs.recipe_of(run, "so nothing can branch from it"), settings_of(chosen))
    kept = epochs_to_branch_from(run.folder)
    if not kept:
        raise RunError(f"Run {run.id} keeps no epoch that a run could go on from.")
    epoch = kept[-1] if chosen.epoch is None else chosen.epoch
    return finish([branch(run.id, epoch, recipe, engine=chosen.engine, resources=resources_of(chosen))], chosen.detach)
