"""A run in MLflow, by its client: metrics by step, parameters of the recipe, the model's file and the report."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cnnviz import __version__
from cnnviz.errors import CnnvizError, short
from cnnviz.runs import Run, metrics, notes
from cnnviz.runs.compare import name_of
from cnnviz.temporary import own_name, room_for
from cnnviz.tracking.model_card import model_card
from cnnviz.tracking.tensorboard_events import hyperparameters

__all__ = ["export_to_mlflow"]

_SERVERS = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks", "databricks-uc")
_AT_ONCE = 1000
"""Metrics in one request, as MLflow allows."""
_PARAMS_AT_ONCE = 100
_LONGEST_PARAM = 500
_UNSOUND = re.compile(r"[^\w./: -]")


def export_to_mlflow(run: Run, uri: str, experiment: str = "cnnviz") -> str:
    """Sends an ended run to a tracking server and returns the id that it has there.

    Metrics go by epoch, with Keras's names; those of the test images as `test_…`. A run that can't be sent whole is
    marked as failed there.

    Args:
        run: whose.
        uri: the server's address, or `sqlite:///FILE`.
        experiment: the experiment's name there, which is made where there is none.

    Raises:
        CnnvizError: MLflow isn't installed, `uri` is no server's, it can't be reached, or refuses something.
    """
    scheme = uri.partition("://")[0].partition("+")[0].lower() if "://" in uri else uri.lower()
    if scheme not in _SERVERS:
        raise CnnvizError(
            f"--to is {uri!r}: MLflow's store of plain files is given up; expected a server's address such as "
            "http://127.0.0.1:5000, or sqlite:///mlflow.db."
        )
    try:
        with _impatient():
            import mlflow  # noqa: F401
            from mlflow.exceptions import MlflowException
            from mlflow.tracking import MlflowClient
    except ImportError:
        raise CnnvizError("MLflow's client isn't installed: pip install -r requirements-export.txt.") from None
    try:
        with _impatient():
            return _send(MlflowClient(tracking_uri=uri), run, experiment)
    except MlflowException as error:
        raise CnnvizError(f"MLflow at {short(uri)} refuses the run: {short(error, 200)}.") from None
    except ModuleNotFoundError as error:
        raise CnnvizError(f"MLflow needs {error.name} for {short(uri)}: pip install {error.name}.") from None
    except Exception as error:  # SQLAlchemy's, requests' and boto's own, of which MLflow lets through what it likes
        raise CnnvizError(f"MLflow at {short(uri)} can't be used: {short(error, 200)}.") from None


def _send(client: Any, run: Run, experiment: str) -> str:
    from mlflow.entities import Metric, Param

    found = client.get_experiment_by_name(experiment)
    where = found.experiment_id if found is not None else client.create_experiment(experiment)
    began = int((run.written.started or run.written.created) * 1000)
    tags = {"cnnviz.run": run.id, "cnnviz.version": __version__, "cnnviz.state": run.state}
    written = notes.read(run.folder)
    tags |= {f"cnnviz.tag.{_sound(tag)}": "true" for tag in written.tags}
    tags |= {"mlflow.note.content": written.note} if written.note else {}
    made = client.create_run(where, start_time=began, tags=tags, run_name=name_of(run)).info.run_id
    try:
        settings = hyperparameters(run.recipe) if run.recipe is not None else {}
        params = [Param(_sound(name), str(value)[:_LONGEST_PARAM]) for name, value in settings.items()]
        for start in range(0, len(params), _PARAMS_AT_ONCE):
            client.log_batch(made, params=params[start : start + _PARAMS_AT_ONCE])
        values = [
            Metric(_sound(name), value, began + int(1000 * record.get("seconds", 0)), record["epoch"])
            for record in metrics.epochs(run.metrics_path)
            for name, value in record.items()
            if name not in _NO_METRICS and isinstance(value, (int, float)) and not isinstance(value, bool)
        ]
        ended = int((run.written.ended or run.written.created) * 1000)
        last = run.written.epoch
        values += [Metric(f"test_{_sound(name)}", value, ended, last) for name, value in run.written.test.items()]
        for start in range(0, len(values), _AT_ONCE):
            client.log_batch(made, metrics=values[start : start + _AT_ONCE])
        _artifacts(client, made, run)
    except BaseException:
        client.set_terminated(made, "FAILED")
        raise
    client.set_terminated(made, "FINISHED" if run.state == "finished" else "KILLED", end_time=ended)
    return str(made)


_NO_METRICS = {"kind", "epoch", "first_epoch", "batches", "seconds"}


def _artifacts(client: Any, made: str, run: Run) -> None:
    for name in ("recipe.json", "report.json", "metrics.jsonl"):
        if (run.folder / name).is_file():
            client.log_artifact(made, str(run.folder / name))
    if run.best_path.is_file():
        client.log_artifact(made, str(run.best_path), "model")
    with room_for("the run's report"), tempfile.TemporaryDirectory(**own_name()) as place:
        files = {"README.md": model_card(run)}
        if (run.folder / "report.json").is_file() and run.recipe is not None:
            from cnnviz.figures.html_report import html_page  # brings Plotly

            files["report.html"] = html_page(run)
        for name, text in files.items():
            (Path(place) / name).write_text(text, encoding="utf-8")
            client.log_artifact(made, str(Path(place) / name))


def _sound(name: str) -> str:
    """A name as MLflow allows it."""
    return _UNSOUND.sub("_", name)[:250]


@contextmanager
def _impatient() -> Iterator[None]:
    """Lets MLflow give up in seconds on a server that isn't there, rather than in minutes; and report no use of it."""
    wanted = {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: value for name, value in wanted.items() if before[name] is None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
