"""`robustness`: what accuracy a run's best model keeps under attack and with corrupted images."""

from __future__ import annotations

import argparse
import json

from rich.console import Console
from rich.table import Table

from cnnviz import runs
from cnnviz.commands.model_argument import is_file, tensorflow_quiet
from cnnviz.commands.progress_bar import progress_bar
from cnnviz.commands.subcommand import add_verb
from cnnviz.data.dataset import printable
from cnnviz.errors import RunError, one_of
from cnnviz.explain.robustness.corruptions.accuracy import mean_corruption_error
from cnnviz.explain.robustness.corruptions.registry import CORRUPTIONS
from cnnviz.explain.robustness.robustness_of_run import LIMIT, cached_robustness, measure
from cnnviz.runs.robustness import HeadRobustness, Robustness, read_robustness

__all__ = ["add_robustness"]


def add_robustness(verbs: argparse._SubParsersAction) -> None:
    """Adds `robustness`."""
    verb = add_verb(
        verbs,
        "robustness",
        "measure what accuracy a run's best model keeps under PGD and with 15 kinds of corruptions",
        _robustness,
    )
    verb.add_argument("run", metavar="RUN", help="a run's id")
    verb.add_argument(
        "--images", metavar="N", type=int, default=LIMIT, help=f"at most N held-out images (default: {LIMIT})"
    )
    verb.add_argument(
        "--baseline", metavar="RUN", help="a run that was measured before, for the mean corruption error relative to it"
    )


def _robustness(chosen: argparse.Namespace) -> int:
    if chosen.images < 1:
        raise RunError(f"--images is {chosen.images}; expected 1 or more.")
    if is_file(chosen.run):
        raise RunError(f"{chosen.run} is a file, which has no data of its own: give a run's id.")
    run = runs.open_run(chosen.run)
    baseline = _baseline(chosen.baseline)
    found = cached_robustness(run, chosen.images) or _measured(run, chosen.images)
    errors = {name: _mean_error(name, head, baseline, chosen.baseline) for name, head in found.heads.items()}
    if chosen.json:
        print(json.dumps(_to_json(run.id, found, errors, chosen.baseline)))
    else:
        _told(found, errors, chosen.baseline)
    return 0


def _baseline(name: str | None) -> Robustness | None:
    if name is None:
        return None
    found = read_robustness(runs.open_run(name).folder)
    if found is None:
        raise RunError(f"Run {name} can't be the baseline, as its robustness isn't measured: run robustness {name}.")
    return found


def _measured(run: runs.Run, images: int) -> Robustness:
    with tensorflow_quiet():
        from cnnviz.models.load.load import load_run  # brings TensorFlow

        classifier = load_run(run)
    with progress_bar() as progress:
        return measure(run, classifier, limit=images, progress=progress)


def _mean_error(name: str, head: HeadRobustness, baseline: Robustness | None, run: str | None) -> float:
    if baseline is None:
        return mean_corruption_error(head.errors)
    if name not in baseline.heads:
        raise RunError(f"The baseline {run} has no head {name!r}: {one_of(name, baseline.heads)}.")
    return mean_corruption_error(head.errors, baseline.heads[name].errors)


def _to_json(run: str, found: Robustness, errors: dict[str, float], baseline: str | None) -> dict:
    return {
        "run": run,
        "images": found.images,
        "steps": found.steps,
        "seconds": found.seconds,
        "baseline": baseline,
        "heads": {
            name: {
                "accuracy": head.accuracy,
                "robust_accuracy": [
                    {"epsilon": epsilon, "accuracy": accuracy}
                    for epsilon, accuracy in zip(head.epsilons, head.robust_accuracy, strict=True)
                ],
                "corruptions": {kind: list(accuracy) for kind, accuracy in head.corruptions.items()},
                "mean_corruption_error": errors[name],
            }
            for name, head in found.heads.items()
        },
    }


def _told(found: Robustness, errors: dict[str, float], baseline: str | None) -> None:
    console = Console(highlight=False)
    for name, head in found.heads.items():
        console.print(
            f"{printable(name)} on {found.images:,} held-out images: accuracy {head.accuracy:.4f}", markup=False
        )
        attacked = Table("ε (L∞)", *(f"{255 * epsilon:g}/255" for epsilon in head.epsilons), box=None)
        attacked.add_row(f"PGD, {found.steps} steps", *(f"{accuracy:.4f}" for accuracy in head.robust_accuracy))
        console.print(attacked)
        severities = len(next(iter(head.corruptions.values())))
        table = Table("corruption", *(f"severity {at}" for at in range(1, severities + 1)), "mean", box=None)
        for kind, accuracy in head.corruptions.items():
            title = CORRUPTIONS[kind].title if kind in CORRUPTIONS else printable(kind).replace("[", "\\[")
            table.add_row(title, *(f"{one:.4f}" for one in (*accuracy, sum(accuracy) / len(accuracy))))
        console.print(table)
        over = f" relative to {baseline}" if baseline else ", the mean of all errors"
        console.print(f"mean corruption error {errors[name]:.4f}{over}", markup=False)
