"""The Optuna study of a search: its storage, its sampler and pruner, and how it stands."""

from __future__ import annotations

import math
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz.errors import RunError
from cnnviz.search.space import settings_of
from cnnviz.search.store import Best, Result, Search

if TYPE_CHECKING:
    import optuna

__all__ = ["Trial", "importances", "mend_journal", "open_study", "read_study", "result_of", "sampler_of", "trials_in"]

FEWEST = 8
"""So many trials must be complete before it is said which settings matter."""
LOCK_SECONDS = 5
"""A lock on the journal that is older than this was left by a process that was killed."""


@dataclass(frozen=True)
class Trial:
    """A trial of a search.

    Attributes:
        number: counts from 0.
        state: `running`, `complete`, `pruned` or `failed`.
        run: the id of its run, "" where it has none.
        value: the metric of the model that its run keeps; of a trial that is not complete, the last epoch's, `None`
            before the first.
        parameters: what was drawn, by the recipe's keys, as Optuna has it.
        epochs: the metric by epoch.
        began, ended: seconds since 1970; `None` before.
        message: why it failed.
    """

    number: int
    state: str
    run: str
    value: float | None
    parameters: dict[str, Any]
    epochs: dict[int, float]
    began: float | None
    ended: float | None
    message: str


def trials_in(study: optuna.Study) -> list[Trial]:
    """Returns the trials of a study that were begun, in their order."""
    names = {"RUNNING": "running", "COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
    found = []
    for one in study.get_trials(deepcopy=False):
        if one.state.name not in names:
            continue
        last = one.intermediate_values[max(one.intermediate_values)] if one.intermediate_values else None
        found.append(
            Trial(
                one.number,
                names[one.state.name],
                str(one.user_attrs.get("run", "")),
                one.value if one.state.name == "COMPLETE" else last,
                dict(one.params),
                dict(one.intermediate_values),
                one.datetime_start.timestamp() if one.datetime_start else None,
                one.datetime_complete.timestamp() if one.datetime_complete else None,
                str(one.user_attrs.get("message", "")),
            )
        )
    return found


def importances(study: optuna.Study) -> dict[str, float]:
    """Returns how much each key of the space decides the metric, in shares of 1, the most important first.

    PED-ANOVA (Watanabe et al. 2023, arXiv:2304.10255), which takes milliseconds. Empty before `FEWEST` trials are
    complete, and where they are all equally good.
    """
    import optuna

    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len(complete) < FEWEST or len({one.value for one in complete}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {key: value for key, value in found.items() if math.isfinite(value)}


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
