"""How far a run is and how long it will take, from its newest record."""

from __future__ import annotations

from dataclasses import dataclass

from cnnviz.runs import metrics
from cnnviz.runs.store import Run

__all__ = ["Progress", "progress"]


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    `fraction` is 0..1 of all its epochs; `eta_seconds` is `None` while too little is known; `message` says what is
    being done outside the epochs, such as reading pictures (`done` of `total`).
    """

    epoch: int = 0
    epochs: int = 0
    batch: int = 0
    batches: int = 0
    fraction: float = 0.0
    eta_seconds: float | None = None
    images_per_second: float | None = None
    message: str = ""
    done: int = 0
    total: int = 0


def progress(run: Run) -> Progress:
    """Returns where the run stands, from the newest line of its metrics."""
    epochs = run.recipe.fit.epochs if run.recipe else 0
    record = metrics.last(run.metrics_path)
    if record is None:
        return Progress(epochs=epochs)
    if record["kind"] == "note":
        done, total = record.get("done", 0), record.get("total", 0)
        fraction = run.written.epoch / epochs if epochs else 0.0
        return Progress(
            epoch=run.written.epoch, epochs=epochs, fraction=min(1.0, fraction), message=record.get("message", ""),
            done=done, total=total,
        )  # fmt: skip
    epoch = record.get("epoch", 1)
    batches = record.get("batches", 0)
    batch = record.get("batch", batches)
    part = 1.0 if record["kind"] == "epoch" or not batches else batch / batches
    fraction = min(1.0, (epoch - 1 + part) / epochs) if epochs else 0.0
    first = record.get("first_epoch", 1)
    here = epoch - first + part
    left = max(0.0, epochs - (epoch - 1 + part))
    seconds = record.get("seconds")
    eta = seconds / here * left if seconds and here > 0 else None
    return Progress(epoch, epochs, batch, batches, fraction, eta, record.get("images_per_second"))
