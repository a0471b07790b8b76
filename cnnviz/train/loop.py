"""Carrying out a recipe: data, network, fitting, evaluation of the best epoch."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version

import keras
import numpy as np

from cnnviz import __version__
from cnnviz.data import Dataset, open_dataset, pipeline
from cnnviz.data.match import check
from cnnviz.data.pictures import Pictures, prepare
from cnnviz.errors import DataError
from cnnviz.files import write_json
from cnnviz.models.build import build, compile_for
from cnnviz.recipe import Recipe
from cnnviz.runs.store import open_run
from cnnviz.train.callbacks import Best, Live, MeanAccuracy, add_mean, for_fit, schedule
from cnnviz.train.diary import Diary, Stopped
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
    _evaluate(diary, dataset, recipe, skipped=skipped, last_weights=weights_digest(model))


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
    diary: Diary, dataset: Dataset, recipe: Recipe, skipped: list[tuple[str, str]], last_weights: str
) -> None:
    """Measures the best epoch's model on the test split and writes `report.json`."""
    test: dict[str, float] = {}
    model = build(recipe)  # the file's own words are not asked: a run to be continued may come from somewhere else
    model.load_weights(diary.folder / "best.keras")
    if "test" in dataset.splits:
        pictures, labels = _read(dataset, "test", recipe, diary)
        skipped = [*skipped, *pictures.skipped]
        diary.note("Evaluating the best epoch on the test pictures")
        compile_for(model, recipe, recipe.fit.learning_rate)
        figures = model.evaluate(pipeline.evaluation(pictures, labels, recipe), verbose=0, return_dict=True)
        add_mean(figures, recipe.network.heads)
        test = {name: float(f"{value:.6g}") for name, value in figures.items()}
        diary.say("Test: " + ", ".join(f"{name} {value:.4f}" for name, value in test.items()))
    report = {
        "best_epoch": diary.state.best_epoch,
        "last_weights_sha256": last_weights,
        "best_weights_sha256": weights_digest(model),
        "validation": diary.state.metrics,
        "test": test,
        "samples": {name: len(split) for name, split in dataset.splits.items()},
        "classes": {head.name: list(head.classes) for head in dataset.heads},
        "notes": list(dataset.notes),
        "skipped": [{"picture": picture, "reason": sentence} for picture, sentence in skipped],
        "seconds": round(diary.state.earlier_seconds + time.time() - (diary.state.started or time.time()), 1),
        "machine": {"system": platform.platform(), "python": platform.python_version(), "cores": os.cpu_count()},
        "versions": {"cnnviz": __version__, **{name: version(name) for name in ("keras", "tensorflow", "numpy")}},
    }
    write_json(diary.folder / "report.json", report)
    diary.write(test=test)
