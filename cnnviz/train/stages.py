"""The stages of a run: one, or a frozen one and a fine-tuned one."""

from __future__ import annotations

from dataclasses import dataclass

import keras

from cnnviz.architecture import with_trainable_from
from cnnviz.models.build.backbones import free
from cnnviz.models.build.feature_extractor import head_of
from cnnviz.models.build.model import compile_for
from cnnviz.policy import Policy
from cnnviz.recipe import Recipe
from cnnviz.train.callbacks import schedule

__all__ = ["Stage", "compile_stage", "stages"]


@dataclass(frozen=True)
class Stage:
    """A fit of its own.

    Attributes:
        number: counted from 0.
        recipe: the run's as this stage fits it: its learning rate, number of epochs and augmentation.
        trainable_from: what of the backbone is trained, see `spec.Backbone`.
        cached: whether only what stands behind the backbone is fitted, on features that were computed before.
    """

    number: int
    recipe: Recipe
    trainable_from: str | None = None
    cached: bool = False


def stages(recipe: Recipe) -> tuple[Stage, ...]:
    """Returns the stages of a recipe in order."""
    backbone, later = recipe.network.backbone, recipe.fit.finetune
    if backbone is None:
        return (Stage(0, recipe),)
    first = recipe.model_copy(update={"augmentation": Policy()}) if backbone.cached else recipe
    plan = [Stage(0, first, backbone.trainable_from, backbone.cached)]
    if later is not None:
        fit = recipe.fit.model_copy(update={"learning_rate": later.learning_rate, "epochs": later.epochs})
        plan.append(Stage(1, recipe.model_copy(update={"fit": fit}), later.trainable_from))
    return tuple(plan)


def compile_stage(model: keras.Model, stage: Stage, samples: int) -> keras.Model:
    """Returns what a stage fits, compiled: the run's whole model, or the part of it behind the stem.

    Args:
        model: from `build`.
        stage: which.
        samples: how many there are to train on.
    """
    spec = stage.recipe.network
    if (backbone := with_trainable_from(spec, stage.trainable_from).backbone) is not None:
        free(model, backbone)
    fitted = head_of(model, spec) if stage.cached else model
    compile_for(fitted, stage.recipe, schedule(stage.recipe.fit, stage.recipe.fit.steps(samples)))
    return fitted
