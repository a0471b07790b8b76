"""`train`: start a run and watch it, or leave it to itself."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from cnnviz import runs
from cnnviz.commands.recipes import add_recipe_arguments, recipe_of
from cnnviz.commands.subcommand import add_verb
from cnnviz.data.compatibility import open_and_adapt
from cnnviz.data.review import Review, review_of_file, with_review
from cnnviz.errors import DataError
from cnnviz.files import read_bytes
from cnnviz.presets import PRESETS
from cnnviz.runs import Run
from cnnviz.runs.progress import progress

__all__ = ["add_train"]

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
    verb.add_argument("--detach", action="store_true", help="return at once; the run goes on by itself")


def _train(chosen: argparse.Namespace) -> int:
    wanted, settings = recipe_of(chosen)
    if chosen.review:
        wanted = wanted.model_copy(
            update={"data": with_review(wanted.data, _review(chosen.review, wanted.data.dataset))}
        )
    heads_named = any(key.startswith("network.heads") for key in settings)
    may_adapt = not heads_named and (chosen.recipe in PRESETS or "data.dataset" in settings)
    recipe, dataset = open_and_adapt(wanted, may_adapt=may_adapt)
    for old, new in zip(wanted.network.heads, recipe.network.heads, strict=True):
        if old != new:
            print(
                f"cnnviz: the head {old.name} ({old.units} units, {old.activation}) becomes "
                f"{new.name} ({new.units} units, {new.activation}) to fit the data.",
                file=sys.stderr,
            )
    for note in dataset.notes:
        print(f"cnnviz: {note}", file=sys.stderr)
    run = runs.start(recipe)
    if not chosen.detach:
        run = _watch(run)
    print(json.dumps({"run": run.id, "state": run.state, "metrics": run.written.metrics, "test": run.written.test}))
    if run.state in ("failed", "crashed"):
        print(
            f"cnnviz: {run.written.message or f'The worker ended without a word; see {run.log_path}.'}",
            file=sys.stderr,
        )
        return 1
    return 0


def _review(name: str, dataset: str) -> Review:
    try:
        text = read_bytes(Path(name))
    except OSError as error:
        raise DataError(f"The review {name} can't be read: {error.strerror or error}.") from None
    return review_of_file(name, text, dataset)


def _watch(run: Run) -> Run:
    """Shows a bar until the run has ended; Ctrl-C asks it to stop, a second one leaves it to itself."""
    asked = False
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
                run = runs.open_run(run.id)
                _show(bars, bar, run)
                if not run.active:
                    return run
                time.sleep(POLL_SECONDS)
            except KeyboardInterrupt:
                if asked:
                    return run
                asked = True
                run = runs.request_stop(run.id) if run.active else run


def _show(bars: Progress, bar: TaskID, run: Run) -> None:
    now = progress(run)
    if now.message:
        count = f" {now.done:,}/{now.total:,}" if now.total else ""
        bars.update(bar, description=f"{now.message}{count}", completed=now.fraction, left="")
        return
    rate = f"{now.images_per_second:,.0f} images/s" if now.images_per_second else ""
    best = run.written.metrics.get("val_accuracy")
    figures = f"{rate}  best val_accuracy {best:.4f}" if best is not None else rate
    left = "" if now.eta_seconds is None else f"{dt.timedelta(seconds=round(now.eta_seconds))} left"
    bars.update(bar, description=f"Epoch {now.epoch}/{now.epochs}", completed=now.fraction, left=left, figures=figures)
