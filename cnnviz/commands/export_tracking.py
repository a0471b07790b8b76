"""`export` of a whole run, with its metrics, for other tools: TensorBoard's event files, MLflow."""

from __future__ import annotations

import argparse
import json

from cnnviz import runs
from cnnviz.commands.model_argument import is_file, tensorflow_quiet
from cnnviz.commands.output import out_folder
from cnnviz.errors import CnnvizError, ModelError
from cnnviz.runs import Run

__all__ = ["TRACKING", "export_tracking"]

TRACKING = ("tensorboard", "mlflow")
"""What a run is written as whole; not a file's format."""


def export_tracking(chosen: argparse.Namespace, kind: str) -> int:
    """Carries out `export --format tensorboard` or `mlflow`."""
    if is_file(chosen.run):
        raise ModelError(f"A file has no metrics: --format {kind} takes a run's id.")
    if chosen.head is not None:
        raise ModelError(f"--head is for a model's file: leave it out with --format {kind}.")
    run = runs.open_run(chosen.run)
    if run.active:
        raise CnnvizError(f"Run {run.id} is {run.state}: export it when it has ended.")
    return (_tensorboard if kind == "tensorboard" else _mlflow)(run, chosen)


def _tensorboard(run: Run, chosen: argparse.Namespace) -> int:
    from cnnviz.tracking.event_file import is_event_file, require_tensorboard
    from cnnviz.tracking.tensorboard_events import write_run

    require_tensorboard()
    if chosen.out is None or chosen.to is not None:
        raise CnnvizError("--format tensorboard writes into a folder: say which by --out DIR.")
    out = out_folder(chosen.out)
    if any(map(is_event_file, out.rglob("*"))):
        raise CnnvizError(f"--out is {chosen.out!r}, which holds event files already: name another folder.")
    try:
        write_run(run, out, _graph(run))
    except OSError as error:
        raise CnnvizError(f"No event files can be written to {out}: {error.strerror or error}.") from None
    print(json.dumps({"out": str(out), "run": run.id, "format": "tensorboard"}) if chosen.json else _told(str(out)))
    return 0


def _told(out: str) -> str:
    return f"{out}: look at it with `tensorboard --logdir {out}`"


def _graph(run: Run) -> bytes | None:
    """The run's model as a graph; `None` where there is none that can be read."""
    from cnnviz.tracking.tensorboard_events import graph_def

    if run.recipe is None or not run.best_path.is_file():
        return None
    try:
        with tensorflow_quiet():
            from cnnviz.models.graph.layer_list import layer_list
            from cnnviz.models.load.load import load_run

            return graph_def(layer_list(load_run(run).model))
    except ModelError:
        return None


def _mlflow(run: Run, chosen: argparse.Namespace) -> int:
    from cnnviz.tracking.mlflow_export import export_to_mlflow

    if chosen.to is None or chosen.out is not None:
        raise CnnvizError("--format mlflow sends a run to a tracking server: say which by --to URI.")
    made = export_to_mlflow(run, chosen.to, chosen.experiment)
    if chosen.json:
        print(json.dumps({"to": chosen.to, "run": run.id, "format": "mlflow", "mlflow_run": made}))
    else:
        print(f"{run.id} is run {made} of MLflow's experiment {chosen.experiment!r} at {chosen.to}.")
    return 0
