"""How far a run is and how long it will take, from its newest record."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from cnnviz.runs import metrics
from cnnviz.runs.store import Run

__all__ = ["RunProgress", "progress"]


@dataclass(frozen=True)
class RunProgress:
    """Where a run stands.

    `fraction` is 0..1 of all its epochs; `eta_seconds`, reckoned from what an epoch takes once all is compiled, is
    `None` while too little is known; `message` says what is
    being done outside the epochs, such as reading images (`done` of `total`).
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


def progress(run: Run) -> RunProgress:
    """Returns where the run stands, from the newest line of its metrics."""
    epochs = run.recipe.fit.all_epochs if run.recipe else 0
    record = metrics.last(run.metrics_path)
    if record is None:
        return RunProgress(epochs=epochs)
    if record["kind"] == "note":
        fraction = run.written.epoch / epochs if epochs else 0.0
        message = str(record.get("message", ""))
        done, total = int(_number(record, "done")), int(_number(record, "total"))
        return RunProgress(
            run.written.epoch, epochs, fraction=min(1.0, fraction), message=message, done=done, total=total
        )
    epoch, batches = int(_number(record, "epoch", 1)), int(_number(record, "batches"))
    batch = int(_number(record, "batch", batches))
    part = 1.0 if record["kind"] == "epoch" or not batches else batch / batches
    fraction = min(1.0, max(0.0, (epoch - 1 + part) / epochs)) if epochs else 0.0
    left = max(0.0, epochs - (epoch - 1 + part))
    eta = _number(record, "warm_epoch_seconds") * left or (None if left else 0.0)
    return RunProgress(epoch, epochs, batch, batches, fraction, eta, _number(record, "images_per_second") or None)


def _number(record: dict[str, Any], key: str, default: float = 0) -> float:
    """A figure of a record; whatever is no finite number counts as missing."""
    value = record.get(key)
    return value if isinstance(value, (int, float)) and math.isfinite(value) else default
