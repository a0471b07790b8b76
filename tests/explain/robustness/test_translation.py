"""Accuracy on moved images, against cases that are worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz.errors import ModelError
from cnnviz.explain.inspection.top_activations import Samples
from cnnviz.explain.robustness.translation import FARTHEST, accuracy_when_translated, translate
from cnnviz.explain.robustness.translation_of_run import LIMIT, cached_accuracies, measure
from cnnviz.presets import PRESETS
from cnnviz.progress import Cancelled
from tests.made_runs import make_run

SIDE = 20


def stripes() -> Samples:
    """A bright column on the left (class 0) or on the right (class 1), three pixels from the middle."""
    images = np.zeros((2, SIDE, SIDE, 1), np.uint8)
    images[0, :, SIDE // 2 - 3] = 255
    images[1, :, SIDE // 2 + 2] = 255
    return Samples(images, {"side": np.array([0, 1])}, ("left", "right"))


def halves(images: np.ndarray) -> list[np.ndarray]:
    """Which half is brighter, as shares."""
    light = np.stack([half.astype(float).sum(axis=(1, 2, 3)) for half in np.split(images, 2, axis=2)], axis=1)
    return [light / light.sum(axis=1, keepdims=True)]


def test_an_image_is_moved_and_its_border_repeated():
    image = np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1)
    np.testing.assert_array_equal(translate(image, 0, 1)[0, ..., 0], [[0, 0, 1], [3, 3, 4], [6, 6, 7]])
    np.testing.assert_array_equal(translate(image, -1, 0)[0, ..., 0], [[3, 4, 5], [6, 7, 8], [6, 7, 8]])
    np.testing.assert_array_equal(translate(image, 0, 0), image)
    assert translate(image, 9, -9).shape == image.shape


def test_what_crosses_the_middle_is_lost():
    """Up and down change nothing; of left and right, one of four ways takes each stripe across from 3 pixels on."""
    found = accuracy_when_translated(halves, ("side",), stripes())
    assert found.accuracy == (1.0, 1.0, 1.0, *[0.75] * (FARTHEST - 2))
    assert found.images == 2


def test_of_several_heads_it_is_the_mean():
    given = stripes()
    both = Samples(given.images, {**given.labels, "other": np.array([1, 0])}, given.names)
    found = accuracy_when_translated(lambda images: halves(images) * 2, ("side", "other"), both)
    assert found.accuracy == (0.5,) * (FARTHEST + 1)


def test_it_is_kept_with_the_run_and_goes_with_its_model(checkpoints):
    run = make_run(PRESETS["Q"])
    run.best_path.write_bytes(b"a network")
    assert cached_accuracies(run) is None
    found = measure(run, lambda images: [np.eye(10)[images.sum(axis=(1, 2, 3)) % 10]], ("label",))
    assert 0 < found.accuracy[0] < 1
    assert 300 < found.images <= LIMIT
    assert cached_accuracies(run) == found
    run.best_path.write_bytes(b"another network")
    assert cached_accuracies(run) is None


def test_it_can_be_stopped_and_needs_images():
    with pytest.raises(Cancelled):
        accuracy_when_translated(halves, ("side",), stripes(), cancelled=lambda: True)
    nothing = Samples(np.zeros((0, 4, 4, 1), np.uint8), {"side": np.zeros(0, int)}, ())
    with pytest.raises(ModelError, match="no images"):
        accuracy_when_translated(halves, ("side",), nothing)
