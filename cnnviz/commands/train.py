"""`train`: start a run, or several that differ in the seed or the fold, and watch them, or leave them to themselves."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from cnnviz import runs
from cnnviz.commands.recipes import add_recipe_arguments, heads_follow, recipe_of
from cnnviz.commands.subcommand import add_verb
from cnnviz.data.compatibility import open_and_adapt
from cnnviz.data.review import Review, review_of_file, with_review
from cnnviz.errors import DataError, RunError
from cnnviz.files import read_bytes
from cnnviz.recipe import Recipe
from cnnviz.runs import Run
from cnnviz.runs.groups import fold_recipes, seed_recipes, spread_of
from cnnviz.runs.launch import default_engine, slots
from cnnviz.runs.progress import progress
from cnnviz.runs.status import ENGINES, Resources
from cnnviz.tracking.event_file import require_tensorboard

__all__ = ["add_engine_arguments", "add_train", "finish", "resources_of"]

POLL_SECONDS = 0.25


def add_train(verbs: argparse._SubParsersAction) -> None:
    """Adds `train`."""
    verb = add_verb(
        verbs,
        "train",
        "start a run; prints its best metrics as one JSON line when it ends",
        _train,
        "accepted for symmetry: the result is JSON anyway",
    )
    add_recipe_arguments(verb)
    verb.add_argument(
        "--review", metavar="FILE", help="of the Data page or `audit --review`: its decisions go into the recipe"
    )
    several = verb.add_mutually_exclusive_group()
    several.add_argument("--seeds", type=int, metavar="N", help="2 to 20 runs that differ in the seed alone")
    several.add_argument(
        "--folds", type=int, metavar="K", help="cross-validation: 2 to 20 runs, each validates on a fold"
    )
    verb.add_argument("--detach", action="store_true", help="return at once; the run goes on by itself")
    verb.add_argument(
        "--tensorboard",
        action="store_true",
        help="write event files into the run's folder while it trains, as with CNNVIZ_TENSORBOARD=1",
    )
    add_engine_arguments(verb)


def add_engine_arguments(verb: argparse.ArgumentParser) -> None:
    """Adds `--engine` and what a worker asks it for."""
    verb.add_argument(
        "--engine", choices=ENGINES, help="where workers run: here, or wherever Ray or Slurm put them (CNNVIZ_ENGINE)"
    )
    verb.add_argument(
        "--cpus", type=int, default=1, metavar="N", help="processors that each worker asks Ray or Slurm for"
    )
    verb.add_argument("--gpus", type=int, default=0, metavar="N", help="graphics cards, the same")
    verb.add_argument("--memory", type=float, default=0, metavar="GB", help="gigabytes of memory, the same")


def resources_of(chosen: argparse.Namespace) -> Resources:
    """Returns what `add_engine_arguments` asked for.

    Raises:
        RunError: a number is out of its range.
    """
    try:
        return Resources(cpus=chosen.cpus, gpus=chosen.gpus, memory_gb=chosen.memory)
    except ValidationError as error:
        [first, *_] = error.errors()
        field = str(first["loc"][0]).partition("_")[0]
        raise RunError(f"--{field} is {first['input']}: {first['msg'].lower()}.") from None


def _train(chosen: argparse.Namespace) -> int:
    engine, resources = chosen.engine or default_engine(), resources_of(chosen)
    wanted, settings = recipe_of(chosen)
    if chosen.tensorboard:
        require_tensorboard()
        os.environ["CNNVIZ_TENSORBOARD"] = "1"
    if chosen.review:
        wanted = wanted.model_copy(
            update={"data": with_review(wanted.data, _review(chosen.review, wanted.data.dataset))}
        )
    if chosen.folds is not None:
        wanted = fold_recipes(wanted, chosen.folds)[0]  # so that what folds need of the data is said now
    recipe, dataset = open_and_adapt(wanted, may_adapt=heads_follow(chosen.recipe, settings))
    recipes = _repeated(recipe, chosen)
    for old, new in zip(wanted.network.heads, recipe.network.heads, strict=True):
        if old != new:
            print(
                f"cnnviz: the head {old.name} ({old.units} units, {old.activation}) becomes "
                f"{new.name} ({new.units} units, {new.activation}) to fit the data.",
                file=sys.stderr,
            )
    for note in dataset.notes:
        print(f"cnnviz: {note}", file=sys.stderr)
    if len(recipes) > 1:
        started = runs.start_group(recipes, engine=engine, resources=resources)
    else:
        started = [runs.start(recipe, engine=engine, resources=resources)]
    return finish(started, chosen.detach)


def finish(started: list[Run], detach: bool) -> int:
    """Watches runs that were started until they have ended, prints what they came to and returns the exit code.

    Args:
        started: the runs.
        detach: whether they are left to themselves.
    """
    if not detach:
        started = _watch(started)
    print(json.dumps(_summary(started)))
    failed = [run for run in started if run.state in ("failed", "crashed")]
    if len(started) > 1 and (short := sum(run.state in ("stopped", "paused") for run in started)):
        print(f"cnnviz: {short} of the {len(started)} runs were stopped early and count as they are.", file=sys.stderr)
    for run in failed:
        which = f"Run {run.id} {run.state}: " if len(started) > 1 else ""
        print(
            f"cnnviz: {which}{run.written.message or f'The worker ended without a word; see {run.log_path}.'}",
            file=sys.stderr,
        )
    return 1 if failed else 0


def _repeated(recipe: Recipe, chosen: argparse.Namespace) -> list[Recipe]:
    if chosen.seeds is not None:
        return seed_recipes(recipe, chosen.seeds)
    return fold_recipes(recipe, chosen.folds) if chosen.folds is not None else [recipe]


def _summary(started: Sequence[Run]) -> dict[str, object]:
    """What is printed of a run, or of a group of runs: means and deviations of those that have the metric."""
    if len(started) == 1:
        [run] = started
        return {"run": run.id, "state": run.state, "metrics": run.written.metrics, "test": run.written.test}
    found = {"metrics": [run.written.metrics for run in started], "test": [run.written.test for run in started]}
    return {"group": started[0].written.group, "runs": [run.id for run in started]} | {
        key: {name: {"mean": one.mean, "deviation": one.deviation} for name, one in spread_of(values).items()}
        for key, values in found.items()
    }


def _review(name: str, dataset: str) -> Review:
    try:
        text = read_bytes(Path(name))
    except OSError as error:
        raise DataError(f"The review {name} can't be read: {error.strerror or error}.") from None
    return review_of_file(name, text, dataset)


def _watch(started: Sequence[Run]) -> list[Run]:
    """Shows a bar until all runs have ended; Ctrl-C asks them to stop, a second one leaves them to themselves."""
    asked, now = False, list(started)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[figures]}"),
        console=Console(stderr=True),
    ) as bars:
        bar = bars.add_task("Starting", total=1.0, left="", figures="")
        while True:
            try:
                now = [runs.open_run(run.id) for run in started]
                _show(bars, bar, now)
                if not any(run.active for run in now):
                    return now
                time.sleep(POLL_SECONDS)
            except KeyboardInterrupt:
                if asked:
                    return now
                asked = True
                for run in reversed(now):  # those that wait first, so that none of them begins meanwhile
                    _stop(run)


def _stop(run: Run) -> None:
    if runs.open_run(run.id).active:
        with suppress(RunError):  # it has just ended
            runs.request_stop(run.id)


def _show(bars: Progress, bar: TaskID, now: Sequence[Run]) -> None:
    """Shows how far the oldest run is that goes on, or the last one; the bar is of all of them."""
    at = next((at for at, run in enumerate(now) if run.active), len(now) - 1)
    which = f"Run {at + 1} of {len(now)} · " if len(now) > 1 else ""
    at_work = [progress(run).fraction if run.active else 1.0 for run in now]
    done = sum(at_work) / len(now) if len(now) > 1 else progress(now[0]).fraction
    run, far = now[at], progress(now[at])
    if far.message:
        count = f" {far.done:,}/{far.total:,}" if far.total else ""
        bars.update(bar, description=f"{which}{far.message}{count}", completed=done, left="")
        return
    rate = f"{far.images_per_second:,.0f} images/s" if far.images_per_second else ""
    best = run.written.metrics.get("val_accuracy")
    figures = f"{rate}  best val_accuracy {best:.4f}" if best is not None else rate
    left = "" if far.eta_seconds is None else f"{dt.timedelta(seconds=round(_seconds_left(now, at)))} left"
    bars.update(bar, description=f"{which}Epoch {far.epoch}/{far.epochs}", completed=done, left=left, figures=figures)


def _seconds_left(now: Sequence[Run], at: int) -> float:
    """What the run at `at` still takes, and those that wait behind it if each takes as long as it does."""
    own = progress(now[at]).eta_seconds or 0.0
    waiting = sum(run.state == "queued" for run in now)
    return own + waiting * (own + (now[at].seconds or 0.0)) / slots()
