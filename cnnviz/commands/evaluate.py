"""`evaluate`: what a run's best model is worth on a split."""

from __future__ import annotations

import argparse
import json
import sys

from rich.console import Console
from rich.table import Table

from cnnviz import runs
from cnnviz.commands import model_argument as models
from cnnviz.commands.model_argument import tensorflow_quiet
from cnnviz.commands.subcommand import add_verb
from cnnviz.data.dataset import printable
from cnnviz.errors import RunError, one_of
from cnnviz.evaluation_metrics.registry import METRICS
from cnnviz.recipe import SPLITS
from cnnviz.runs.report import absent_text

__all__ = ["add_evaluate"]


def add_evaluate(verbs: argparse._SubParsersAction) -> None:
    """Adds `evaluate`."""
    verb = add_verb(
        verbs,
        "evaluate",
        "measure a run's best model on a split, and add it to the run's report; or a file's on data",
        _evaluate,
    )
    models.add_model_argument(verb)
    verb.add_argument("--data", metavar="D", help="for a .keras file: the data to measure it on, by name or path")
    verb.add_argument(
        "--split", metavar="S", default="", help="train, validation or test (default: test, or else validation)"
    )


def _evaluate(chosen: argparse.Namespace) -> int:
    if chosen.split and chosen.split not in SPLITS:
        raise RunError(f"--split is {chosen.split!r}: {one_of(chosen.split, SPLITS)}.")
    if models.is_file(chosen.run):
        return _of_file(chosen)
    if chosen.data is not None:
        raise RunError("--data is for .keras files: a run is measured on its own data.")
    models.refuse_options(chosen)
    run = runs.open_run(chosen.run)
    with tensorflow_quiet():
        from cnnviz.data.compatibility import open_and_adapt
        from cnnviz.models.load.load import load_run  # brings TensorFlow
        from cnnviz.train.evaluate import evaluate

        classifier = load_run(run)
        assert run.recipe is not None  # as else there is no model
        dataset = open_and_adapt(run.recipe, may_adapt=False)[1]
        split = chosen.split or ("test" if "test" in dataset.splits else "validation")
        _, report = evaluate(run, classifier.model, split)
    for note in dataset.notes:
        print(f"cnnviz: {note}", file=sys.stderr)
    if chosen.json:
        print(json.dumps({"run": run.id, "split": split, **report}))
        return 0
    _told(split, report)
    return 0


def _of_file(chosen: argparse.Namespace) -> int:
    if chosen.data is None:
        raise RunError(f"{chosen.run} doesn't say what it was trained on: add --data, a data set's name or path.")
    with tensorflow_quiet():
        classifier, _ = models.model_of(chosen)
        from cnnviz.train.evaluate_file import evaluate_file  # brings TensorFlow

        report = evaluate_file(classifier, chosen.data, chosen.split)
    models.tell_taken(classifier)
    if chosen.json:
        print(json.dumps({"run": chosen.run, "data": chosen.data, "pixels": classifier.scale, **report}))
        return 0
    _told(report["split"], report)
    return 0


def _told(split: str, report: dict) -> None:
    console = Console(highlight=False)
    for name, head in report["heads"].items():
        title = f"{printable(name)} on {report['samples']:,} {split} images"
        error = head["calibration"]["error"]
        console.print(
            f"{title}: accuracy {head['accuracy']:.4f}, loss {head['loss']:.4f}, calibration error {error:.4f}",
            markup=False,
        )
        further = [f"{METRICS[key].title.lower()} {value:.4f}" for key, value in head["metrics"].items()]
        console.print(", ".join(further), markup=False)
        if head.get("curves"):
            curves = head["curves"]
            console.print(
                f"area under the ROC curve {curves['roc']['area']:.4f}, average precision "
                f"{curves['precision_recall']['average']:.4f}",
                markup=False,
            )
        table = Table("class", *("precision", "recall", "F1", "images"), box=None)
        for row in head["classes"]:
            figures = [f"{row[key]:.4f}" if row["support"] else "–" for key in ("precision", "recall", "f1")]
            table.add_row(printable(row["class"]).replace("[", "\\["), *figures, f"{row['support']:,}")
        means = head["macro"]
        table.add_row("mean over classes", *(f"{means[key]:.4f}" for key in ("precision", "recall", "f1")), "")
        console.print(table)
        if absent := absent_text(means["absent"]):
            console.print(printable(absent), markup=False)
    if report.get("same_pictures_as"):
        console.print(
            "These images are those of the validation split, which chose the best epoch."
            if split == "test"
            else "These images are those of the test split.",
            markup=False,
        )
