"""How long an epoch will take, from multiplications by arithmetic and a rate that this machine has shown."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cnnviz import backbones
from cnnviz.architecture import describe, with_trainable_from
from cnnviz.model_spec import ModelSpec
from cnnviz.recipe import Recipe
from cnnviz.runs import Run, metrics

__all__ = ["STARTUP_SECONDS", "Estimate", "Rate", "estimate", "macs", "measure", "rate_of", "work"]

PASSES = 3  # forwards, backwards to the inputs, backwards to the weights
BATCH_SECONDS = 0.004  # what a batch costs beside its multiplications, in Keras on an ordinary processor
MATMUL_SHARE = 0.3  # of a large matrix product's rate is what training a small convolutional model reaches
STARTUP_SECONDS = 15.0
"""What a run takes beside its epochs on an ordinary computer: TensorFlow, reading, compiling, the last evaluation."""
NEAREST = 5
SIDE = 64  # small enough that NumPy's matrix product stays on one core
ALIKE = 10.0  # times dearer or cheaper: runs of other models say little


@dataclass(frozen=True)
class Rate:
    """Multiplications and additions a second, and what a run takes beside its epochs. `runs` is how many finished runs
    it comes from; 0: a measurement."""

    macs_per_second: float
    runs: int = 0
    startup_seconds: float = STARTUP_SECONDS

    @property
    def source(self) -> Literal["runs", "machine"]:
        """Where it comes from."""
        return "runs" if self.runs else "machine"


@dataclass(frozen=True)
class Estimate:
    """Seconds for one epoch and for the whole run, start-up included, and the batches and images of an epoch."""

    epoch_seconds: float
    seconds: float
    steps: int
    images: int
    rate: Rate


def macs(recipe: Recipe) -> int:
    """Returns the multiplications and additions for one image, forwards, as `architecture.describe` counts them."""
    return sum(row.macs for row in describe(recipe.network, recipe.data.input_shape))


def work(recipe: Recipe, spec: ModelSpec | None = None) -> tuple[float, float]:
    """Returns the multiplications and additions of training on one image: in every epoch, and once.

    What is frozen is passed forwards only; a backbone whose features are kept is passed once for all epochs.

    Args:
        recipe: the run's.
        spec: as it is trained in a later stage; the recipe's own by default.
    """
    spec = spec or recipe.network
    rows = describe(spec, recipe.data.input_shape)
    if spec.backbone is None:
        return PASSES * sum(row.macs for row in rows), 0
    backbone, rest = rows[0].macs, PASSES * sum(row.macs for row in rows[1:])
    if spec.backbone.cached:
        return rest, backbone
    layers = backbones.layers(spec.backbone.name)
    still = layers[: backbones.frozen_count(spec.backbone.name, spec.backbone.trainable_from)]
    frozen = backbone * sum(layer.macs for layer in still) / max(1, sum(layer.macs for layer in layers))
    return rest + frozen + PASSES * (backbone - frozen), 0


def estimate(recipe: Recipe, samples: int, rate: Rate) -> Estimate:
    """Returns how long training will take; validation, about a third as costly an image, is left out.

    Args:
        recipe: what is to be trained.
        samples: how many training images there are.
        rate: from `rate_of` or `measure`.
    """
    batches = recipe.fit.steps(samples)
    images = batches * recipe.fit.batch_size if recipe.fit.steps_per_epoch else samples
    each, once = work(recipe)
    fixed = batches * BATCH_SECONDS
    seconds = images * each / rate.macs_per_second + fixed
    total = rate.startup_seconds + seconds * recipe.fit.epochs + samples * once / rate.macs_per_second
    if (later := recipe.fit.finetune) is not None:
        each, _ = work(recipe, with_trainable_from(recipe.network, later.trainable_from))
        total += later.epochs * (images * each / rate.macs_per_second + fixed)
    return Estimate(seconds, total, batches, images, rate)


def rate_of(runs: Iterable[Run], recipe: Recipe) -> Rate | None:
    """Returns the rate that finished runs of this machine have shown, `None` where there is none.

    It is the median of (measured images a second × multiplications of training) over the five finished runs whose
    models are nearest to the recipe's in cost, at most ten times dearer or cheaper, with a batch's fixed cost taken
    out as `estimate` puts it in. The start-up is the median of theirs.
    """
    wanted = math.log(max(1, work(recipe)[0]))
    shown = []
    for run in runs:
        if run.state == "finished" and run.recipe is not None and (cost := work(run.recipe)[0]) > 0:
            shown.append((abs(math.log(cost) - wanted), run, run.recipe, cost))
    rates, startups = [], []
    for far, run, trained, cost in sorted(shown, key=lambda item: item[0]):
        if far > math.log(ALIKE):
            break
        if (seconds := _seconds_per_image(run)) is not None:
            net = seconds - BATCH_SECONDS / trained.fit.batch_size
            rates.append(cost / max(net, seconds / 4))
            startups.append(_startup(run, trained))
        if len(rates) == NEAREST:
            break
    startup = statistics.median([seconds for seconds in startups if seconds is not None] or [STARTUP_SECONDS])
    return Rate(statistics.median(rates), len(rates), startup) if rates else None


def _seconds_per_image(run: Run) -> float | None:
    """The run's median over its epochs; the first, which also builds the graph, only where it is alone."""
    rates = _above_zero(run, "images_per_second")
    return 1 / statistics.median(rates[1:] or rates) if rates else None


def _startup(run: Run, recipe: Recipe) -> float | None:
    """What the run took beside its epochs, and by how much its first epoch, which also compiles, was longer than the
    others; unknown where a backbone's features were computed, which `work` counts by themselves."""
    epochs = _above_zero(run, "epoch_seconds")
    backbone = recipe.network.backbone
    if not epochs or run.seconds is None or (backbone is not None and backbone.cached):
        return None
    compiling = epochs[0] - statistics.median(epochs[1:] or epochs)
    return max(0.0, run.seconds - sum(epochs)) + max(0.0, compiling)


def _above_zero(run: Run, key: str) -> list[float]:
    """What the run's epochs say of one thing, where it is a number above 0."""
    found = (record.get(key) for record in metrics.epochs(run.metrics_path))
    return [value for value in found if isinstance(value, (int, float)) and value > 0]


def measure(seconds: float = 0.02) -> Rate:
    """Returns a rate from multiplying float32 matrices for about `seconds`; the best of the turns counts.

    One core does it, so that waiting for another one, when the machine is busy, doesn't count.
    """
    matrix = np.full((SIDE, SIDE), 0.5, np.float32)
    product = matrix @ matrix
    best, end = math.inf, time.perf_counter() + seconds
    while time.perf_counter() < end or best == math.inf:
        began = time.perf_counter()
        np.matmul(matrix, matrix, out=product)
        best = min(best, time.perf_counter() - began)
    return Rate(MATMUL_SHARE * SIDE**3 / best)
