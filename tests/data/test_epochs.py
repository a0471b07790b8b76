"""What an epoch takes is a function of (seed, epoch): going on at an epoch gives the batches that were to come."""

import numpy as np
import pytest

from cnnviz.data import pipeline
from cnnviz.data.split_images import SplitImages
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace

SAMPLES = 50


@pytest.mark.parametrize("steps", [None, 2, 17])  # one pass over the data, less than one, more than one
@pytest.mark.parametrize("mixed", [False, True])
def test_batches_from_an_epoch_on_are_those_of_the_whole_run(steps, mixed):
    policy = [{"type": "rotation", "low": -20, "high": 20}, *([{"type": "mixup", "low": 0, "high": 0.5}] * mixed)]
    settings = {"fit.epochs": 4, "fit.batch_size": 16, "fit.steps_per_epoch": steps, "augmentation.steps": policy}
    recipe = replace(PRESETS["Q"], settings)
    images = np.random.default_rng(0).integers(0, 256, (SAMPLES, 8, 8, 1), np.uint8)
    source_images, labels = SplitImages(images, images, np.arange(SAMPLES)), {"label": np.arange(SAMPLES) % 10}
    whole = list(pipeline.training(source_images, labels, recipe).as_numpy_iterator())
    per_epoch = recipe.fit.steps(SAMPLES)
    assert len(whole) == 4 * per_epoch
    for first in range(5):
        rest = list(pipeline.training(source_images, labels, recipe, first).as_numpy_iterator())
        assert len(rest) == len(whole) - first * per_epoch
        for (x, y), (wanted_x, wanted_y) in zip(rest, whole[first * per_epoch :], strict=True):
            np.testing.assert_array_equal(x, wanted_x)
            np.testing.assert_array_equal(y, wanted_y)
    assert any(not np.array_equal(a[0], b[0]) for a, b in zip(whole[:per_epoch], whole[per_epoch:], strict=False))
