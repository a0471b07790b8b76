"""`import`: trainings of other tools, by their event files, as runs to compare with."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from cnnviz.commands.subcommand import add_verb
from cnnviz.runs import Run, notes
from cnnviz.runs.notes import Notes
from cnnviz.runs.status import State
from cnnviz.runs.store import create_imported

__all__ = ["add_import"]

SOURCE = "TensorBoard's event files"


def add_import(verbs: argparse._SubParsersAction) -> None:
    """Adds `import`."""
    verb = add_verb(
        verbs, "import", "take TensorBoard's event files in as runs to compare with", _import, "print the runs as JSON"
    )
    verb.add_argument("folder", metavar="DIR", help="a folder of event files, such as logs/, or one such file")
    verb.add_argument("--name", metavar="NAME", help="what the run is to be called (default: the folder's name)")


def _import(chosen: argparse.Namespace) -> int:
    from cnnviz.tracking.tensorboard_import import Imported, imported_of

    folder = Path(chosen.folder)
    base = chosen.name or folder.absolute().name
    made: list[Run] = []

    def take(found: Imported) -> Run:
        best = best_of(found.epochs)
        figures = {name: value for name, value in best.items() if name not in ("epoch", "seconds")}
        state = State(
            state="finished",
            created=found.began,
            started=found.began,
            ended=min(1e11, found.began + found.epochs[-1]["seconds"]),
            epoch=found.epochs[-1]["epoch"],
            best_epoch=best["epoch"],
            metrics=figures,
            test=found.test,
            imported=SOURCE,
        )
        name = f"{base}/{found.name}" if found.name else base
        run = create_imported(name, found.epochs, state)
        notes.write(run.folder, Notes(name=name, tags=("imported",)))
        return run

    for found in imported_of(folder):
        made.append(take(found))
    if chosen.json:
        told = [{"run": run.id, "epochs": run.written.epoch, "metrics": run.written.metrics} for run in made]
        print(json.dumps(told))
        return 0
    for run in made:
        print(f"{run.id}: {run.written.epoch} epochs, {', '.join(sorted(run.written.metrics))}")
    return 0


def best_of(epochs: tuple[dict, ...]) -> dict:
    """Returns the record of the best epoch: by the accuracy on held-out images, else by their loss, else the last."""
    for name, sign in (("val_accuracy", 1), ("val_loss", -1), ("accuracy", 1), ("loss", -1)):
        if having := [record for record in epochs if name in record]:
            return max(having, key=lambda record: sign * record[name])
    return epochs[-1]
