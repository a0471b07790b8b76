"""Conducting a search: Optuna is asked for settings, runs are started with them, and told how they do.

What is known of a trial is written before anything is done about it, so that a coordinator that is killed at any moment
is followed by another: the run has the trial's number in its state from the first, the trial its run's id and that it
is to be pruned. Only a trial that Optuna still has as running is ever told a result.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cnnviz import runs
from cnnviz.engines.local import keep_spare
from cnnviz.errors import RecipeError, RunError
from cnnviz.progress import CancelCheck
from cnnviz.recipe import replace
from cnnviz.runs import Run, metrics
from cnnviz.runs.launch import default_engine, slots
from cnnviz.runs.status import RESUMABLE, EngineName
from cnnviz.search.space import present_parameters, suggest
from cnnviz.search.store import Search, trials_of, write_result
from cnnviz.search.study import open_study, result_of, sampler_of

if TYPE_CHECKING:
    import optuna

__all__ = ["conduct"]

POLL_SECONDS = 0.5


@dataclass
class _Flight:
    """A trial whose run has not ended.

    Attributes:
        trial: Optuna's.
        run: the run's id.
        inherited: whether an earlier coordinator left it: where it has stopped meanwhile, it is continued.
        pruned: whether it was asked to pause for good.
        told: the epochs whose value Optuna has.
    """

    trial: optuna.Trial
    run: str
    inherited: bool = False
    pruned: bool = False
    told: set[int] = field(default_factory=set)


def conduct(
    search: Search, *, cancelled: CancelCheck, seconds: Callable[[], float], say: Callable[[str], None]
) -> bool:
    """Carries a search out; returns whether its budget is used up, rather than that it was asked to stop.

    Args:
        search: what was read of its folder.
        cancelled: asked at every turn; when it is true, the trials that learn are paused, to go on another time.
        seconds: returns how long the search has been at work, with what it was before.
        say: adds a line to its log.

    Raises:
        RunError: a run can't be started or continued; what goes on goes on.
    """
    study, spec = open_study(search), search.spec
    if not study.get_trials(deepcopy=False):
        _enqueue_recipe(study, search)
    flights = _inherited(study, search, say)
    while True:
        if cancelled():
            _pause_all(flights, search)
            _tell_result(study, search, seconds())
            return False
        late = spec.minutes is not None and seconds() > 60 * spec.minutes
        before = len(flights)
        flights = [flight for flight in flights if not _ended(study, search, flight, late, say)]
        ended = len(flights) < before
        while not late and len(flights) < _at_once(search) and _left(study, search):
            flight = _begin(study, search, say)
            flights += [flight] if flight else []
            ended = ended or flight is None
        if ended:
            _tell_result(study, search, seconds())
        if not flights and (late or not _left(study, search)):
            _tell_result(study, search, seconds())
            return True
        if not late and _left(study, search) and _engine(search) == "local":
            keep_spare(_at_once(search) + 1)  # loads while the others train, so that the next trial starts warm
        time.sleep(POLL_SECONDS)


def _at_once(search: Search) -> int:
    wanted = search.spec.parallel or slots()
    return min(wanted, slots()) if _engine(search) == "local" else wanted


def _engine(search: Search) -> EngineName:
    return search.spec.engine or default_engine()


def _left(study: optuna.Study, search: Search) -> int:
    """How many trials may still be begun."""
    from optuna.trial import TrialState

    begun = [one for one in study.get_trials(deepcopy=False) if one.state != TrialState.WAITING]
    return search.spec.trials - len(begun)


def _enqueue_recipe(study: optuna.Study, search: Search) -> None:
    """Lets the first trial be the recipe as it is, so that a search never ends below what it began with."""
    present = present_parameters(search.spec.recipe, search.spec.space)
    if present is not None:
        study.enqueue_trial(present)


def _inherited(study: optuna.Study, search: Search, say: Callable[[str], None]) -> list[_Flight]:
    """The trials that an earlier coordinator left, each with its run; one that has none yet is given it."""
    import optuna
    from optuna.trial import TrialState

    found = []
    left = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    known = {run.written.trial: run.id for run in trials_of(search)} if left else {}
    for frozen in left:
        trial = optuna.Trial(study, frozen._trial_id)
        run = frozen.user_attrs.get("run") or known.get(frozen.number)
        if run is None:
            study.sampler = sampler_of(search, frozen.number)
            flight = _run_of(study, search, trial, say)
            found += [flight] if flight else []
            continue
        if "run" not in frozen.user_attrs:
            trial.set_user_attr("run", run)
        pruned = "pruned" in frozen.user_attrs
        found.append(_Flight(trial, run, True, pruned, set(frozen.intermediate_values)))
    return found


def _begin(study: optuna.Study, search: Search, say: Callable[[str], None]) -> _Flight | None:
    """A new trial, with its run; `None` where it has failed at once."""
    study.sampler = sampler_of(search, search.spec.trials - _left(study, search))
    return _run_of(study, search, study.ask(), say)


def _run_of(study: optuna.Study, search: Search, trial: optuna.Trial, say: Callable[[str], None]) -> _Flight | None:
    """Starts the run of a trial whose settings are drawn here; `None` where they make no recipe, and it fails."""
    from optuna.trial import TrialState

    settings = suggest(trial, search.spec.space)
    try:
        recipe = replace(search.spec.recipe, settings)
    except RecipeError as error:  # each setting is right by itself, but not with the others
        trial.set_user_attr("message", str(error))
        study.tell(trial, state=TrialState.FAIL)
        say(f"Trial {trial.number} failed: {error}")
        return None
    spec = search.spec
    run = runs.start(recipe, search.runs, spec.engine, spec.resources, search=search.id, trial=trial.number)
    trial.set_user_attr("run", run.id)
    shown = ", ".join(f"{key} {value}" for key, value in settings.items())
    say(f"Trial {trial.number} is run {run.id}: {shown}")
    return _Flight(trial, run.id)


def _ended(study: optuna.Study, search: Search, flight: _Flight, late: bool, say: Callable[[str], None]) -> bool:
    """Tells Optuna what is new of a trial and ends it where it should; returns whether it has its result."""
    from optuna.trial import TrialState

    trial = flight.trial
    try:
        run = runs.open_run(flight.run, search.runs)
    except RunError as error:
        _tell(study, trial, TrialState.FAIL, str(error), say)
        return True
    news = _report(search, flight, run)
    if run.active:
        if not flight.pruned and (late or (news and _hopeless(flight, run))):
            flight.pruned = True
            trial.set_user_attr("pruned", max(flight.told, default=0))
            with suppress(RunError):  # it has just ended
                runs.request_pause(run.id, search.runs)
        elif flight.pruned and not (run.folder / "request.json").exists():  # killed before it was asked
            with suppress(RunError):
                runs.request_pause(run.id, search.runs)
        return False
    if flight.inherited and not flight.pruned and run.state in RESUMABLE - {"failed"}:
        flight.inherited = False
        runs.resume(run.id, search.runs)
        say(f"Trial {trial.number} goes on: run {run.id}")
        return False
    value = run.written.metrics.get(search.spec.metric)
    if run.state == "finished" and value is not None and math.isfinite(value):
        study.tell(trial, value)
        say(f"Trial {trial.number} is complete: {search.spec.metric} {value:g}")
    elif run.state in ("paused", "stopped") or (flight.pruned and run.state == "crashed"):
        _tell(study, trial, TrialState.PRUNED, "" if flight.pruned else "Somebody has ended its run.", say)
    else:
        message = run.written.message or f"Its run is {run.state} and has no {search.spec.metric}."
        _tell(study, trial, TrialState.FAIL, message, say)
    return True


def _tell(
    study: optuna.Study,
    trial: optuna.Trial,
    state: optuna.trial.TrialState,
    message: str,
    say: Callable[[str], None],
) -> None:
    if message:
        trial.set_user_attr("message", message)
    study.tell(trial, state=state)
    say(f"Trial {trial.number} {'is pruned' if state.name == 'PRUNED' else 'failed'}. {message}".rstrip())


def _report(search: Search, flight: _Flight, run: Run) -> bool:
    """Tells Optuna the epochs that it doesn't know yet, each once; returns whether there was one."""
    news = False
    for record in metrics.epochs(run.metrics_path):
        epoch, value = record["epoch"], record.get(search.spec.metric)
        if epoch in flight.told or not isinstance(value, (int, float)) or not math.isfinite(value):
            continue
        flight.trial.report(float(value), epoch)
        flight.told.add(epoch)
        news = True
    return news


def _hopeless(flight: _Flight, run: Run) -> bool:
    """Whether the pruner gives a trial up; one that has but to be evaluated is let end."""
    epochs = run.recipe.fit.all_epochs if run.recipe else 0
    return max(flight.told) < epochs and flight.trial.should_prune()


def _pause_all(flights: list[_Flight], search: Search) -> None:
    """Asks the trials' runs to pause, and waits until they have."""
    active = True
    while active:
        active = False
        for flight in flights:
            with suppress(RunError):  # it was deleted, or has just ended
                run = runs.open_run(flight.run, search.runs)
                active = active or run.active
                if run.active and not (run.folder / "request.json").exists():
                    runs.request_pause(run.id, search.runs)
        if active:
            time.sleep(POLL_SECONDS / 2)


def _tell_result(study: optuna.Study, search: Search, seconds: float) -> None:
    write_result(search.folder, result_of(search, study.get_trials(deepcopy=False), seconds))
