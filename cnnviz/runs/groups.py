"""Runs that differ in nothing but the seed, or in the fold that validates: their recipes, and the mean and the sample
standard deviation of what they reached.

Such runs have one `group` in their states, by which they are found in their folders alone.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from cnnviz.errors import RecipeError
from cnnviz.recipe import FOLDS, Recipe, replace
from cnnviz.runs.store import Run

__all__ = [
    "REPEATS",
    "Spread",
    "fold_recipes",
    "groups",
    "kind",
    "mean_epochs",
    "members",
    "seed_recipes",
    "spread",
    "spread_of",
]

REPEATS = FOLDS
"""The fewest and the most runs of a group."""


@dataclass(frozen=True)
class Spread:
    """Of one number of several runs.

    Attributes:
        mean: of those that have it.
        deviation: the sample standard deviation (divided by n - 1); `None` of one run.
        count: how many have it.
    """

    mean: float
    deviation: float | None
    count: int


def seed_recipes(recipe: Recipe, count: int) -> list[Recipe]:
    """Returns the recipe with its seed and the ones after it; who is in which split stays, as `data.split_seed` does.

    Args:
        recipe: of the first run.
        count: 2 to 20.

    Raises:
        RecipeError: another count, or the last seed is too large.
    """
    _check(count, "seeds")
    return [replace(recipe, {"seed": recipe.seed + number}) for number in range(count)]


def fold_recipes(recipe: Recipe, count: int) -> list[Recipe]:
    """Returns the recipe for each fold of a cross-validation, all with its seed.

    Args:
        recipe: whose own fold, if it has one, is not kept.
        count: 2 to 20.

    Raises:
        RecipeError: another count.
    """
    _check(count, "folds")
    return [replace(recipe, {"data.fold": [number, count]}) for number in range(1, count + 1)]


def _check(count: int, what: str) -> None:
    least, most = REPEATS
    if not least <= count <= most:
        raise RecipeError(f"The number of {what} is {count}: choose {least} to {most}.")


def groups(listed: Iterable[Run]) -> dict[str, list[Run]]:
    """Returns the groups there are: id → its runs, by fold and seed. One whose other runs are deleted is none."""
    found: dict[str, list[Run]] = {}
    for run in listed:
        if run.written.group:
            found.setdefault(run.written.group, []).append(run)
    return {group: sorted(runs, key=_turn) for group, runs in found.items() if len(runs) > 1}


def members(run: Run, listed: Iterable[Run]) -> list[Run]:
    """Returns all runs of a run's group, itself among them; none where it has no group."""
    return groups(listed).get(run.written.group, [])


def _turn(run: Run) -> tuple[tuple[int, int], int, float]:
    if run.recipe is None:
        return (0, 0), 0, run.written.created
    return run.recipe.data.fold or (0, 0), run.recipe.seed, run.written.created


def kind(runs: Sequence[Run]) -> str:
    """Returns what the runs of a group differ in: "folds" or "seeds"."""
    folds = {run.recipe.data.fold for run in runs if run.recipe is not None}
    return "folds" if len(folds) > 1 else "seeds"


def spread(values: Iterable[object]) -> Spread | None:
    """Returns mean and sample standard deviation of the finite numbers among `values`, `None` where there is none.

    Example:
        >>> spread([1.0, 3.0, None])
        Spread(mean=2.0, deviation=1.4142135623730951, count=2)
    """
    numbers = [float(one) for one in values if isinstance(one, (int, float)) and isfinite(one)]
    if not numbers:
        return None
    deviation = statistics.stdev(numbers) if len(numbers) > 1 else None
    return Spread(statistics.fmean(numbers), deviation, len(numbers))


def spread_of(metrics: Sequence[Mapping[str, Any]]) -> dict[str, Spread]:
    """Returns mean and deviation of each metric that some run has.

    Args:
        metrics: of each run, by name.
    """
    names = dict.fromkeys(name for one in metrics for name in one)
    found = {name: spread(one.get(name) for one in metrics) for name in names}
    return {name: one for name, one in found.items() if one is not None}


def mean_epochs(runs: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Returns the records of epochs of several runs as one: each metric's mean over those runs that have the epoch.

    A record has also `runs`, how many of them there are, and `deviation`, the sample standard deviation of each metric
    that two of them have at least.

    Args:
        runs: for each run its epochs' records, see `metrics.epochs`.
    """
    by_epoch: dict[int, list[Mapping[str, Any]]] = {}
    for records in runs:
        for record in records:
            by_epoch.setdefault(record["epoch"], []).append(record)
    found = []
    for epoch, records in sorted(by_epoch.items()):
        values = [{name: one for name, one in record.items() if name not in ("kind", "epoch")} for record in records]
        spreads = spread_of(values)
        deviation = {name: one.deviation for name, one in spreads.items() if one.deviation is not None}
        means = {name: one.mean for name, one in spreads.items()}
        found.append({"kind": "epoch", **means, "epoch": epoch, "runs": len(records), "deviation": deviation})
    return found
