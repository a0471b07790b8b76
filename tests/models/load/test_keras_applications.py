"""Keras Applications: their files, their sentences, and one built from made-up weights."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from cnnviz.data import download
from cnnviz.errors import ModelError
from cnnviz.models.load.keras_applications import APPLICATIONS, load_application, weights_path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Keras folder, and no way to any server."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.5)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    (tmp_path / "models").mkdir()
    return tmp_path


def test_keras_has_each_under_its_name() -> None:
    assert all(callable(getattr(keras.applications, name)) for name in APPLICATIONS)


def test_without_weights_and_model_the_file_and_its_place_are_named(home: Path) -> None:
    with pytest.raises(ModelError, match="VGG16's weights can't be found on") as raised:
        load_application("VGG16")
    assert f"put the file vgg16_weights_tf_dim_ordering_tf_kernels.h5 into {home / 'models'}" in str(raised.value)


def test_an_unknown_one_is_refused() -> None:
    with pytest.raises(ModelError, match="did you mean 'VGG16'"):
        load_application("VGG61")


def test_a_broken_weights_file_is_one_sentence(home: Path) -> None:
    weights_path(APPLICATIONS["MobileNetV2"].url).write_bytes(b"broken")
    (home / "models" / "imagenet_class_index.json").write_text(json.dumps({str(n): ["n", "x"] for n in range(1000)}))
    with pytest.raises(ModelError, match=r"can't be built from .*delete it and try again"):
        load_application("MobileNetV2")


def test_one_with_weights_in_the_cache_answers_with_class_names(home: Path) -> None:
    keras.utils.set_random_seed(0)
    bare = keras.applications.MobileNetV2(weights=None)
    bare.save_weights(home / "made.weights.h5")
    chosen = weights_path(APPLICATIONS["MobileNetV2"].url)
    bare.save(home / "whole.h5")  # the older layout, as Keras's own files have it
    (home / "whole.h5").rename(chosen)
    names = {str(n): [f"n{n}", f"great_class_{n}"] for n in range(1000)}
    (home / "models" / "imagenet_class_index.json").write_text(json.dumps(names))
    classifier = load_application("MobileNetV2")
    assert classifier.classes["label"][7] == "great class 7"
    image = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), np.uint8)
    expected = bare(keras.applications.mobilenet_v2.preprocess_input(image.astype(np.float32)), training=False)
    np.testing.assert_allclose(classifier.predict(image)[0], expected, atol=1e-6)
