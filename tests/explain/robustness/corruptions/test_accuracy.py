"""Accuracy with corrupted images, of a model that is known beforehand, and the mean corruption error by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from cnnviz.errors import ImageError, ModelError
from cnnviz.explain.robustness.corruptions.accuracy import corrupted_accuracy, mean_corruption_error
from cnnviz.explain.robustness.corruptions.registry import CORRUPTIONS, corrupt
from cnnviz.models.classifier import Classifier
from cnnviz.models.load.load import of_model
from cnnviz.progress import Cancelled

IMAGES = np.repeat(np.array([40, 60, 110, 200], np.uint8), 64).reshape(4, 8, 8, 1)
LABELS = {"mean": np.array([0, 0, 0, 1]), "always": np.array([1, 1, 0, 0])}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """Head `mean`: whether the mean is above 127; head `always`: class 1, whatever the image."""
    inputs = keras.Input((8, 8, 1))
    mean = layers.GlobalAveragePooling2D()(inputs)
    bright = layers.Activation("sigmoid", name="mean")(mean - 127)
    always = layers.Activation("softmax", name="always")(ops.concatenate([0 * mean, 0 * mean + 5], axis=1))
    return of_model(keras.Model(inputs, [bright, always]))


def test_accuracy_falls_where_the_model_is_misled(classifier: Classifier) -> None:
    """Brightness adds 25.5 a severity: 110 is taken for bright from 1 on, 60 from 3 on and 40 from 4 on."""
    found = corrupted_accuracy(classifier, IMAGES, LABELS, ["brightness", "contrast"])
    assert list(found) == [head.name for head in classifier.heads] == ["mean", "always"]
    assert found["mean"].clean == 1
    assert found["mean"].images == 4
    assert found["mean"].accuracy == {"brightness": (0.75, 0.75, 0.5, 0.25, 0.25), "contrast": (1.0,) * 5}
    assert found["mean"].errors["brightness"] == (0.25, 0.25, 0.5, 0.75, 0.75)
    assert found["always"].clean == 0.5
    assert found["always"].accuracy == {"brightness": (0.5,) * 5, "contrast": (0.5,) * 5}


def test_each_image_has_a_seed_of_its_own_and_many_are_taken_in_batches(classifier: Classifier) -> None:
    images = np.full((70, 8, 8, 1), 127, np.uint8)
    labels = {head: np.ones(70, int) for head in LABELS}
    said: list[tuple[str, int, int]] = []
    found = corrupted_accuracy(
        classifier, images, labels, ["gaussian-noise"], seed=5, progress=lambda *told: said.append(told)
    )
    for severity in range(1, 6):
        means = [corrupt(images[row], "gaussian-noise", severity, 5 + row).mean() for row in range(70)]
        assert found["mean"].accuracy["gaussian-noise"][severity - 1] == np.mean(np.array(means) > 127)
    assert 0.2 < found["mean"].accuracy["gaussian-noise"][0] < 0.8  # one seed for all would make it 0 or 1
    assert said[:2] == [("Gaussian noise", 64, 350), ("Gaussian noise", 70, 350)]
    assert said[-1] == ("Gaussian noise", 350, 350)
    with pytest.raises(Cancelled):
        corrupted_accuracy(classifier, images, labels, cancelled=lambda: True)


def test_all_kinds_are_measured_by_default(classifier: Classifier) -> None:
    found = corrupted_accuracy(classifier, IMAGES[:1], {head: labels[:1] for head, labels in LABELS.items()})
    assert list(found["mean"].accuracy) == list(CORRUPTIONS)


def test_bad_input_is_one_sentence(classifier: Classifier) -> None:
    with pytest.raises(ImageError, match="at least one"):
        corrupted_accuracy(classifier, IMAGES[:0], LABELS)
    with pytest.raises(ImageError, match="expected uint8 \\(n, 8, 8, 1\\)"):
        corrupted_accuracy(classifier, IMAGES[:, 1:], LABELS)
    with pytest.raises(ImageError, match="did you mean 'snow'"):
        corrupted_accuracy(classifier, IMAGES, LABELS, ["snov"])
    with pytest.raises(ModelError, match="no labels of 'always'"):
        corrupted_accuracy(classifier, IMAGES, {"mean": LABELS["mean"]})
    with pytest.raises(ModelError, match="no labels of 'mean' for 4 images"):
        corrupted_accuracy(classifier, IMAGES, {**LABELS, "mean": np.zeros(3, int)})


def test_the_mean_corruption_error_is_the_papers() -> None:
    """CE = Σ E / Σ E': 0.6/1.2 and 0.3/0.1; the mean of the ratios, not the ratio of the means (0.9/1.3)."""
    errors = {"fog": (0.1, 0.2, 0.3), "snow": (0.1, 0.1, 0.1)}
    baseline = {"snow": (0.0, 0.0, 0.1), "fog": (0.3, 0.4, 0.5)}
    assert mean_corruption_error(errors, baseline) == pytest.approx((0.5 + 3) / 2)
    assert mean_corruption_error(errors, errors) == pytest.approx(1)
    assert mean_corruption_error(errors) == pytest.approx((0.2 + 0.1) / 2)
    assert mean_corruption_error({"fog": (0.0, 0.0)}, {"fog": (0.5, 0.5)}) == 0


def test_errors_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ModelError, match="no errors"):
        mean_corruption_error({})
    with pytest.raises(ModelError, match="no errors"):
        mean_corruption_error({"fog": ()})
    with pytest.raises(ModelError, match="other corruptions or severities"):
        mean_corruption_error({"fog": (0.1,)}, {"snow": (0.1,)})
    with pytest.raises(ModelError, match="other corruptions or severities"):
        mean_corruption_error({"fog": (0.1,)}, {"fog": (0.1, 0.2)})
    with pytest.raises(ModelError, match="makes no error with fog"):
        mean_corruption_error({"fog": (0.1,)}, {"fog": (0.0,)})
