"""Runs as a worker would leave them, made in a moment: the folders are real, the figures invented."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from cnnviz.presets import PRESETS
from cnnviz.recipe import Recipe
from cnnviz.runs import Run, create, open_run
from cnnviz.runs.metrics import Writer
from cnnviz.runs.status import State
from cnnviz.runs.store import write_state

__all__ = ["figures_of", "give_model", "make_run"]


def figures_of(epoch: int, turned: int | None = None) -> dict[str, Any]:
    """An epoch's figures; from `turned` on the validation loss rises."""
    loss = round(2 * math.exp(-epoch / 4), 6)
    val_loss = round(loss + 0.1 + (0.2 * (epoch - turned) if turned and epoch > turned else 0), 6)
    return {
        "epoch": epoch,
        "batches": 10,
        "seconds": 2.0 * epoch,
        "loss": loss,
        "accuracy": round(1 - loss / 3, 6),
        "val_loss": val_loss,
        "val_accuracy": round(1 - val_loss / 3, 6),
        "learning_rate": 0.001,
        "images_per_second": 500.0,
    }


def make_run(
    recipe: Recipe = PRESETS["Q"],
    epochs: int = 3,
    *,
    state: str = "finished",
    created: float = 1_700_000_000.0,
    turned: int | None = None,
    runs: Path | None = None,
    **more: Any,
) -> Run:
    """A run with this state after so many epochs; `more` are further fields of its state."""
    run = create(recipe, runs)
    writer = Writer(run.metrics_path)
    records = [figures_of(epoch, turned) for epoch in range(1, epochs + 1)]
    for record in records:
        writer.append("epoch", **record)
    writer.close()
    best = max(records, key=lambda record: record["val_accuracy"], default=None)
    metrics = {name: best[name] for name in ("loss", "accuracy", "val_loss", "val_accuracy")} if best else {}
    fields = {
        "state": state,
        "created": created,
        "started": created + 1,
        "ended": created + 1 + 2.0 * epochs if state not in ("queued", "starting", "running") else None,
        "epoch": epochs,
        "best_epoch": best["epoch"] if best else None,
        "metrics": metrics,
        "test": {"accuracy": 0.9, "loss": 0.3} if state == "finished" else {},
    }
    write_state(run.folder, State(**{**fields, **more}))
    return open_run(run.id, runs)


def give_model(run: Run, seed: int = 0) -> Run:
    """Puts a model of the recipe's kind into the run, as it is before its first batch; it predicts, if not well."""
    import keras

    from cnnviz.models.build.model import build

    keras.utils.set_random_seed(seed)
    build(run.recipe).save(run.best_path)
    return run
