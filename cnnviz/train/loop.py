"""Carrying out a recipe: data, model, fitting in stages, evaluation of the best epoch."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import tensorflow as tf

from cnnviz.data import open_dataset, pipeline
from cnnviz.data.compatibility import check
from cnnviz.models.build.feature_extractor import compute, feature_extractor_of, stem_digest
from cnnviz.models.build.model import build
from cnnviz.models.build.pretrained_weights import weights_of_recipe
from cnnviz.progress import Cancelled
from cnnviz.runs import recipe_of
from cnnviz.runs import resume_checkpoint as saved
from cnnviz.runs.resume_checkpoint import Saved
from cnnviz.runs.store import open_run
from cnnviz.train.callbacks import BestModelCheckpoint, MetricsLogger, SeveralHeads, for_fit
from cnnviz.train.devices import strategy
from cnnviz.train.final_evaluation import conclude
from cnnviz.train.resume_callback import ResumeCheckpoint, frozen_digest, restore, weights_digest
from cnnviz.train.run_writer import RunWriter
from cnnviz.train.snapshot_samples import probe_of
from cnnviz.train.snapshots import Snapshots
from cnnviz.train.split_reader import Reader, Stem
from cnnviz.train.stages import Stage, compile_stage, stages
from cnnviz.train.tensorboard_callback import finish_events, tensorboard_callback

__all__ = ["carry_out"]


@dataclass(frozen=True, eq=False)
class _Work:
    """What the stages of a run share. `stem` is there where features are computed once; `spread` is over which devices
    a batch is dealt."""

    writer: RunWriter
    reader: Reader
    model: keras.Model
    best: BestModelCheckpoint
    stem: Stem | None
    spread: tf.distribute.Strategy

    def read(self, stage: Stage, name: str) -> tuple:
        """What a stage takes of a split, and the labels."""
        if stage.cached:
            assert self.stem is not None
            return self.reader.features(name, self.stem)
        return self.reader.images(name)

    def arranged(self, stage: Stage) -> keras.Model:
        """What a stage fits, compiled."""
        samples = len(self.read(stage, "train")[0])
        with self.spread.scope():
            fitted = compile_stage(self.model, stage, samples)
            fitted.optimizer.build(fitted.trainable_variables)
        return fitted


def carry_out(writer: RunWriter) -> None:
    """Trains and evaluates the run in the writer's folder.

    Raises:
        CnnvizError: its recipe, its data, or its backbone's weights, can't be used.
        Cancelled: it was asked to stop; what there is has been kept.
    """
    recipe = recipe_of(open_run(writer.folder.name, writer.folder.parent), "it can't be trained")
    keras.utils.set_random_seed(recipe.seed)
    dataset = open_dataset(recipe.data, [head.name for head in recipe.network.heads], progress=writer.progress)
    check(recipe, dataset)
    plan = stages(recipe)
    work = _prepared(writer, Reader(dataset, recipe, writer), plan)
    found = saved.newest(writer.folder, recipe)
    now = plan[found.facts.get("stage", 0)] if found else plan[0]
    fitted = work.arranged(now)
    begin = restore(writer, fitted, found, frozen_digest(work.model))
    if begin:
        writer.note(f"Going on after epoch {begin.epoch}")
        work.best.best = next(held["best"] for held in begin.facts["callbacks"])
    elif now is not plan[0]:
        now, fitted = plan[0], work.arranged(plan[0])
    writer.write(state="running")
    epoch = _fit(work, now, fitted, begin, 0)
    for stage in plan[now.number + 1 :]:
        writer.note("Fine-tuning")
        epoch = _fit(work, stage, work.arranged(stage), None, epoch)
    cached = (work.model, work.stem, work.best.written) if plan[-1].cached and work.stem is not None else None
    conclude(writer, work.reader, weights_digest(work.model), cached)
    finish_events(writer)


def _prepared(writer: RunWriter, reader: Reader, plan: tuple[Stage, ...]) -> _Work:
    """Reads what the first stage needs and builds the model."""
    recipe = reader.recipe
    if (weights := weights_of_recipe(recipe, writer.progress)) is not None:
        writer.say(f"ImageNet weights: {weights.name}")
    if not plan[0].cached:
        reader.images("train")
        reader.images("validation")
    writer.note("Building the model")
    backbone, spread = recipe.network.backbone, strategy()
    if (cards := spread.num_replicas_in_sync) > 1:
        writer.say(f"Each batch is dealt to {cards} graphics cards")
    with spread.scope():
        model = build(recipe, weights)
    keeper = keras.Model(model.input, model.output) if backbone else build(recipe)
    stem = None
    if plan[0].cached:
        part = feature_extractor_of(model, recipe.network)
        stem = stem_digest(part), compute(part)
    best = BestModelCheckpoint(writer, keeper, recipe.fit.monitor, shared=backbone is not None)
    return _Work(writer, reader, model, best, stem, spread)


def _fit(work: _Work, stage: Stage, fitted: keras.Model, begin: Saved | None, epoch: int) -> int:
    """Fits a stage from where it was, and returns how many epochs there are then, all stages counted."""
    writer, reader, recipe = work.writer, work.reader, work.reader.recipe
    start, epoch = (begin.facts.get("began", 0), begin.epoch) if begin else (epoch, epoch)
    end = start + stage.recipe.fit.epochs
    if epoch >= end or (begin and begin.facts["stopped"]):
        return epoch
    train, train_labels = work.read(stage, "train")
    held_out, held_out_labels = work.read(stage, "validation")
    batch_size, batches = recipe.fit.batch_size, recipe.fit.steps(len(train))
    images = batches * batch_size if recipe.fit.steps_per_epoch else len(train)
    probe = probe_of(reader.dataset, reader.watched("validation", held_out), held_out_labels, recipe)
    work.best.seldom = stage.cached
    watching = [work.best, *for_fit(stage.recipe.fit)]
    facts = {"stage": stage.number, "began": start, "frozen": frozen_digest(work.model)}
    try:
        history = fitted.fit(
            pipeline.training(train, train_labels, stage.recipe, epoch, end),
            initial_epoch=epoch,
            epochs=end,
            steps_per_epoch=batches,
            validation_data=pipeline.evaluation(held_out, held_out_labels, stage.recipe),
            shuffle=False,  # the pipeline has done it
            verbose=0,
            callbacks=[
                SeveralHeads(recipe.network.heads),
                MetricsLogger(writer, batches, images, batch_size, len(held_out)),
                *watching,
                Snapshots(writer.folder, recipe, probe, batches, epoch, end, work.model if stage.cached else None),
                *tensorboard_callback(writer, work.model),
                ResumeCheckpoint(writer, recipe, watching, begin, facts, end),
            ],
        )
    except Cancelled:
        work.best.flush()
        if writer.state.best_epoch is None and not writer.pausing():
            work.best.save()
        raise
    return history.epoch[-1] + 1
