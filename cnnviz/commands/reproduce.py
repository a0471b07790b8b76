"""`reproduce`: train the tutorials' systems and write what came out beside what was reported."""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from cnnviz import runs
from cnnviz.architecture import describe
from cnnviz.audit.audit import audit
from cnnviz.audit.pool import pool_of
from cnnviz.audit.spare_images import duplicates_review
from cnnviz.commands.model_argument import tensorflow_quiet
from cnnviz.commands.output import made_folder, out_file, write_file
from cnnviz.commands.subcommand import add_verb
from cnnviz.data import open_dataset
from cnnviz.data.compatibility import open_and_adapt
from cnnviz.data.review import with_review
from cnnviz.errors import CnnvizError, RecipeError, one_of
from cnnviz.files import read_json
from cnnviz.models.build.pretrained_weights import find_weights, weights_files
from cnnviz.presets import PRESETS
from cnnviz.published_results import REPORTED, Reported
from cnnviz.recipe import Data, Recipe
from cnnviz.runs import Run, metrics
from cnnviz.runs.resume_checkpoint import fingerprint

__all__ = ["Outcome", "add_reproduce", "page", "recipe_of"]

OWN = ("M4", "M5", "M6", "ME3")
"""Systems of ours after the tutorials': D4 to D6 and E3 on a backbone that takes a fraction of the time."""
MENDED = ("A-mended", "B1-mended", "B2-mended")
"""Systems again, on data of which each image is there once: of duplicates the one in the test split stays."""
_MENDED = "-mended"
RESULTS = Path("docs/results.md")
POLL_SECONDS = 0.5
_FACES, _STAND_IN = "celeba", "celeba_layout_faces"
_STAND_IN_HEADS = {1: ("Smiling",), 2: ("Facing_Left", "Smiling")}
DIFFERENT = {
    "C2": "the learning rate falls along a cosine; the tutorial's stays as it is.",
    "M6": "the first stage, on cached features and without augmentation, is M4; the best epoch is that of both stages.",
}
"""What is not as the tutorial, or the system that it follows, has it."""
_NOTHING = Reported(None, None, None, "")


@dataclass(frozen=True)
class Outcome:
    """What became of a system: its recipe as it was trained and its run, or why there is none."""

    name: str
    recipe: Recipe
    run: Run | None = None
    missing: str = ""


def add_reproduce(verbs: argparse._SubParsersAction) -> None:
    """Adds `reproduce`."""
    verb = add_verb(verbs, "reproduce", f"train the tutorials' systems and write {RESULTS}", _reproduce)
    verb.add_argument(
        "systems", metavar="ID", nargs="*", help="presets, or one of A, B1 and B2 with -mended; all if none"
    )
    verb.add_argument("--budget", type=float, metavar="MINUTES", help="stop each system after so long")
    verb.add_argument("--fresh", action="store_true", help="train anew what finished runs in checkpoints/ show already")
    verb.add_argument("--only-report", action="store_true", help="train nothing, write what finished runs show")
    verb.add_argument("--out", default=str(RESULTS), help=f"the page to write (default {RESULTS})")


def recipe_of(name: str) -> Recipe:
    """Returns a system's recipe, on faces that stand in for CelebA where that isn't on this computer.

    Raises:
        DataError: its data isn't here; ModelError: its backbone's weights aren't.
    """
    if name.endswith(_MENDED):
        return _mended(recipe_of(name.removesuffix(_MENDED)))
    recipe = PRESETS[name]
    if recipe.data.dataset == _FACES:
        try:
            return open_and_adapt(recipe, may_adapt=False)[0]
        except CnnvizError:
            recipe = _on_stand_in(recipe)
    return open_and_adapt(recipe, may_adapt=True)[0]


def _mended(recipe: Recipe) -> Recipe:
    dataset = open_dataset(Data(dataset=recipe.data.dataset, image_size=recipe.data.image_size))  # without limits
    with tensorflow_quiet():
        found = audit(dataset)
    data = with_review(recipe.data, duplicates_review(found, pool_of(dataset)))
    return recipe.model_copy(update={"data": data, "name": f"{recipe.name} · mended"})


def _on_stand_in(recipe: Recipe) -> Recipe:
    names = _STAND_IN_HEADS[len(recipe.network.heads)]
    heads = tuple(h.model_copy(update={"name": name}) for h, name in zip(recipe.network.heads, names, strict=True))
    return recipe.model_copy(
        update={
            "data": recipe.data.model_copy(update={"dataset": _STAND_IN}),
            "network": recipe.network.model_copy(update={"heads": heads}),
        }
    )


def _reproduce(chosen: argparse.Namespace) -> int:
    names = chosen.systems or [*REPORTED, *OWN, *MENDED]
    for name in names:
        if name not in (*PRESETS, *MENDED):
            raise RecipeError(f"There is no system {name!r}: {one_of(name, [*PRESETS, *MENDED])}.")
    if chosen.budget is not None and not 0 < chosen.budget <= 10_000:
        raise RecipeError(f"--budget got {chosen.budget:g}; expected minutes above 0, at most 10000.")
    made_folder(Path(chosen.out).parent)
    out, outcomes = out_file(chosen.out, ".md", "the results are a page of Markdown"), []
    for name in names:
        outcomes.append(_outcome(name, chosen))
        print(_said(outcomes[-1]), file=sys.stderr, flush=True)
        write_file(out, page(outcomes).encode())  # each time, so that nothing is lost when it is ended
    if chosen.json:
        print(json.dumps([{"id": one.name, "run": one.run and one.run.id, "missing": one.missing} for one in outcomes]))
    else:
        print(f"{out}: {sum(one.run is not None for one in outcomes)} of {len(outcomes)} systems have results.")
    return 0


def _outcome(name: str, chosen: argparse.Namespace) -> Outcome:
    outcome = Outcome(name, PRESETS[name.removesuffix(_MENDED)])
    try:
        outcome = replace(outcome, recipe=recipe_of(name))
        if not chosen.fresh and (found := _finished(outcome.recipe)) is not None:
            return replace(outcome, run=_evaluated(found))
        _check_weights(outcome.recipe)
        if chosen.only_report:
            return replace(outcome, missing="It wasn't trained here.")
        run = _watched(runs.start(outcome.recipe), chosen.budget)
    except CnnvizError as error:
        return replace(outcome, missing=str(error))
    if run.written.best_epoch is None:
        return replace(outcome, missing=run.written.message or f"It {run.state} before its first epoch was whole.")
    return replace(outcome, run=_evaluated(run))


def _check_weights(recipe: Recipe) -> None:
    backbone = recipe.network.backbone
    if backbone is None or backbone.weights == "none" or find_weights(backbone.name, recipe.data.image_size):
        return
    name = weights_files(backbone.name, recipe.data.image_size)[0].name
    raise RecipeError(f"ImageNet's weights of {backbone.name} ({name}) aren't on this computer.")


def _tested(run: Run) -> float | None:
    """The accuracy on test images, by the worker or, of a run that was stopped, by `evaluate`."""
    report = read_json(run.folder / "report.json")
    try:
        return run.written.test.get("accuracy") or report["splits"]["test"]["figures"]["accuracy"]
    except (KeyError, TypeError):
        return None


def _evaluated(run: Run) -> Run:
    """Measures a run on test images where its worker didn't come to that."""
    if _tested(run) is None and run.best_path.is_file():
        with suppress(CnnvizError), tensorflow_quiet():
            from cnnviz.models.load.load import load_run  # brings TensorFlow
            from cnnviz.train.evaluate import evaluate

            evaluate(run, load_run(run).model, "test")
    return run


def _finished(recipe: Recipe) -> Run | None:
    """The newest finished run of the very recipe, else one of more or fewer epochs, else the newest that was stopped
    with an epoch to show."""
    alike = [run for run in runs.listing() if run.recipe is not None and _but_epochs(run.recipe) == _but_epochs(recipe)]
    whole = [run for run in alike if run.state == "finished"]
    same = [run for run in whole if run.recipe is not None and run.recipe.fit == recipe.fit]
    part = [run for run in alike if run.state == "stopped" and run.written.best_epoch is not None]
    return next(iter(same + whole + part), None)


def _but_epochs(recipe: Recipe) -> str:
    return fingerprint(recipe.model_copy(update={"fit": recipe.fit.model_copy(update={"epochs": 1})}))


def _watched(run: Run, budget: float | None) -> Run:
    """Waits for the run's end; asks it to stop when its time is over or somebody presses Ctrl-C."""
    asked = False
    while True:
        try:
            run = runs.open_run(run.id)
            if not run.active:
                return run
            over = budget is not None and (run.seconds or 0.0) > 60 * budget
            if over and not asked:
                runs.request_stop(run.id)
                asked = True
            time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            if run.active:
                runs.request_stop(run.id)
            raise


def page(outcomes: list[Outcome]) -> str:
    """Returns `docs/results.md`: a table of the systems, and what to know about it."""
    lines = [
        "# The tutorials' systems, reproduced",
        "",
        "Written by `python -m cnnviz reproduce`. Validation is that of the best epoch, the one that is kept; the",
        "test images are predicted once, after training. Where a system has two heads the value is their mean.",
        "",
        "| System | Reported | Validation | Test | Parameters | Data | Epochs | Time |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_row, outcomes), "", *_notes(outcomes)]) + "\n"


def _row(outcome: Outcome) -> str:
    told, recipe, run = REPORTED.get(outcome.name, _NOTHING), outcome.recipe, outcome.run
    reported = f"{told.accuracy:g} ({told.split})" if told.accuracy is not None else "–"
    numbers = sum(row.parameters for row in describe(recipe.network, recipe.data.input_shape))
    parameters = f"{numbers:,}" if told.parameters in (None, numbers) else f"{numbers:,} (reported {told.parameters:,})"
    start = f"| {outcome.name}: {recipe.name} | {reported} "
    if run is None:
        return f"{start}| – | – | {parameters} | {recipe.data.dataset} | – | {outcome.missing} |"
    found, test = run.written.metrics, _tested(run)
    of = recipe.fit.all_epochs
    epochs = str(run.written.epoch) if run.written.epoch >= of else f"{run.written.epoch} of {of}"
    validation = f"{found['val_accuracy']:.4f} (epoch {run.written.best_epoch})"
    tested = f"{test:.4f}" if test is not None else "–"
    return (
        f"{start}| {validation} | {tested} | {parameters} | {recipe.data.dataset} | {epochs} | "
        f"{_minutes(run.seconds)} |"
    )


def _minutes(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _notes(outcomes: list[Outcome]) -> list[str]:
    """One line for each thing that keeps a figure from being compared as it stands."""
    notes = []
    for one in outcomes:
        told, run = REPORTED.get(one.name, _NOTHING), one.run
        if run is None:
            continue
        if one.recipe.data.dataset == _STAND_IN:
            heads = " and ".join(head.name for head in one.recipe.network.heads)
            notes.append(
                f"* {one.name}: CelebA isn't on this computer; 4,000 other faces stand in for it, with "
                f"{heads} as what is learned."
            )
        if one.name in MENDED:
            notes.append(
                f"* {one.name}: the system on data of which {len(one.recipe.data.without):,} duplicates are left out; "
                "of each group one stays, in the test split where one is there."
            )
        if told.split == "train":
            best = metrics.epochs(run.metrics_path)
            high = max((record["accuracy"] for record in best), default=0.0)
            notes.append(f"* {one.name}: what was reported is training accuracy; ours is {high:.4f}.")
        if one.name in DIFFERENT:
            notes.append(f"* {one.name}: {DIFFERENT[one.name]}")
        if run.written.epoch > one.recipe.fit.all_epochs:
            notes.append(
                f"* {one.name}: trained for {run.written.epoch} epochs instead of {one.recipe.fit.all_epochs}."
            )
        if run.written.epoch < one.recipe.fit.all_epochs:
            notes.append(
                f"* {one.name}: trained for {run.written.epoch} of its {one.recipe.fit.all_epochs} epochs, to "
                "save time; the result is of those."
            )
    return notes


def _said(outcome: Outcome) -> str:
    if outcome.run is None:
        return f"{outcome.name}: {outcome.missing}"
    value, epochs = outcome.run.written.metrics["val_accuracy"], outcome.run.written.epoch
    return f"{outcome.name}: validation {value:.4f} after {epochs} epochs ({outcome.run.id})"
