"""A search as its coordinator would leave it, made in a moment: folders and study are real, the figures invented."""

from __future__ import annotations

import math
import random
import time
from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs.metrics import Writer
from cnnviz.runs.store import write_state
from cnnviz.search import parse_spec
from cnnviz.search.space import present_parameters, suggest
from cnnviz.search.store import Search, create, open_search, write_result
from cnnviz.search.study import open_study, result_of, sampler_of
from tests.made_runs import make_run

__all__ = ["SPACE", "make_search"]

SPACE = {
    "fit.learning_rate": {"low": 3e-4, "high": 3e-2, "log": True},
    "fit.optimizer": ["adam", "adamw", "rmsprop", "sgd"],
    "network.layers.0.filters": [16, 32, 64],
    "network.layers.5.rate": {"low": 0.0, "high": 0.6},
    "augmentation": ["none", "digits", "light"],
}
FAILED, PRUNED = 9, (6, 7, 13, 22)


def make_search(trials: int = 24, *, runs: Path | None = None, done: int | None = None, **more: Any) -> Search:
    """A search of Q of which `done` trials, by default all, have ended: trial 9 failed, some were pruned.

    Args:
        trials: of its budget.
        runs: the folder of all runs.
        done: how many trials there are.
        more: fields of its state; by default it is finished.
    """
    spec = parse_spec({"recipe": PRESETS["Q"], "space": SPACE, "trials": trials, "pruner": "median"})
    found, chance = create(spec, runs), random.Random(3)
    study = open_study(found)
    study.enqueue_trial(present_parameters(spec.recipe, spec.space))
    for number in range(trials if done is None else done):
        study.sampler = sampler_of(found, number)
        trial = study.ask()
        recipe = replace(spec.recipe, suggest(trial, spec.space))
        value = round(
            0.98
            - 0.02 * abs(math.log10(recipe.fit.learning_rate / 2e-3))
            - 0.03 * (recipe.fit.optimizer == "sgd")
            - 0.02 * recipe.network.layers[5].rate
            + chance.uniform(-0.004, 0.004),
            6,
        )
        state = "failed" if number == FAILED else "paused" if number in PRUNED else "finished"
        epochs = 12 if state == "finished" else 5
        run = make_run(recipe, 0, runs=runs, state=state, created=1.7e9 + 60 * number, search=found.id, trial=number)
        writer = Writer(run.metrics_path)
        for epoch in range(1, epochs + 1):
            now = round(value - 0.3 * math.exp(-epoch / 2) + 0.3 * math.exp(-6), 6)
            figures = {"loss": 1 - now, "accuracy": now, "val_loss": 1 - now, "val_accuracy": now}
            writer.append("epoch", epoch=epoch, batches=10, seconds=2.0 * epoch, learning_rate=0.001, **figures)
            trial.report(now, epoch)
        writer.close()
        metrics = {"val_accuracy": value, "val_loss": 1 - value}
        write_state(
            run.folder, run.written.model_copy(update={"metrics": metrics, "epoch": epochs, "best_epoch": epochs})
        )
        trial.set_user_attr("run", run.id)
        if state == "failed":
            trial.set_user_attr("message", "The loss became infinite: choose a smaller learning rate.")
            study.tell(trial, state=TrialState.FAIL)
        elif state == "paused":
            trial.set_user_attr("pruned", epochs)
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, value)
    write_result(found.folder, result_of(found, study.get_trials(), 312.4))
    now = time.time()
    fields = {"state": "finished", "started": now - 312, "ended": now, **more}
    write_state(found.folder, found.run.written.model_copy(update=fields))
    return open_search(found.id, runs)
