"""Carrying out a recipe: data, network, fitting, evaluation of the best epoch."""

from __future__ import annotations

import time
from dataclasses import replace

import keras
import numpy as np

from cnnviz.data import Dataset, open_dataset, pipeline
from cnnviz.data.match import check
from cnnviz.data.pictures import Pictures, prepare
from cnnviz.errors import DataError
from cnnviz.files import write_json
from cnnviz.models.build import build, compile_for
from cnnviz.recipe import Recipe
from cnnviz.runs import evaluated, metrics
from cnnviz.runs.store import open_run
from cnnviz.train.callbacks import Best, Live, MeanAccuracy, for_fit, schedule
from cnnviz.train.diary import Diary, Stopped
from cnnviz.train.evaluate import facts_of, measured, report_of, scoring
from cnnviz.train.resume import Keep, restore, weights_digest
from cnnviz.train.snapshots import Snapshots, probe_of

__all__ = ["carry_out"]

Labels = dict[str, np.ndarray]


def carry_out(diary: Diary) -> None:
    """Trains and evaluates the run in the diary's folder.

    Raises:
        CnnvizError: its data can't be used.
        Stopped: it was asked to stop; what there is has been kept.
    """
    recipe = open_run(diary.folder.name, diary.folder.parent).recipe
    keras.utils.set_random_seed(recipe.seed)
    dataset = open_dataset(recipe.data, [head.name for head in recipe.network.heads], progress=diary.progress)
    check(recipe, dataset)
    train, train_labels = _read(dataset, "train", recipe, diary)
    held_out, held_out_labels = _read(dataset, "validation", recipe, diary)
    diary.note("Building the network")
    model, keeper = build(recipe), build(recipe)
    batches = pipeline.steps(recipe, len(train))
    compile_for(model, recipe, schedule(recipe.fit, batches))
    images = batches * recipe.fit.batch_size if recipe.fit.steps_per_epoch else len(train)
    begin = restore(diary, recipe, model)
    first = begin.epoch if begin else 0
    if begin:
        diary.note(f"Going on after epoch {first}")
    best = Best(diary, keeper, recipe.fit.monitor)
    watching = [best, *for_fit(recipe.fit)]
    diary.write(state="running")
    if first < recipe.fit.epochs and not (begin and begin.facts["stopped"]):
        try:
            model.fit(
                pipeline.training(train, train_labels, recipe, first),
                initial_epoch=first,
                epochs=recipe.fit.epochs,
                steps_per_epoch=batches,
                validation_data=pipeline.evaluation(held_out, held_out_labels, recipe),
                shuffle=False,  # the pipeline has done it
                verbose=0,
                callbacks=[
                    MeanAccuracy(recipe.network.heads),
                    Live(diary, batches, images, recipe.fit.batch_size),
                    *watching,
                    Snapshots(diary.folder, recipe, probe_of(dataset, held_out, held_out_labels, recipe), first),
                    Keep(diary, recipe, watching, begin),
                ],
            )
        except Stopped:
            if diary.state.best_epoch is None and not diary.pausing():
                best.save()
            raise
    skipped = [*train.skipped, *held_out.skipped]
    _evaluate(diary, dataset, recipe, held_out, skipped, weights_digest(model))


def _read(dataset: Dataset, name: str, recipe: Recipe, diary: Diary) -> tuple[Pictures, Labels]:
    """The split's pictures at their working size, and the labels of those that could be read."""
    split = dataset.splits[name]
    whole = name == "train" and recipe.augmentation.needs_margin
    pictures = prepare(split, recipe.data, whole=whole, progress=diary.progress, cancelled=diary.stopping)
    if diary.stopping():
        raise Stopped
    if len(pictures) == 0:
        raise DataError(f"None of the {len(split)} {name} pictures of {dataset.name} could be read; see the log.")
    for picture, sentence in pictures.skipped:
        diary.say(f"Skipped {picture}: {sentence}")
    return pictures, {head: labels[pictures.kept] for head, labels in split.labels.items()}


def _evaluate(
    diary: Diary,
    dataset: Dataset,
    recipe: Recipe,
    held_out: Pictures,
    skipped: list[tuple[str, str]],
    last_weights: str,
) -> None:
    """Measures the best epoch's model on validation and test pictures and writes `report.json`."""
    began, facts = time.perf_counter(), facts_of(dataset, recipe)
    model = scoring(recipe)  # the file's own words are not asked: a run to be continued may come from somewhere else
    model.load_weights(diary.folder / "best.keras")
    of = {"stamp": evaluated.stamp(diary.folder / "best.keras"), "data": facts["data"]["sha256"]}
    of["progress"] = diary.progress  # which is also where it can be stopped
    kept = [measured(model, recipe, dataset, "validation", held_out, began=began, **of)]
    if dataset.validates_on_test:  # the very pictures that were measured just now
        kept.append(replace(kept[0], split="test", same_as="validation"))
    elif "test" in dataset.splits:
        began = time.perf_counter()
        pictures, _ = _read(dataset, "test", recipe, diary)
        skipped = [*skipped, *pictures.skipped]
        kept.append(measured(model, recipe, dataset, "test", pictures, began=began, **of))
    splits = {found.split: report_of(found) for found in kept}
    test = splits["test"]["figures"] if "test" in splits else {}
    if test:
        diary.say("Test: " + ", ".join(f"{name} {value:.4f}" for name, value in test.items()))
    for found in kept:
        evaluated.save(diary.folder, found)
    epochs = metrics.epochs(diary.folder / "metrics.jsonl")
    report = {
        "best_epoch": diary.state.best_epoch,
        "last_weights_sha256": last_weights,
        "best_weights_sha256": weights_digest(model),
        "validation": diary.state.metrics,
        "test": test,
        "splits": splits,
        **facts,
        "skipped": [{"picture": picture, "reason": sentence} for picture, sentence in skipped],
        "seconds": round(diary.state.earlier_seconds + time.time() - (diary.state.started or time.time()), 1),
        "durations": {
            "epochs": round(sum(record.get("epoch_seconds", 0) for record in epochs), 1),
            "evaluation": round(sum(found.seconds for found in kept), 1),
        },
    }
    write_json(diary.folder / "report.json", report)
    diary.write(test=test)
