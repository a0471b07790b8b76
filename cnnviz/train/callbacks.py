"""What happens beside the fitting: live figures, the best epoch's model, stopping, learning-rate schedules."""

from __future__ import annotations

import math
import time

import keras
import psutil

from cnnviz.files import replacing
from cnnviz.model_spec import Head
from cnnviz.models.build.model import LOSS_BY_SAMPLE
from cnnviz.progress import check_cancelled
from cnnviz.recipe import Fit
from cnnviz.runs import metrics
from cnnviz.train.priority import give_way
from cnnviz.train.run_writer import RunWriter

__all__ = ["EXPLODED", "BestModelCheckpoint", "MetricsLogger", "SeveralHeads", "Warmth", "for_fit", "schedule"]

EXPLODED = "the loss is no longer a finite number; choose a lower learning rate"
LIVE_SECONDS = 0.5
VALIDATION_SHARE = 1 / 3
"""What a validation image, only passed forwards, costs of a training image."""
WARM_EPOCHS = 5
DEAREST = 0.05
"""The largest share of a run's time that writing the best model may take where epochs are very short."""
SELDOM_SECONDS = 5.0
"""Where epochs are very short, nothing is written for so long at least: most such runs are over by then."""


class SeveralHeads(keras.callbacks.Callback):
    """Makes the figures of several heads right for all callbacks behind it, see `sum_up`."""

    def __init__(self, heads: tuple[Head, ...]):
        super().__init__()
        self._heads = heads

    def on_train_batch_end(self, batch, logs=None):
        sum_up(logs, self._heads)

    def on_epoch_end(self, epoch, logs=None):
        sum_up(logs, self._heads)
        sum_up(logs, self._heads, "val_")


def sum_up(logs: dict, heads: tuple[Head, ...], prefix: str = "") -> None:
    """Puts the heads' losses by samples in the place of Keras's means over batches, and gives the heads one `loss`, the
    sum of theirs, and one `accuracy`, the mean of theirs, by which an epoch can be chosen. `logs` are changed."""
    if len(heads) < 2 or f"{prefix}{heads[0].name}_{LOSS_BY_SAMPLE}" not in logs:
        return
    for head in heads:
        logs[f"{prefix}{head.name}_loss"] = logs.pop(f"{prefix}{head.name}_{LOSS_BY_SAMPLE}")
    logs[f"{prefix}loss"] = sum(logs[f"{prefix}{head.name}_loss"] for head in heads)
    logs[f"{prefix}accuracy"] = sum(logs[f"{prefix}{head.name}_accuracy"] for head in heads) / len(heads)


class MetricsLogger(keras.callbacks.Callback):
    """Appends the figures of batches (about two lines a second) and epochs, and stops when asked to.

    `batches` of `batch_size` make an epoch of `images`, which `held_out` images are validated after.
    """

    def __init__(self, writer: RunWriter, batches: int, images: int, batch_size: int, held_out: int):
        super().__init__()
        self._writer, self._batches, self._images, self._batch_size = writer, batches, images, batch_size
        self._warmth = Warmth(batches, VALIDATION_SHARE * held_out / images)
        self._process = psutil.Process()
        self._first_epoch: int | None = None

    def on_train_begin(self, logs=None):
        self._began = time.perf_counter()

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch + 1
        self._epoch_began = time.perf_counter()
        self._written = self._epoch_began if self._first_epoch else -math.inf  # the very first batch is told at once
        self._first_epoch = self._first_epoch or self._epoch
        self._train_seconds = None

    def on_train_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        done = batch + 1
        self._warmth.batch(done, now)
        if done == self._batches:
            self._train_seconds = now - self._epoch_began
        check_cancelled(self._writer.stopping)
        if now - self._written < LIVE_SECONDS:
            return
        begun = self._written == -math.inf  # it has waited for the compiler, and says nothing of the speed
        self._written = now
        rate = {} if begun else {"images_per_second": round(done * self._batch_size / (now - self._epoch_began), 1)}
        self._writer.figures.append("batch", **self._now(now), batch=done, **rate, **_plain(logs))
        give_way()

    def on_test_batch_end(self, batch, logs=None):
        check_cancelled(self._writer.stopping)

    def on_epoch_end(self, epoch, logs=None):
        now = time.perf_counter()
        self._warmth.epoch(now - self._epoch_began)
        figures = _plain(logs)
        seconds = self._train_seconds or now - self._epoch_began
        self._writer.figures.append(
            "epoch",
            **self._now(now),
            **figures,
            learning_rate=float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)),
            images_per_second=round(self._images / seconds, 1),
            epoch_seconds=round(now - self._epoch_began, 3),
            memory_mb=round(self._process.memory_info().rss / 2**20, 1),
        )
        shown = ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
        self._writer.say(f"Epoch {epoch + 1}: {shown}")

    def _now(self, now: float) -> dict:
        return {
            "epoch": self._epoch,
            "first_epoch": self._first_epoch,
            "batches": self._batches,
            "seconds": round(now - self._began, 3),
            "warm_epoch_seconds": self._warmth.seconds,
        }


class Warmth:
    """How long an epoch takes once everything is compiled, by a clock: in the first epoch of a process, by its batches
    but the first; then by the latest whole epochs but the first. `validation` is what validating adds to the batches'
    time. `seconds` are `None` while too little is known."""

    def __init__(self, batches: int, validation: float):
        self._batches, self._validation = batches, validation
        self._first: float | None = None
        self._epochs: list[float] = []
        self.seconds: float | None = None

    def batch(self, done: int, now: float) -> None:
        """Takes notice of the end of an epoch's batch number `done`."""
        if not self._epochs and done == 1:
            self._first = now
        elif not self._epochs and self._first is not None:
            self.seconds = round((now - self._first) / (done - 1) * self._batches * (1 + self._validation), 3)

    def epoch(self, seconds: float) -> None:
        """Takes notice of the end of an epoch that took so long."""
        self._epochs.append(seconds)
        if warm := self._epochs[1:][-WARM_EPOCHS:]:
            self.seconds = round(sum(warm) / len(warm), 3)


class BestModelCheckpoint(keras.callbacks.Callback):
    """Keeps the best epoch's model as `best.keras`, without its optimizer, whole at any moment.

    `keeper` is the same model, never compiled; it carries the weights to the file. Where it shares the layers of what
    is fitted, and epochs take less time than writing them, only the last of several better ones is written (`seldom`);
    what waits is written before a run is saved to go on from, and at the end. `written` are then the fitted weights of
    the file, if this process wrote it.
    """

    def __init__(
        self, writer: RunWriter, keeper: keras.Model, monitor: str, *, shared: bool = False, seldom: bool = False
    ):
        super().__init__()
        self._writer, self._keeper, self._monitor = writer, keeper, monitor
        self.shared, self.seldom = shared, seldom
        self.best: float | None = None
        self.written: list | None = None
        self._waiting: tuple[dict, list] | None = None
        self._cost = self._saved_at = 0.0

    def on_train_begin(self, logs=None):
        self._saved_at = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        value = logs[self._monitor]
        if not math.isfinite(logs["loss"]):
            raise FloatingPointError(EXPLODED)
        better = self.best is None or (value < self.best if self._monitor == "val_loss" else value > self.best)
        if better:
            self.best = value
            facts = {"best_epoch": epoch + 1, "metrics": _plain(logs)}
            self._waiting = facts, self.model.get_weights() if self.seldom else []
        due = not self.seldom or time.perf_counter() - self._saved_at > max(SELDOM_SECONDS, self._cost / DEAREST)
        if self._waiting is None or not due:
            self._writer.write(epoch=epoch + 1)
        else:
            self.flush(epoch + 1)

    def on_train_end(self, logs=None):
        self.flush()

    def flush(self, epoch: int | None = None) -> None:
        """Writes the best epoch's model, if it isn't written yet, and how many epochs there are."""
        if self._waiting is None:
            return
        (facts, weights), self._waiting = self._waiting, None
        began = time.perf_counter()
        now = self.model.get_weights() if weights else []
        if weights:
            self.model.set_weights(weights)
        self.save()
        if weights:
            self.model.set_weights(now)
            self.written = weights
        self._writer.write(epoch=self._writer.state.epoch if epoch is None else epoch, **facts)
        self._saved_at = time.perf_counter()
        self._cost = self._saved_at - began

    def save(self) -> None:
        """Puts the model as it is now in the file's place."""
        if not self.shared:
            self._keeper.set_weights(self.model.get_weights())
        with replacing(self._writer.folder / "best.keras") as path:
            self._keeper.save(path)


def for_fit(fit: Fit) -> list[keras.callbacks.Callback]:
    """Returns the callbacks for early stopping and for the plateau schedule, as the recipe wants them."""
    made: list[keras.callbacks.Callback] = []
    mode = "min" if fit.monitor == "val_loss" else "max"
    if fit.schedule == "plateau":
        made.append(keras.callbacks.ReduceLROnPlateau(monitor=fit.monitor, mode=mode, factor=0.5, patience=3))
    if fit.patience is not None:
        made.append(keras.callbacks.EarlyStopping(monitor=fit.monitor, mode=mode, patience=fit.patience))
    return made


def schedule(fit: Fit, batches: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Returns the learning rate, or how it changes with the steps taken (`batches` an epoch)."""
    if fit.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(fit.learning_rate, decay_steps=fit.epochs * batches)
    return fit.learning_rate


def _plain(logs: dict | None) -> dict[str, float]:
    """Figures as they are written."""
    return {name: metrics.round_metric(name, value) for name, value in (logs or {}).items() if name != "learning_rate"}
