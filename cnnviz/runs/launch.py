"""Starting a worker process, once or again, asking it to stop or pause, and the queue.

The queue is a file lock that workers wait for.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from cnnviz.architecture import counts, describe, with_trainable_from
from cnnviz.errors import RunError
from cnnviz.files import read_json, write_json
from cnnviz.processes import this_host
from cnnviz.progress import CancelCheck
from cnnviz.recipe import Recipe
from cnnviz.runs import snapshots
from cnnviz.runs.folder_lock import changing
from cnnviz.runs.lease import in_force
from cnnviz.runs.liveness import LAUNCHED
from cnnviz.runs.resume_checkpoint import GENERATIONS, kept_bytes
from cnnviz.runs.status import ENGINES, RESUMABLE, EngineName, Resources
from cnnviz.runs.store import Run, check_own, create, delete, folder_of, listing, open_run, root, write_state

__all__ = [
    "TENSORBOARD",
    "default_engine",
    "launch",
    "pause_requested",
    "request_pause",
    "request_stop",
    "resume",
    "slots",
    "space_needed",
    "start",
    "start_group",
    "stop_requested",
    "wait_for_slot",
]

TENSORBOARD = "tensorboard"
"""A folder of a run; where it is there, the run's worker writes event files into it. It is made with
`CNNVIZ_TENSORBOARD=1`."""
_FIGURES_BYTES = 4_000_000


def slots() -> int:
    """Returns how many runs may train at once: `CNNVIZ_SLOTS`, by default 1."""
    try:
        return max(1, int(os.environ.get("CNNVIZ_SLOTS", "1")))
    except ValueError:
        raise RunError(f"CNNVIZ_SLOTS is {os.environ['CNNVIZ_SLOTS']!r}; expected a whole number such as 1.") from None


def default_engine() -> EngineName:
    """Returns which engine carries a run where nothing else is said: `CNNVIZ_ENGINE`, by default "local".

    Raises:
        RunError: it is none of `ENGINES`.
    """
    named = os.environ.get("CNNVIZ_ENGINE", "local")
    for name in ENGINES:
        if name == named:
            return name
    raise RunError(f"CNNVIZ_ENGINE is {named!r}; expected {', '.join(ENGINES[:-1])} or {ENGINES[-1]}.")


def start(
    recipe: Recipe,
    runs: Path | None = None,
    engine: EngineName | None = None,
    resources: Resources | None = None,
    **facts: Any,
) -> Run:
    """Makes a run and starts its worker, a process of its own that outlives the caller.

    Args:
        recipe: what it carries out.
        runs: the folder of all runs; by default `root`.
        engine: which carries the worker; by default `default_engine`.
        resources: what the worker asks it for; this machine's own workers take what there is.
        facts: further fields of its `State`, such as the `search` that it is a trial of.

    Raises:
        RunError: the folder of runs can't be written or is too full, no process can be started, or the engine isn't
            there.
    """
    return launch([recipe], runs, engine, resources, **facts)[0]


def start_group(
    recipes: Sequence[Recipe],
    runs: Path | None = None,
    engine: EngineName | None = None,
    resources: Resources | None = None,
) -> list[Run]:
    """Makes a run of each recipe, all of one group, and starts their workers, which take turns at the queue's slots.

    Args:
        recipes: which differ in the seed, or in the fold that validates; see `cnnviz.runs.groups`.
        runs: the folder of all runs; by default `root`.
        engine: as of `start`.
        resources: as of `start`, of each.

    Raises:
        RunError: as of `start`; runs that were begun by then are asked to stop.
    """
    return launch(recipes, runs, engine, resources, group=f"group-{secrets.token_hex(4)}")


def launch(
    recipes: Sequence[Recipe],
    runs: Path | None,
    engine: EngineName | None,
    resources: Resources | None,
    **more: Any,
) -> list[Run]:
    """Makes a run of each recipe and has its worker started; `more` goes to `create`. See `start` for the rest."""
    from cnnviz.engines import engine_named  # which takes runs, and so is imported after this

    check_space(recipes[0], runs or root(), len(recipes))
    chosen, made, begun = engine or default_engine(), list[Run](), list[Run]()
    carrier = engine_named(chosen)
    carrier.check(runs or root())
    try:
        for recipe in recipes:
            made.append(create(recipe, runs, engine=chosen, resources=resources or Resources(), **more))
            if os.environ.get("CNNVIZ_TENSORBOARD", "") not in ("", "0"):
                (made[-1].folder / TENSORBOARD).mkdir()
            carrier.start(made[-1])
            begun.append(made[-1])
    except (RunError, OSError) as error:
        for run in made:
            if run not in begun:
                write_json(run.folder / "state.json", {"state": "failed", "created": run.written.created})
                delete(run.id, runs)
            else:
                with suppress(RunError):
                    request_stop(run.id, runs)
        if isinstance(error, RunError):
            raise
        raise RunError(f"No worker process could be started: {error.strerror or error}.") from None
    return begun


def resume(run_id: str, runs: Path | None = None, spawn: Callable[[Run], None] | None = None) -> Run:
    """Starts a worker again on a run that was paused, was stopped, failed or crashed; it goes on where it was.

    Args:
        run_id: the run's.
        runs: the folder of all runs; by default `root`.
        spawn: starts what carries it out; its engine's worker by default.

    Raises:
        RunError: there is no such run, it goes on, is finished or not one's own, its folder can't be written or is too
            full, or no process can be started.
    """
    from cnnviz.engines import engine_named  # which takes runs, and so is imported after this

    folder = folder_of(run_id, runs)
    check_own(folder, "continued")
    with changing(folder.parent):
        run = open_run(run_id, runs)
        if run.state not in RESUMABLE:
            raise RunError(
                f"Run {run_id} is {run.state}; only one that was paused, was stopped, failed or crashed "
                "can be continued."
            )
        if run.recipe is None:
            raise RunError(f"Run {run_id} can't be continued: its recipe.json can't be read.")
        if run.state == "crashed" and in_force(folder):
            raise RunError(f"Run {run_id} can't be continued: a worker still has it in hand; look again in a moment.")
        check_space(run.recipe, folder.parent)
        if spawn is None:
            carrier = engine_named(run.written.engine)
            carrier.check(folder.parent)
            spawn = carrier.start
        now = time.time()
        fresh: dict[str, Any] = {"state": "queued", "process": None, "launched": now, "started": None, "ended": None}
        fresh |= {"earlier_seconds": run.seconds or 0.0, "message": "", "test": {}, "oom_kills": None}
        try:
            (folder / "request.json").unlink(missing_ok=True)
            (folder / LAUNCHED).unlink(missing_ok=True)
            write_state(folder, run.written.model_copy(update=fresh))
            spawn(run)
        except OSError as error:
            with suppress(OSError):
                write_state(folder, run.written.model_copy(update={"state": run.state}))
            raise RunError(f"Run {run_id} can't be continued: {error.strerror or error}.") from None
        return open_run(run_id, runs)


def check_space(recipe: Recipe, runs: Path, count: int = 1) -> None:
    """Looks whether the disk has room for what a run with this recipe keeps, or `count` of them.

    Raises:
        RunError: it has not, with the numbers.
    """
    needed = count * space_needed(recipe)
    place = next((folder for folder in (runs, *runs.parents) if folder.is_dir()), Path("/"))
    try:
        free = shutil.disk_usage(place).free
    except OSError:
        return  # what is the matter is said where the folder is made
    if free < needed:
        who = "this run needs" if count == 1 else f"these {count} runs need"
        raise RunError(
            f"The disk of {runs} has {free / 1e6:,.0f} MB free and {who} about {needed / 1e6:,.0f} MB: free "
            "some, or choose another folder with CNNVIZ_CHECKPOINTS."
        )


def space_needed(recipe: Recipe) -> int:
    """Returns how many bytes a run keeps at most: the best model and, while it is replaced, the next; two generations
    to go on from with the optimizer's numbers, and the next; snapshots of its epochs; figures and log."""
    spec = recipe.network
    if recipe.fit.finetune is not None:
        spec = with_trainable_from(spec, recipe.fit.finetune.trainable_from)
    numbers = counts(spec, describe(spec, recipe.data.input_shape))
    of_optimizer = {"adam": 2, "adamw": 2}.get(recipe.fit.optimizer, 1)
    changing = numbers.total - numbers.frozen
    generation = 4 * (1 + of_optimizer) * changing
    weights = 4 * 2 * numbers.total + (GENERATIONS + 1) * generation + kept_bytes(generation)
    return weights + snapshots.space_needed(recipe) + _FIGURES_BYTES


def request_stop(run_id: str, runs: Path | None = None) -> Run:
    """Asks a run to stop at its next batch, keeping what there is; returns it as it is then.

    Raises:
        RunError: there is no such run, it has already ended, or its folder can't be written.
    """
    return _request(run_id, "stop", runs)


def request_pause(run_id: str, runs: Path | None = None) -> Run:
    """Asks a run to pause at its next batch; `resume` goes on from the last epoch that was saved. See `request_stop`
    for errors."""
    return _request(run_id, "pause", runs)


def _request(run_id: str, what: str, runs: Path | None) -> Run:
    run = open_run(run_id, runs)
    if not run.active:
        verb = "stopped" if what == "stop" else "paused"
        raise RunError(f"Run {run_id} is {run.state}; only a run that goes on can be {verb}.")
    if what == "pause" and stop_requested(run.folder) and not pause_requested(run.folder):
        raise RunError(f"Run {run_id} was asked to stop; it can be continued once it has.")
    try:
        write_json(run.folder / "request.json", {"request": what, "time": time.time()})
    except OSError as error:
        raise RunError(f"Run {run_id} can't be asked to {what}: {error.strerror or error}.") from None
    return open_run(run_id, runs)


def pause_requested(folder: Path) -> bool:
    """Returns whether what somebody asked the run in this folder is to pause."""
    asked = read_json(folder / "request.json")
    return isinstance(asked, dict) and asked.get("request") == "pause"


def stop_requested(folder: Path) -> bool:
    """Returns whether somebody asked the run in this folder to stop."""
    return os.path.exists(folder / "request.json")


def wait_for_slot(
    folder: Path, *, cancelled: CancelCheck, waiting: Callable[[str], None], poll_seconds: float = 0.5
) -> FileLock | None:
    """Blocks until the run may train on this machine, oldest first, and returns the lock that it must hold meanwhile.

    Args:
        folder: the run's folder; the locks are beside it.
        cancelled: asked at every turn; when it is true, `None` is returned.
        waiting: called once with the id of a run that is waited for.
        poll_seconds: time between turns.
    """
    host = this_host()
    locks = folder.parent / ".slots" / host
    locks.mkdir(parents=True, exist_ok=True)
    told = False
    while not cancelled():
        others = [
            run for run in listing(folder.parent) if run.active and run.id != folder.name and _waits_on(run, host)
        ]
        mine = (open_run(folder.name, folder.parent).written.created, folder.name)
        ahead = [run for run in others if run.state == "queued" and (run.written.created, run.id) < mine]
        free = None if ahead else _acquire(locks)
        if free is not None:
            return free
        if not told and others:
            told = True
            waiting((ahead or others)[-1].id)
        time.sleep(poll_seconds)
    return None


def _waits_on(run: Run, host: str) -> bool:
    """Whether a run is for a slot of this machine; one whose worker hasn't said yet where it is counts as such."""
    return run.written.engine == "local" and (run.written.process is None or run.written.process.host in ("", host))


def _acquire(locks: Path) -> FileLock | None:
    for number in range(slots()):
        lock = FileLock(locks / f"{number}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        return lock
    return None
