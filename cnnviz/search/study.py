"""The Optuna study of a search: its storage, its sampler and pruner, and how it stands."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cnnviz.errors import RunError
from cnnviz.search.space import settings_of
from cnnviz.search.store import Best, Result, Search

if TYPE_CHECKING:
    import optuna

__all__ = ["mend_journal", "open_study", "read_study", "result_of", "sampler_of"]

LOCK_SECONDS = 5
"""A lock on the journal that is older than this was left by a process that was killed."""


def open_study(search: Search) -> optuna.Study:
    """Returns the search's study, made where there is none yet, with its pruner; for its one coordinator."""
    import optuna

    return optuna.create_study(
        study_name=search.id,
        storage=_storage(search.journal),
        direction=search.spec.direction,
        pruner=_pruner(search),
        load_if_exists=True,
    )


def read_study(search: Search) -> optuna.Study:
    """Returns the search's study for reading.

    Raises:
        RunError: there is none yet, or its journal can't be read.
    """
    import optuna

    if not search.journal.is_file():
        raise RunError(f"The search {search.id} has no trial yet.")
    try:
        return optuna.load_study(study_name=search.id, storage=_storage(search.journal))
    except (KeyError, ValueError, OSError) as error:
        raise RunError(f"The study of search {search.id} can't be read: {error}.") from None


def _storage(path: Path) -> optuna.storages.JournalStorage:
    """Optuna's journal in a file, which is safe on a folder that several machines share."""
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    lock = JournalFileSymlinkLock(str(path), grace_period=LOCK_SECONDS)
    return optuna.storages.JournalStorage(JournalFileBackend(str(path), lock_obj=lock))


def _pruner(search: Search) -> optuna.pruners.BasePruner:
    import optuna

    epochs = search.spec.recipe.fit.all_epochs
    match search.spec.pruner:
        case "median":  # no judgement on the first epochs, whose figures say little
            return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=max(1, epochs // 4))
        case "hyperband":
            return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=max(1, epochs), reduction_factor=3)
    return optuna.pruners.NopPruner()


def sampler_of(search: Search, number: int) -> optuna.samplers.BaseSampler:
    """Returns what draws the trial with this number: a tree-structured Parzen estimator (Bergstra et al. 2011).

    Each trial has a seed of its own, so that a search that is continued doesn't draw again what it has drawn before.
    """
    import optuna

    seed = int(np.random.SeedSequence([search.spec.seed, number]).generate_state(1)[0])
    return optuna.samplers.TPESampler(seed=seed)


def mend_journal(path: Path) -> None:
    """Takes away a last line that was not written whole, which Optuna can't read on from; for the one who writes."""
    if not path.is_file():
        return
    with open(path, "rb+") as file:
        data = file.read()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            file.truncate(whole)
            os.fsync(file.fileno())


def result_of(search: Search, trials: list[optuna.trial.FrozenTrial], seconds: float) -> Result:
    """Returns how a search stands.

    Args:
        search: whose space says what the trials' parameters are.
        trials: all of its study.
        seconds: how long it has been at work.
    """
    from optuna.trial import TrialState

    counts = {state: sum(one.state == state for one in trials) for state in TrialState}
    sign = -1 if search.spec.direction == "minimize" else 1
    complete = [one for one in trials if one.state == TrialState.COMPLETE and one.value is not None]
    best = max(complete, key=lambda one: (sign * (one.value or 0.0), -one.number), default=None)
    return Result(
        None if best is None else Best(*_best(search, best)),
        trials=counts[TrialState.COMPLETE] + counts[TrialState.PRUNED] + counts[TrialState.FAIL],
        pruned=counts[TrialState.PRUNED],
        failed=counts[TrialState.FAIL],
        seconds=round(seconds, 1),
    )


def _best(search: Search, trial: optuna.trial.FrozenTrial) -> tuple[str, float, dict[str, object]]:
    value = math.nan if trial.value is None else trial.value
    return str(trial.user_attrs.get("run", "")), value, settings_of(trial.params, search.spec.space)
