"""A run as TensorBoard reads it: its metrics, its snapshots as images, its model as a graph, its recipe as HParams.

The files lie as Keras's own callback lays them: `train/` and `validation/` with `epoch_loss` and so on by the epoch's
index from 0, `batch_loss` by the batch; images and HParams beside them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from cnnviz.recipe import Recipe
from cnnviz.runs import Run, metrics, snapshots
from cnnviz.tracking.event_file import EventFile, is_event_file

__all__ = ["RunEvents", "finish", "graph_def", "hyperparameters", "write_run"]

_NO_METRICS = {
    "kind",
    "epoch",
    "first_epoch",
    "batch",
    "batches",
    "seconds",
    "warm_epoch_seconds",
    "time",
}
_LONGEST = 500


class RunEvents:
    """Writes what a run has to tell, as far as it isn't written yet, whenever it is asked to.

    Where the folder has files of the run already, as after a pause, all is written anew, and says that it replaces
    them (`SessionLog.START`), so that an epoch that was repeated is read once.

    Args:
        run: whose.
        folder: where the files go.

    Raises:
        OSError: a file can't be made.
    """

    def __init__(self, run: Run, folder: Path) -> None:
        first = 0 if any(map(is_event_file, folder.glob("*"))) else None
        self._run = run
        self._root = EventFile(folder, first)
        self._train, self._validation = EventFile(folder / "train", first), EventFile(folder / "validation", first)
        self._closed = False
        self._offset, self._began = 0, run.written.started or run.written.created
        self._probe: snapshots.Probe | None = None
        self._taken: list[snapshots.Snapshot] = []
        if run.recipe is not None:
            self._start(run.recipe)

    def graph(self, graph: bytes) -> None:
        """Adds the model, see `graph_def`."""
        self._train.graph(graph, self._began)

    def update(self, *, with_snapshots: bool = True) -> None:
        """Writes the metrics that have come since the last time, and the snapshots.

        Raises:
            OSError: they can't be written.
        """
        if self._closed:
            return
        if self._run.metrics_path.stat().st_size > self._offset:
            records, self._offset = metrics.read(self._run.metrics_path, self._offset)
            for record in records:
                if record["kind"] in ("epoch", "batch") and _counted(record):
                    self._metrics(record)
        if with_snapshots:
            self._snapshots()

    def close(self) -> None:
        """Writes what is left, as far as that is possible, and closes the files."""
        with suppress(OSError):
            self.update()
        self.give_up()

    def give_up(self) -> None:
        """Closes the files; nothing more is written."""
        self._closed = True
        for file in (self._root, self._train, self._validation):
            file.close()

    def _metrics(self, record: Mapping[str, Any]) -> None:
        when = self._began + (seconds if isinstance(seconds := record.get("seconds"), (int, float)) else 0)
        of_batch = record["kind"] == "batch"
        step = record["epoch"] - 1
        if of_batch:
            step = step * record["batches"] + record["batch"]
        for name, value in record.items():
            if name in _NO_METRICS or isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            held_out = name.startswith("val_")
            file = self._validation if held_out else self._train
            tag = f"{record['kind']}_{name.removeprefix('val_').removeprefix('epoch_')}"
            file.scalar(tag, value, step, when)

    def _snapshots(self) -> None:
        """The watched images with what the model made of them after each epoch, as in the film."""
        self._probe = self._probe or snapshots.read_probe(self._run.folder)
        if self._probe is None or self._run.recipe is None:
            return
        from cnnviz.figures.film import frame  # brings Pillow's fonts
        from cnnviz.images import to_png

        total = max(1.0, float(self._run.recipe.fit.all_epochs))
        for moment in snapshots.moments(self._run.folder):
            if moment.batch or (self._taken and moment <= self._taken[-1].moment):
                continue
            found = snapshots.read_snapshot(self._run.folder, moment, self._probe)
            if found is None:
                continue
            self._taken.append(replace(found, maps=(), kernels=None))
            for head in found.probabilities:
                picture = frame(self._probe, self._taken, head, head, total)
                self._root.image(f"snapshots/{head}", to_png(picture), picture.shape[:2], moment.epoch, time.time())

    def _start(self, recipe: Recipe) -> None:
        from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

        values = hyperparameters(recipe)
        shown = [
            api_pb2.MetricInfo(name=api_pb2.MetricName(group=group, tag=f"epoch_{name}"))
            for group in ("train", "validation")
            for name in ("loss", "accuracy")
        ]
        experiment = api_pb2.Experiment(
            name="cnnviz", time_created_secs=self._began, metric_infos=shown, hparam_infos=_infos(values)
        )
        start = plugin_data_pb2.SessionStartInfo(start_time_secs=self._began, group_name=self._run.id)
        for name, value in values.items():
            field = start.hparams[name]
            if isinstance(value, bool):
                field.bool_value = value
            elif isinstance(value, (int, float)):
                field.number_value = value
            else:
                field.string_value = value
        version = metadata.PLUGIN_DATA_VERSION
        for tag, data in (
            (metadata.EXPERIMENT_TAG, plugin_data_pb2.HParamsPluginData(version=version, experiment=experiment)),
            (
                metadata.SESSION_START_INFO_TAG,
                plugin_data_pb2.HParamsPluginData(version=version, session_start_info=start),
            ),
        ):
            self._root.hparams(tag, data, self._began)


def finish(run: Run, folder: Path, state: str) -> None:
    """Adds a run's test metrics to its event files, and how it ended.

    Raises:
        OSError: they can't be written.
    """
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    when = run.written.ended or time.time()
    known = {"finished": api_pb2.STATUS_SUCCESS, "failed": api_pb2.STATUS_FAILURE}
    ended = plugin_data_pb2.SessionEndInfo(status=known.get(state, api_pb2.STATUS_UNKNOWN), end_time_secs=when)
    data = plugin_data_pb2.HParamsPluginData(version=metadata.PLUGIN_DATA_VERSION, session_end_info=ended)
    with EventFile(folder) as file:
        for name, value in run.written.test.items():
            file.scalar(f"test_{name}", value, max(0, run.written.epoch - 1), when)
        file.hparams(metadata.SESSION_END_INFO_TAG, data, when)


def write_run(run: Run, folder: Path, graph: bytes | None = None) -> None:
    """Writes all of a run as event files.

    Args:
        run: whose.
        folder: where they go; nothing of another run may be in it.
        graph: the model, see `graph_def`.

    Raises:
        OSError: they can't be written.
    """
    events = RunEvents(run, folder)
    if graph is not None:
        events.graph(graph)
    events.update()
    events.give_up()
    finish(run, folder, run.state)


def hyperparameters(recipe: Recipe) -> dict[str, bool | float | str]:
    """Returns the recipe's settings by their dotted names, as `--set` has them; lists as JSON, nothing as ""."""
    found: dict[str, bool | float | str] = {}

    def walk(value: Any, name: str) -> None:
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                walk(inner, f"{name}.{key}" if name else str(key))
        elif isinstance(value, (bool, int, float)):
            found[name] = value
        else:
            text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
            found[name] = text[:_LONGEST]

    walk(recipe.model_dump(mode="json"), "")
    return found


def graph_def(layers: Sequence[tuple[str, str, Sequence[str]]]) -> bytes:
    """Returns a model as a serialized `GraphDef`.

    Args:
        layers: of each its name, its type, and the names of those whose outputs it takes.
    """
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.compat.proto.node_def_pb2 import NodeDef
    from tensorboard.compat.proto.versions_pb2 import VersionDef

    nodes = [NodeDef(name=name, op=kind, input=list(inputs)) for name, kind, inputs in layers]
    data: bytes = GraphDef(node=nodes, versions=VersionDef(producer=22)).SerializeToString()
    return data


def _counted(record: Mapping[str, Any]) -> bool:
    names = ("epoch",) if record["kind"] == "epoch" else ("epoch", "batch", "batches")
    return all(type(record.get(name)) is int and 0 <= record[name] < 2**31 for name in names)


def _infos(values: Mapping[str, bool | float | str]) -> list[Any]:
    from tensorboard.plugins.hparams import api_pb2

    kinds = {bool: api_pb2.DATA_TYPE_BOOL, str: api_pb2.DATA_TYPE_STRING}
    return [
        api_pb2.HParamInfo(name=name, type=kinds.get(type(value), api_pb2.DATA_TYPE_FLOAT64))
        for name, value in values.items()
    ]
