"""What TensorFlow and Keras do only once in a process, done before there is a run to train."""

from __future__ import annotations

import keras
import numpy as np

from cnnviz.data import pipeline
from cnnviz.data.split_images import SplitImages
from cnnviz.models.build.model import build
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs.snapshots import Moment, Probe
from cnnviz.train.snapshots import Snapshotter
from cnnviz.train.stages import compile_stage, stages

__all__ = ["warm_up"]


def warm_up() -> None:
    """Fits a small model for one batch, so that kernels, tracing and what is imported late are there.

    Nothing of it stays that a run could see: a worker sets its seed before it builds, and Keras's counters of layers'
    names are set back.
    """
    recipe = replace(PRESETS["Q"], {"fit.epochs": 1, "fit.batch_size": 2})
    heads = recipe.network.heads
    pixels = np.zeros((2, *recipe.data.input_shape), np.uint8)
    images, labels = SplitImages(pixels, pixels, np.arange(2)), {head.name: np.zeros(2, int) for head in heads}
    model = compile_stage(build(recipe), stages(recipe)[0], len(images))
    model.fit(
        pipeline.training(images, labels, recipe),
        validation_data=pipeline.evaluation(images, labels, recipe),
        verbose=0,
    )
    Snapshotter(model, heads, Probe(pixels, ("", ""), labels, {head.name: () for head in heads})).take(Moment(0))
    keras.utils.clear_session()
