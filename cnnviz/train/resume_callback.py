"""Going on exactly where a run was: all that fitting changes, taken at an epoch's end and put back."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from cnnviz.recipe import Recipe
from cnnviz.runs import resume_checkpoint as saved
from cnnviz.runs.resume_checkpoint import Saved
from cnnviz.train.callbacks import SELDOM_SECONDS, BestModelCheckpoint
from cnnviz.train.run_writer import RunWriter

__all__ = ["ResumeCheckpoint", "frozen_digest", "restore", "weights_digest"]

DEAREST = 0.05
"""The largest share of a run's time that saving may take; where an epoch is shorter than that, epochs are left out."""
# What Keras's own callbacks change while they watch; both forget it when a fit begins.
_WATCHED = {
    keras.callbacks.EarlyStopping: ("wait", "best", "best_epoch", "stopped_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
    BestModelCheckpoint: ("best",),
}


def restore(writer: RunWriter, model: keras.Model, found: Saved | None, frozen: str = "") -> Saved | None:
    """Puts a generation into a compiled model and takes the run's figures back to its epoch.

    Weights, the states of random generators (dropout's is no weight), and the optimizer's variables are those of that
    moment; `ResumeCheckpoint` does the same for the callbacks. What is frozen stays as it is, and must be what it was.

    Args:
        writer: the run's.
        model: what the generation's stage fits.
        found: the run's newest generation, if there is one.
        frozen: what tells the frozen weights from all others.

    Returns:
        The generation, or `None` where it doesn't fit: the run begins anew.
    """
    model.optimizer.build(model.trainable_variables)
    if found is not None and (not _fits(found, model) or found.facts.get("frozen", "") != frozen):
        found = None
    if found is not None:
        for name, variable in _variables(model).items():
            variable.assign(found.arrays[name])
    writer.rewind(found.epoch if found else 0)
    if found is None:
        writer.write(epoch=0, best_epoch=None, metrics={})
    elif writer.state.best_epoch is None:
        writer.write(epoch=found.epoch, best_epoch=found.facts["best_epoch"], metrics=found.facts["metrics"])
    else:  # `best.keras` may be of an epoch that is now repeated, and the state says of which
        writer.write(epoch=found.epoch)
    return found


class ResumeCheckpoint(keras.callbacks.Callback):
    """Saves a generation at the end of epochs; the last of the callbacks, so that the others have had their say.

    `stage` are facts of the stage that it is of; `end` is the number of epochs after which that ends.
    """

    def __init__(
        self,
        writer: RunWriter,
        recipe: Recipe,
        others: Sequence[keras.callbacks.Callback],
        begin: Saved | None,
        stage: Mapping[str, Any] | None = None,
        end: int | None = None,
    ):
        super().__init__()
        self._writer, self._recipe, self._others, self._begin = writer, recipe, others, begin
        self._stage, self._end = dict(stage or {}), recipe.fit.epochs if end is None else end
        self.cost, self._saved_at = 0.0, -float("inf")

    def on_train_begin(self, logs=None):
        if any(isinstance(other, BestModelCheckpoint) and other.seldom for other in self._others):
            self._saved_at = time.perf_counter()
            self.cost = SELDOM_SECONDS * DEAREST
        if self._begin is not None:
            for other, held in zip(_watching(self._others), self._begin.facts["callbacks"], strict=True):
                for name, value in held.items():
                    setattr(other, name, value)

    def on_epoch_end(self, epoch, logs=None):
        began = time.perf_counter()
        last = epoch + 1 == self._end or self.model.stop_training
        if not last and began - self._saved_at < self.cost / DEAREST:
            return
        for other in self._others:
            if isinstance(other, BestModelCheckpoint):
                other.flush()
        arrays = {name: variable.numpy() for name, variable in _variables(self.model).items()}
        facts = {
            "callbacks": [
                {name: _plain(getattr(other, name)) for name in _names(other)} for other in _watching(self._others)
            ],
            "stopped": bool(self.model.stop_training),
            "best_epoch": self._writer.state.best_epoch,
            "metrics": self._writer.state.metrics,
            **self._stage,
        }
        saved.save(self._writer.folder, self._recipe, Saved(epoch + 1, facts, arrays))
        self._saved_at = time.perf_counter()
        self.cost = self._saved_at - began


def frozen_digest(model: keras.Model) -> str:
    """Returns the SHA-256 of the weights of all frozen layers, "" where none is."""
    weights = [weight for layer in model.layers if not layer.trainable for weight in layer.get_weights()]
    digest = hashlib.sha256()
    for weight in weights:
        digest.update(weight.tobytes())
    return digest.hexdigest() if weights else ""


def weights_digest(model: keras.Model) -> str:
    """Returns the SHA-256 of a model's weights, in their order."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """All that fitting changes: weights and random generators' states, then the optimizer's, learning rate included."""
    still = {id(variable) for layer in model.layers if not layer.trainable for variable in layer.variables}
    changing = [variable for variable in model.variables if id(variable) not in still]
    named = {f"model/{at}": variable for at, variable in enumerate(changing)}
    return named | {f"optimizer/{at}": variable for at, variable in enumerate(model.optimizer.variables)}


def _fits(found: Saved, model: keras.Model) -> bool:
    wanted = {name: tuple(variable.shape) for name, variable in _variables(model).items()}
    return wanted == {name: array.shape for name, array in found.arrays.items()}


def _names(callback: keras.callbacks.Callback) -> tuple[str, ...]:
    return next((names for kind, names in _WATCHED.items() if isinstance(callback, kind)), ())


def _watching(callbacks: Sequence[keras.callbacks.Callback]) -> list[keras.callbacks.Callback]:
    return [callback for callback in callbacks if _names(callback)]


def _plain(value: Any) -> float | int | None:
    """A figure as JSON keeps it to the last bit; Keras's start values, infinities, are written as JSON allows."""
    return value if value is None or isinstance(value, int) else float(value)
