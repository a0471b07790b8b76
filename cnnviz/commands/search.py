"""`search`: find the settings of a recipe that do best, and watch, or leave the search to itself and continue it."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import time
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from cnnviz import search as searches
from cnnviz.commands.recipes import add_recipe_arguments, heads_follow, recipe_of
from cnnviz.commands.subcommand import add_verb
from cnnviz.commands.train import add_engine_arguments, resources_of
from cnnviz.data.compatibility import open_and_adapt
from cnnviz.errors import RecipeError, RunError
from cnnviz.files import read_bytes
from cnnviz.runs import open_run
from cnnviz.runs.progress import progress
from cnnviz.search.spec import PRUNERS, SearchSpec
from cnnviz.search.store import Search, trials_of

__all__ = ["add_search"]

POLL_SECONDS = 0.5


def add_search(verbs: argparse._SubParsersAction) -> None:
    """Adds `search`."""
    verb = add_verb(
        verbs,
        "search",
        "search for the settings of a recipe that do best; prints the best trial as one JSON line when it ends",
        _search,
        "accepted for symmetry: the result is JSON anyway",
    )
    add_recipe_arguments(verb, optional=True)
    verb.add_argument("--space", metavar="FILE", help="JSON: for keys of the recipe a range or a list of choices")
    verb.add_argument("--trials", type=int, metavar="N", help="how many runs are made in all")
    verb.add_argument("--minutes", type=float, metavar="M", help="begin no trial after so many minutes")
    verb.add_argument("--metric", metavar="NAME", help="what runs are judged by; by default val_accuracy")
    verb.add_argument("--pruner", choices=PRUNERS, help="end trials early that do badly; by default none")
    verb.add_argument("--seed", type=int, metavar="N", help="of what is drawn from the space; by default 0")
    verb.add_argument("--parallel", type=int, metavar="N", help="trials at once; by default as many as CNNVIZ_SLOTS")
    verb.add_argument("--continue", dest="resumed", metavar="ID", help="continue a search that was stopped or killed")
    verb.add_argument("--detach", action="store_true", help="return at once; the search goes on by itself")
    add_engine_arguments(verb)


def _search(chosen: argparse.Namespace) -> int:
    found = _resumed(chosen) if chosen.resumed else searches.start(_spec(chosen))
    if not chosen.detach:
        found = _watch(found)
    result = found.result
    best = result.best and {"run": result.best.run, "value": result.best.value, "settings": result.best.settings}
    numbers = {"trials": result.trials, "pruned": result.pruned, "seconds": result.seconds}
    print(json.dumps({"search": found.id, "best": best, **numbers}))
    if chosen.detach:
        return 0
    if found.state == "stopped":
        again = f"`cnnviz search --continue {found.id}` goes on with it"
        print(
            f"cnnviz: the search was stopped after {result.trials} of {found.spec.trials} trials; {again}.",
            file=sys.stderr,
        )
    if result.failed:
        print(
            f"cnnviz: {result.failed} of {result.trials} trials failed; {found.run.log_path} says why.", file=sys.stderr
        )
    if found.state in ("failed", "crashed"):
        message = found.run.written.message or f"The search ended without a word; see {found.run.log_path}."
        print(f"cnnviz: {message}", file=sys.stderr)
    return 1 if found.state in ("failed", "crashed") or (result.failed and result.failed == result.trials) else 0


def _resumed(chosen: argparse.Namespace) -> Search:
    given = {"RECIPE": chosen.recipe, "--set": chosen.settings, "--space": chosen.space, "--trials": chosen.trials}
    given |= {"--minutes": chosen.minutes, "--metric": chosen.metric, "--pruner": chosen.pruner, "--seed": chosen.seed}
    given |= {"--parallel": chosen.parallel}
    if known := [name for name, value in given.items() if value not in (None, [])]:
        raise RecipeError(f"--continue goes on with what the search has; leave out {', '.join(known)}.")
    return searches.resume(chosen.resumed)


def _spec(chosen: argparse.Namespace) -> SearchSpec:
    for name, value in (("RECIPE", chosen.recipe), ("--space", chosen.space), ("--trials", chosen.trials)):
        if value is None:
            raise RecipeError(f"search needs {name}: `cnnviz search RECIPE --space FILE --trials N`, or --continue ID.")
    wanted, settings = recipe_of(chosen)
    try:
        text = read_bytes(Path(chosen.space))
    except OSError as error:
        raise RecipeError(f"The space {chosen.space} can't be read: {error.strerror or error}.") from None
    searches.parse_space(text, wanted)  # said before the data is read
    may_adapt = heads_follow(chosen.recipe, settings)
    recipe, dataset = open_and_adapt(wanted, may_adapt=may_adapt)
    given = {name: getattr(chosen, name) for name in ("trials", "minutes", "metric", "pruner", "seed", "parallel")}
    space = searches.parse_space(text, recipe)
    given = {name: value for name, value in given.items() if value is not None}
    given |= {"engine": chosen.engine, "resources": resources_of(chosen)}
    spec = searches.parse_spec({"recipe": recipe, "space": space, **given})
    for note in dataset.notes:
        print(f"cnnviz: {note}", file=sys.stderr)
    return spec


def _watch(search: Search) -> Search:
    """Shows a bar until the search has ended; Ctrl-C asks it to stop, a second one leaves it to itself."""
    asked, now = False, search
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[figures]}"))
    with Progress(*columns, console=Console(stderr=True)) as bars:
        bar = bars.add_task("Starting", total=float(search.spec.trials), figures="")
        while True:
            try:
                now = searches.open_search(search.id)
                _show(bars, bar, now)
                if not now.active:
                    return now
                time.sleep(POLL_SECONDS)
            except KeyboardInterrupt:
                if asked:
                    return now
                asked = True
                with suppress(RunError):  # it has just ended
                    searches.request_stop(search.id)


def _show(bars: Progress, bar: TaskID, search: Search) -> None:
    """Shows how many trials have ended, with what those that learn have done, and the best value."""
    result = search.result
    going = [run for run in trials_of(search) if run.active]
    parts = sum(progress(open_run(run.id)).fraction for run in going)
    best = "" if result.best is None else f"best {search.spec.metric} {result.best.value:.4f}"
    pruned = f"{result.pruned} pruned" if result.pruned else ""
    elapsed = f"{dt.timedelta(seconds=round(search.run.seconds or 0))}"
    what = "Stopping" if search.state == "stopping" else "Trial"
    bars.update(
        bar,
        description=f"{what} {min(result.trials + len(going), search.spec.trials)}/{search.spec.trials}",
        completed=min(result.trials + parts, float(search.spec.trials)),
        figures="  ".join(filter(None, (best, pruned, elapsed))),
    )
