"""`runs`, `stop`, `pause`, `resume` and `delete`."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

from cnnviz import runs, search
from cnnviz.commands.subcommand import add_verb
from cnnviz.runs import Run
from cnnviz.search.store import Search
from cnnviz.search.store import delete as delete_search

__all__ = ["add_runs"]


def add_runs(verbs: argparse._SubParsersAction) -> None:
    """Adds `runs` and the verbs about one run."""
    add_verb(verbs, "runs", "list all runs, the newest first", _runs)
    for name, help, carry_out in (
        ("stop", "end a run, or a search, at its next batch and keep what there is", _stop),
        ("pause", "end a run's worker at its next batch, to go on later", _pause),
        ("resume", "go on with a run or a search that was paused, was stopped, failed or crashed", _resume),
        ("delete", "remove the folder of a run or of a search, whose runs stay", _delete),
    ):
        add_verb(verbs, name, help, carry_out).add_argument("run", metavar="ID")


def _runs(chosen: argparse.Namespace) -> int:
    found = runs.listing()
    if chosen.json:
        print(json.dumps([_record(run) for run in found]))
        return 0
    if not found:
        print("No runs yet; `python -m cnnviz train Q` makes one.")
    for run in found:
        epochs = run.recipe.fit.all_epochs if run.recipe else "?"
        best = run.written.metrics.get("val_accuracy")
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.written.created))
        accuracy = f"{best:.4f}" if best is not None else "–"
        print(f"{run.id:<44} {run.state:<9} {run.written.epoch:>4}/{epochs:<5} val_accuracy {accuracy:<7} {when}")
    return 0


def _record(run: Run) -> dict:
    written = run.written
    return {
        "run": run.id,
        "state": run.state,
        "pid": written.process.pid if written.process else None,
        "host": written.process.host if written.process else None,
        "engine": written.engine,
        "name": run.recipe.name if run.recipe else None,
        "dataset": run.recipe.data.dataset if run.recipe else None,
        "epoch": written.epoch,
        "epochs": run.recipe.fit.all_epochs if run.recipe else None,
        "best_epoch": written.best_epoch,
        "metrics": written.metrics,
        "test": written.test,
        "sentence": written.message,
        "search": written.search or None,
        "trial": written.trial,
        "created": written.created,
        "seconds": run.seconds,
    }


def _stop(chosen: argparse.Namespace) -> int:
    return _told(_search_or_run(chosen, search.request_stop, runs.request_stop), chosen)


def _pause(chosen: argparse.Namespace) -> int:
    return _told(_search_or_run(chosen, search.request_stop, runs.request_pause), chosen)


def _resume(chosen: argparse.Namespace) -> int:
    return _told(_search_or_run(chosen, search.resume, runs.resume), chosen)


def _search_or_run(chosen: argparse.Namespace, of_search: Callable[[str], Search], of_run: Callable[[str], Run]) -> Run:
    """Does it to the search with this id where there is one, else to the run; a search stops by pausing its runs."""
    if any(one.id == chosen.run for one in search.listing()):
        return of_search(chosen.run).run
    return of_run(chosen.run)


def _told(run: Run, chosen: argparse.Namespace) -> int:
    print(json.dumps({"run": run.id, "state": run.state}) if chosen.json else f"{run.id} is {run.state}.")
    return 0


def _delete(chosen: argparse.Namespace) -> int:
    if any(one.id == chosen.run for one in search.listing()):
        delete_search(chosen.run)
    else:
        runs.delete(chosen.run)
    print(json.dumps({"run": chosen.run, "state": "deleted"}) if chosen.json else f"{chosen.run} is deleted.")
    return 0
