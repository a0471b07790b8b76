"""The same maps as tf-keras-vis, on the same model, layer, score and images."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import layers
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
from tf_keras_vis.saliency import Saliency
from tf_keras_vis.scorecam import Scorecam
from tf_keras_vis.utils.scores import CategoricalScore

from cnnviz.explain import Target, explain

CLASSES = [2, 0, 3]


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Functional, with raw scores, as tf-keras-vis wants it."""
    keras.utils.set_random_seed(11)
    pixels = keras.Input((20, 16, 3))
    x = layers.Rescaling(1 / 64, -2)(pixels)
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, activation="relu", padding="same")(x))
    x = layers.MaxPooling2D()(x)
    x = layers.Add()([x, layers.Conv2D(8, 3, activation="relu", padding="same", name="inside")(x)])
    x = layers.Conv2D(12, 3, activation="relu", name="last")(x)
    x = layers.Dense(24, activation="elu")(layers.Flatten()(x))
    return keras.Model(pixels, layers.Dense(4, kernel_initializer=keras.initializers.RandomNormal(stddev=3.0))(x))


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """Smooth images with bright and dark positions."""
    random = np.random.default_rng(4).uniform(0, 255, (3, 5, 4, 3))
    return np.kron(random, np.ones((1, 4, 4, 1))).astype(np.float32)


def stretched(maps: np.ndarray) -> np.ndarray:
    """From each map's least to its greatest value, 0..1; theirs are so but for the 1e-7 added to ranges."""
    low, high = maps.min(axis=(1, 2), keepdims=True), maps.max(axis=(1, 2), keepdims=True)
    assert (high > low).all(), "the map would not be defined"
    return (maps - low) / (high - low)


@pytest.mark.parametrize("layer", ["inside", "last"])
@pytest.mark.parametrize(
    ("method", "theirs"), [("grad-cam", Gradcam), ("grad-cam++", GradcamPlusPlus), ("score-cam", Scorecam)]
)
def test_maps_of_layers(model: keras.Model, pixels: np.ndarray, method: str, theirs: Callable, layer: str) -> None:
    found = explain(model, pixels, method=method, layer=layer, target=[Target(0, one) for one in CLASSES])
    alive = found.strength > 0
    assert alive.sum() >= 2
    wanted = theirs(model)(CategoricalScore(CLASSES), pixels, penultimate_layer=layer, expand_cam=False)
    np.testing.assert_allclose(stretched(found.map[alive]), stretched(np.asarray(wanted)[alive]), atol=1e-3)


def test_score_cam_with_the_channels_that_vary_most(model: keras.Model, pixels: np.ndarray) -> None:
    found = explain(model, pixels[:1], method="score-cam", layer="last", target=Target(0, 2), channels=3)
    wanted = Scorecam(model)(CategoricalScore(2), pixels[:1], penultimate_layer="last", max_N=3, expand_cam=False)
    np.testing.assert_allclose(stretched(found.map), stretched(np.asarray(wanted)), atol=1e-3)
    assert found.remarks == ("Of each image at most 3 channels were used.",)


@pytest.mark.parametrize("settings", [{}, {"samples": 3, "noise": 0.0}])
def test_maps_of_pixels(model: keras.Model, pixels: np.ndarray, settings: dict) -> None:
    method = "smoothgrad" if settings else "gradient"
    found = explain(model, pixels, method=method, target=[Target(0, one) for one in CLASSES], **settings)
    wanted = Saliency(model)(
        CategoricalScore(CLASSES),
        pixels,
        smooth_samples=settings.get("samples", 0),
        smooth_noise=settings.get("noise", 0),
    )
    np.testing.assert_allclose(stretched(found.map), stretched(np.asarray(wanted)), atol=1e-3)
