"""Branches: runs that go on from an epoch of another with changed settings, and the tree that they make.

With nothing changed a branch ends with the weights of its parent.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz.errors import RunError
from cnnviz.recipe import Recipe
from cnnviz.runs import metrics, resume_checkpoint, snapshots
from cnnviz.runs.launch import launch
from cnnviz.runs.resume_checkpoint import Saved, epochs_to_branch_from
from cnnviz.runs.status import EngineName, Resources
from cnnviz.runs.store import Run, folder_of, open_run, recipe_of

__all__ = ["branch", "check_branch", "tree"]


def branch(
    run_id: str,
    epoch: int,
    recipe: Recipe,
    runs: Path | None = None,
    engine: EngineName | None = None,
    resources: Resources | None = None,
) -> Run:
    """Starts a run that goes on from an epoch of another, with weights, optimizer and random generators as they were.

    Args:
        run_id: the parent's.
        epoch: one of `epochs_to_branch_from`.
        recipe: the new run's, whose model is the parent's.
        runs: the folder of all runs; by default `root`.
        engine: as of `cnnviz.runs.start`.
        resources: the same.

    Raises:
        RunError: the epoch isn't kept, the recipe doesn't go on from it, or the run can't be started.

    Example:
        >>> slower = replace(recipe, {"fit.learning_rate": 1e-4})
        >>> branch("20261130-101500-digits-1a2b3c4d", 6, slower)
    """
    folder = folder_of(run_id, runs)
    parent = open_run(run_id, runs)
    before = recipe_of(parent, "so nothing can branch from it")
    check_branch(before, recipe, epoch)
    saved = resume_checkpoint.of_epoch(folder, before, epoch)
    if saved is None:
        there = ", ".join(map(str, epochs_to_branch_from(folder))) or "none"
        raise RunError(f"Epoch {epoch} of run {run_id} isn't kept, or damaged; kept are: {there}.")
    best_is_there = (
        before.fit.monitor == recipe.fit.monitor
        and saved.facts["best_epoch"] == parent.written.best_epoch  # else the parent's model is of a later one
        and parent.best_path.is_file()
    )
    changed = _changed(saved, before, recipe, best_is_there)

    def fill(draft: Path) -> None:
        shutil.copyfile(parent.metrics_path, draft / "metrics.jsonl")
        metrics.rewind(draft / "metrics.jsonl", epoch)
        if best_is_there:
            shutil.copyfile(parent.best_path, draft / "best.keras")
        if (before.data, before.network) == (recipe.data, recipe.network) and (folder / "snapshots").is_dir():
            shutil.copytree(folder / "snapshots", draft / "snapshots")
            snapshots.drop(draft, epoch)
        resume_checkpoint.save(draft, recipe, changed)

    return launch([recipe], runs, engine, resources, parent=run_id, parent_epoch=epoch, epoch=epoch, fill=fill)[0]


def check_branch(before: Recipe, after: Recipe, epoch: int) -> None:
    """Looks whether a run can go on from an epoch of another.

    Args:
        before: the recipe of the other.
        after: the recipe of the run.
        epoch: after which it goes on.

    Raises:
        RunError: its model, its optimizer, its stages or the shape of its images are others, or it ends before.
    """
    for what, old, new in (
        ("model", before.network, after.network),
        ("optimizer", before.fit.optimizer, after.fit.optimizer),
        ("image size", before.data.input_shape, after.data.input_shape),
        ("fine-tuning", before.fit.finetune, after.fit.finetune),
    ):
        if old != new:
            raise RunError(f"A branch goes on with the weights of its parent, so its {what} has to stay as it was.")
    if after.fit.all_epochs <= epoch:
        raise RunError(f"A branch after epoch {epoch} needs more than {epoch} epochs; it has {after.fit.all_epochs}.")


def tree(listed: Sequence[Run], run_id: str) -> list[Run]:
    """Returns the runs that a run branches from and that branch from it, however far; each follows its parent.

    Args:
        listed: all runs.
        run_id: which run's tree; alone where it has neither.
    """
    by_id = {run.id: run for run in listed}
    first, seen = run_id, {run_id}
    while (parent := by_id[first].written.parent if first in by_id else "") in by_id and parent not in seen:
        first = parent
        seen.add(parent)
    found: list[Run] = []
    waiting = [by_id[first]] if first in by_id else []
    while waiting:
        found.append(waiting.pop())
        known = {run.id for run in (*found, *waiting)}
        waiting += [run for run in listed if run.written.parent == found[-1].id and run.id not in known]  # newest first
    return found


def _changed(saved: Saved, before: Recipe, after: Recipe, best_is_there: bool) -> Saved:
    """The generation as the branch's first worker takes it. Where the best epoch's model isn't at hand, the best of
    those to come is kept."""
    facts, arrays = dict(saved.facts), dict(saved.arrays)
    if before != after:
        facts["stopped"] = False
    facts["callbacks"] = _callbacks(facts["callbacks"], before, after)
    if not best_is_there:
        facts |= {"best_epoch": None, "metrics": {}}
        facts["callbacks"][0] = {**facts["callbacks"][0], "best": None}
    of_optimizer = [arrays.pop(name) for name in list(arrays) if name.startswith("optimizer/")]
    # Keras's optimizers have how many steps they took, the learning rate unless a schedule reckons it, and the rest.
    had, has = before.fit.schedule != "cosine", after.fit.schedule != "cosine"
    if (had, before.fit.learning_rate) != (has, after.fit.learning_rate):
        if had:
            of_optimizer.pop(1)
        if has:
            of_optimizer.insert(1, np.array(after.fit.learning_rate, np.float32))
    arrays |= {f"optimizer/{at}": array for at, array in enumerate(of_optimizer)}
    return Saved(saved.epoch, facts, arrays)


def _callbacks(kept: list[dict[str, Any]], before: Recipe, after: Recipe) -> list[dict[str, Any]]:
    """What callbacks held, in the order of the worker's: the best model, the plateau's, early stopping's; one that is
    new, or looks at another metric, begins anew."""
    names = {"best": True, "plateau": before.fit.schedule == "plateau", "patience": before.fit.patience is not None}
    held = dict(zip([name for name, there in names.items() if there], kept, strict=True))
    wanted = {"best": True, "plateau": after.fit.schedule == "plateau", "patience": after.fit.patience is not None}
    same = before.fit.monitor == after.fit.monitor
    return [held.get(name, {}) if same or name == "best" else {} for name, there in wanted.items() if there]
