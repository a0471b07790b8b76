"""Event files for TensorBoard while a run trains, where its folder has a place for them."""

from __future__ import annotations

import keras

from cnnviz.errors import CnnvizError
from cnnviz.models.graph.layer_list import layer_list
from cnnviz.runs.launch import TENSORBOARD
from cnnviz.runs.store import open_run
from cnnviz.tracking.event_file import require_tensorboard
from cnnviz.tracking.tensorboard_events import RunEvents, finish, graph_def
from cnnviz.train.run_writer import RunWriter

__all__ = ["finish_events", "tensorboard_callback"]


class _Events(keras.callbacks.Callback):
    """Writes what other callbacks before it have put into the run's folder; a run never fails for it."""

    def __init__(self, writer: RunWriter, events: RunEvents):
        super().__init__()
        self._writer, self._events = writer, events

    def on_train_batch_end(self, batch, logs=None):
        self._update(with_snapshots=False)

    def on_epoch_end(self, epoch, logs=None):
        self._update()

    def on_train_end(self, logs=None):
        self._events.close()

    def _update(self, *, with_snapshots: bool = True) -> None:
        try:
            self._events.update(with_snapshots=with_snapshots)
        except OSError as error:
            self._events.give_up()
            self._writer.say(f"No more event files are written: {error.strerror or error}.")


def tensorboard_callback(writer: RunWriter, model: keras.Model) -> list[keras.callbacks.Callback]:
    """Returns what writes event files of the run that `model` is trained in, if they are wanted and can be written."""
    folder = writer.folder / TENSORBOARD
    if not folder.is_dir():
        return []
    try:
        require_tensorboard()
        events = RunEvents(open_run(writer.folder.name, writer.folder.parent), folder)
        events.graph(graph_def(layer_list(model)))
    except (OSError, CnnvizError) as error:
        writer.say(f"No event files are written: {error}")
        return []
    return [_Events(writer, events)]


def finish_events(writer: RunWriter) -> None:
    """Adds the test metrics, and that the run has ended well."""
    folder = writer.folder / TENSORBOARD
    if not folder.is_dir():
        return
    try:
        require_tensorboard()
        run = open_run(writer.folder.name, writer.folder.parent)
        finish(run, folder, "finished")
    except (OSError, CnnvizError) as error:
        writer.say(f"The end is missing in the event files: {error}")
