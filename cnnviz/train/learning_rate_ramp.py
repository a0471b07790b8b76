"""A learning-rate range test (L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", 2015,
arXiv:1506.01186) of a recipe's first stage: it is fitted while the learning rate grows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import keras
import numpy as np

from cnnviz.backbones import BACKBONES
from cnnviz.data import Dataset, open_dataset, pipeline
from cnnviz.data.compatibility import check
from cnnviz.data.features import features
from cnnviz.data.split_images import SplitImages, prepare
from cnnviz.learning_rate_range import running_mean
from cnnviz.models.build.feature_extractor import compute, feature_extractor_of, stem_digest
from cnnviz.models.build.model import build
from cnnviz.models.build.pretrained_weights import weights_of_recipe
from cnnviz.progress import Progress
from cnnviz.recipe import Recipe
from cnnviz.train.stages import compile_stage, stages

__all__ = ["LearningRateRamp", "range_test"]

LOWEST, HIGHEST = 1e-7, 10.0
STEPS, FEWEST_STEPS = 150, 75
SECONDS = 15.0
"""So long the steps may take; where they are slow there are fewer, but never fewer than `FEWEST_STEPS`."""
BY_DECADE = 12.5
"""So many steps at least raise the rate tenfold, as in fastai; where there are too few for that, it begins higher."""
WARM_STEPS, WARM_SECONDS = 8, 3.0
DIVERGED = 4.0
"""The smooth loss is this many times its minimum where the test ends."""

Told = Callable[[dict], None]


class LearningRateRamp(keras.callbacks.Callback):
    """Raises the learning rate to `HIGHEST`, by the same factor at each step, and tells rate and loss.

    Before, a few steps at the lowest rate, which change next to nothing, show how long a step takes: by that it is
    decided how many there are. It stops the fit at the end, or where the loss has diverged.
    """

    def __init__(self, tell: Told):
        super().__init__()
        self._tell = tell
        self._warm = self._steps = 0
        self._warm_since = 0.0
        self._losses: list[float] = []
        self._least = math.inf
        self._rate, self._factor = LOWEST, 1.0

    def on_train_batch_begin(self, batch, logs=None):
        if self._steps:
            left = self._steps - 1 - len(self._losses)
            self._rate = HIGHEST * self._factor**-left
        self.model.optimizer.learning_rate = self._rate
        self.model.reset_metrics()  # so that the loss is this batch's, not the mean of all

    def on_train_batch_end(self, batch, logs=None):
        if not self._steps:
            self._warm_up()
            return
        loss = float(logs["loss"])
        self._losses.append(loss)
        smooth = running_mean(self._losses)[-1]
        self._least = min(self._least, smooth)
        if math.isfinite(loss):
            self._tell({"rate": self._rate, "loss": loss})
        if not smooth <= DIVERGED * self._least or len(self._losses) == self._steps:  # also where it is not a number
            self.model.stop_training = True

    def _warm_up(self) -> None:
        """Counts a step; the first of them has waited for the compiler."""
        now = time.perf_counter()
        if not self._warm:
            self._warm_since = now
        self._warm += 1
        spent = now - self._warm_since
        if self._warm == WARM_STEPS or (self._warm > 1 and spent > WARM_SECONDS):
            each = max(spent / (self._warm - 1), 1e-9)
            self._steps = max(FEWEST_STEPS, min(STEPS, int(SECONDS / each)))
            self._factor = min((HIGHEST / LOWEST) ** (1 / (self._steps - 1)), 10 ** (1 / BY_DECADE))
            self._tell({"steps": self._steps})


def range_test(recipe: Recipe, tell: Told, progress: Progress) -> None:
    """Fits the recipe's first stage while the learning rate grows.

    Args:
        recipe: whose; its learning rate and its schedule don't count.
        tell: called with what `LearningRateRamp` tells.
        progress: called while data and model are prepared.

    Raises:
        CnnvizError: its data, or its backbone's weights, can't be used.
    """
    keras.utils.set_random_seed(recipe.seed)
    dataset = open_dataset(recipe.data, [head.name for head in recipe.network.heads], progress=progress)
    check(recipe, dataset)
    fit = recipe.fit.model_copy(update={"schedule": "constant", "steps_per_epoch": WARM_STEPS + STEPS, "epochs": 1})
    recipe = recipe.model_copy(update={"fit": fit})
    model = build(recipe, weights_of_recipe(recipe, progress))
    stage = stages(recipe)[0]
    images, labels = _features(dataset, recipe, model, progress) if stage.cached else _images(dataset, recipe, progress)
    fitted = compile_stage(model, stage, len(images))
    progress("Compiling the model", 0, 0)
    fitted.fit(
        pipeline.training(images, labels, stage.recipe),
        steps_per_epoch=fit.steps_per_epoch,
        shuffle=False,
        verbose=0,
        callbacks=[LearningRateRamp(tell)],
    )


def _images(dataset: Dataset, recipe: Recipe, progress: Progress) -> tuple[SplitImages, dict[str, np.ndarray]]:
    """Training images, as many as the steps can take, and their labels."""
    split, most = dataset.splits["train"], (recipe.fit.steps_per_epoch or 1) * recipe.fit.batch_size
    if len(split) > most:
        split = split.take(np.sort(np.random.default_rng(recipe.seed).permutation(len(split))[:most]))
    found = prepare(split, recipe.data, whole=recipe.augmentation.needs_margin, progress=progress)
    return found, {head: labels[found.kept] for head, labels in split.labels.items()}


def _features(
    dataset: Dataset, recipe: Recipe, model: keras.Model, progress: Progress
) -> tuple[SplitImages, dict[str, np.ndarray]]:
    """The features of all training images, which a run of the recipe then finds, and their labels."""
    split, part, backbone = (
        dataset.splits["train"],
        feature_extractor_of(model, recipe.network),
        recipe.network.backbone,
    )
    assert backbone is not None
    what = f"{BACKBONES[backbone.name].title}'s features"
    found = features(split, recipe.data, stem_digest(part), compute(part), what=what, progress=progress)
    return found, {head: labels[found.kept] for head, labels in split.labels.items()}
