"""Backbones as parts of a model: Keras's own features, flat graphs, what is frozen, and where weights come from."""

from __future__ import annotations

import json
import math
from pathlib import Path

import keras
import numpy as np
import pytest

from cnnviz import backbones
from cnnviz.architecture import counts, describe, with_trainable_from
from cnnviz.backbones import BACKBONES
from cnnviz.data import download
from cnnviz.errors import ModelError
from cnnviz.explain.inspection.kernels import kernels
from cnnviz.explain.inspection.receptive_field import fields
from cnnviz.model_spec import Backbone, Dropout, GlobalAveragePooling2D, Head, ModelSpec
from cnnviz.models.build.backbone_table import rows_of
from cnnviz.models.build.backbones import attach, free, layers_of
from cnnviz.models.build.model import build_from_spec
from cnnviz.models.build.pretrained_weights import find_weights, get_weights, weights_files
from cnnviz.models.load.config_check import checked_config
from cnnviz.models.load.load import load_file

SIDE = 32
PREPARED = {"caffe": keras.applications.vgg16, "symmetric": keras.applications.mobilenet_v2}


def spec(name: str, trainable_from: str | None = None) -> ModelSpec:
    """A small head on a backbone with random weights."""
    return ModelSpec(
        backbone=Backbone(name=name, weights="none", trainable_from=trainable_from),
        layers=(GlobalAveragePooling2D(), Dropout(rate=0.3)),
        heads=(Head(units=3),),
    )


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (2, SIDE, SIDE, 3)).astype(np.float32)


@pytest.fixture(scope="module", params=BACKBONES)
def attached(request: pytest.FixtureRequest) -> tuple[str, keras.Model]:
    keras.utils.set_random_seed(1)
    pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
    return request.param, keras.Model(pixels, attach(request.param, pixels))


def test_the_committed_table_is_what_keras_says(attached: tuple[str, keras.Model]) -> None:
    name, model = attached
    rows = json.loads(backbones.TABLE.read_text(encoding="utf-8"))[name]
    found = rows_of(model)
    assert [row[:4] for row in rows] == [row[:4] for row in found]
    if name in ("VGG16", "ResNet50V2"):  # all their costs grow with the image's area
        scale = (BACKBONES[name].size / SIDE) ** 2
        assert [row[4] for row in rows] == [row[4] * scale for row in found]


def test_features_are_keras_own_for_the_same_weights(attached, images) -> None:
    """The reference is the application as Keras builds it, behind Keras's own preprocessing."""
    name, model = attached
    whole = getattr(keras.applications, name)(include_top=False, weights=None, input_shape=(SIDE, SIDE, 3))
    whole.set_weights(model.get_weights())
    prepare = PREPARED.get(BACKBONES[name].preprocessing)
    given = prepare.preprocess_input(images.copy()) if prepare else images  # the others do it inside
    wanted = whole(given, training=False).numpy()
    assert wanted.std() > 0
    np.testing.assert_allclose(model(images, training=False).numpy(), wanted, rtol=1e-4, atol=1e-4 * wanted.std())
    assert model.output.shape[1:] == backbones.output_shape(name, SIDE, SIDE)


@pytest.mark.parametrize(("height", "width"), [(33, 47), (63, 95), (75, 64)])
@pytest.mark.parametrize("name", ["VGG16", "MobileNetV2"])
def test_odd_sides_are_rounded_as_keras_rounds_them(name: str, height: int, width: int) -> None:
    pixels = keras.Input((height, width, 3))
    assert attach(name, pixels).shape[1:] == backbones.output_shape(name, height, width)


def test_the_graph_is_flat_and_a_file_of_it_may_be_opened(attached) -> None:
    _, model = attached
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    checked_config(json.dumps(keras.saving.serialize_keras_object(model)).encode())
    known = fields(keras.Model(model.inputs, keras.layers.Flatten()(model.output)))
    assert all(field.exact for field in known.values())


@pytest.mark.parametrize("name", ["VGG16", "MobileNetV2"])
def test_a_model_comes_back_from_a_file(name: str, images: np.ndarray, tmp_path: Path) -> None:
    model = build_from_spec(spec(name, backbones.openings(name)[-1]), (SIDE, SIDE, 3))
    model.save(tmp_path / "network.keras")
    classifier = load_file(tmp_path / "network.keras")
    np.testing.assert_array_equal(classifier.model(images).numpy(), model(images).numpy())
    assert [w.path for w in classifier.model.trainable_weights] == [w.path for w in model.trainable_weights]


@pytest.mark.parametrize("name", ["VGG16", "MobileNetV2", "EfficientNetV2B0"])
def test_frozen_and_free_are_counted_as_keras_counts_them(name: str) -> None:
    openings = backbones.openings(name)
    model = build_from_spec(spec(name), (SIDE, SIDE, 3))
    assert len(model.trainable_weights) == 2  # of the head
    for first in (None, "", openings[0], openings[len(openings) // 2], openings[-1]):
        wanted = spec(name, first)
        free(model, wanted.backbone)
        found = counts(wanted, describe(wanted, (SIDE, SIDE, 3)))
        learned = sum(math.prod(weight.shape) for weight in model.trainable_weights)
        assert (found.total, found.trainable) == (model.count_params(), learned)
        assert found.frozen + found.trainable + found.measured == found.total
        order = layers_of(model, name)
        assert [layer.trainable for layer in order] == [
            at >= backbones.frozen_count(name, first) for at in range(len(order))
        ]
    assert counts(wanted, describe(wanted, (SIDE, SIDE, 3))).measured == 0 or BACKBONES[name].normalises
    again = with_trainable_from(spec(name), "")
    assert counts(again, describe(again, (SIDE, SIDE, 3))).frozen == 0


def test_imagenets_batch_normalisations_stay_as_they_are(images) -> None:
    """Everything of the backbone is freed but them; they neither learn nor measure, and are counted as frozen."""
    model = build_from_spec(spec("MobileNetV2", ""), (SIDE, SIDE, 3))
    known = Backbone(name="MobileNetV2", weights="imagenet", trainable_from="")
    free(model, known)
    normalised = [layer for layer in layers_of(model, "MobileNetV2") if type(layer).__name__ == "BatchNormalization"]
    before = [layer.get_weights() for layer in normalised]
    model(images, training=True)
    for layer, was in zip(normalised, before, strict=True):
        assert not layer.trainable_weights
        for weight, old in zip(layer.get_weights(), was, strict=True):
            np.testing.assert_array_equal(weight, old)
    wanted = spec("MobileNetV2", "").model_copy(update={"backbone": known})
    found = counts(wanted, describe(wanted, (SIDE, SIDE, 3)))
    assert found.frozen == sum(layer.count_params() for layer in normalised)
    assert found.trainable == sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert found.measured == 0


def test_frozen_layers_work_as_for_prediction(images) -> None:
    """EfficientNet has batch normalisations and dropouts; where it is frozen, training changes neither its features
    nor its means."""
    pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
    model = keras.Model(pixels, attach("EfficientNetV2B0", pixels))
    name = "EfficientNetV2B0"
    free(model, spec(name, None).backbone)
    before = [weight.copy() for weight in model.get_weights()]
    still = model(images, training=False).numpy()
    np.testing.assert_array_equal(model(images, training=True).numpy(), still)
    free(model, spec(name, "top_conv").backbone)
    model(images, training=True)
    changed = [
        weight.path.split("/")[0]
        for weight, old in zip(model.weights, before, strict=True)
        if not np.array_equal(weight.numpy(), old)
    ]
    assert set(changed) == {"top_bn"}
    free(model, spec(name, "").backbone)
    dropped = [layer.rate for layer in layers_of(model, name) if isinstance(layer, keras.layers.Dropout)]
    assert dropped
    assert min(dropped) > 0


def test_vgg16s_first_kernels_are_shown_in_the_images_colours() -> None:
    model = build_from_spec(spec("VGG16"), (32, 32, 3))
    found = kernels(model, "block1_conv1")
    assert found.rgb
    np.testing.assert_array_equal(found.values[:, :, ::-1], model.get_layer("block1_conv1").kernel.numpy())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Keras folder, and no way to any server."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.5)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def test_without_weights_and_model_the_file_and_its_place_are_named(home: Path) -> None:
    with pytest.raises(ModelError, match="VGG16's ImageNet weights can't be found on this computer") as raised:
        get_weights("VGG16", (150, 150))
    name = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert f"put the file {name} into {home}, or set network.backbone.weights to 'none'" in str(raised.value)


def test_mobilenets_weights_of_its_size_come_first_and_stubs_are_passed_over(home: Path) -> None:
    names = [file.name for file in weights_files("MobileNetV2", (128, 128))]
    assert [name.rpartition("1.0_")[2] for name in names] == ["128_no_top.h5", "224_no_top.h5"]
    assert len(weights_files("MobileNetV2", (128, 96))) == 1
    (home / names[0]).write_text(names[1])  # a link that wasn't followed
    assert find_weights("MobileNetV2", (128, 128)) is None
    made = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))
    made.save(home / "made.h5")  # the older layout, as Keras's own files have it
    (home / "made.h5").rename(home / names[1])
    path = find_weights("MobileNetV2", (128, 128))
    assert path == home / names[1]
    pixels = keras.Input((32, 32, 3))
    model = keras.Model(pixels, attach("MobileNetV2", pixels, path))
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), made.get_weights(), strict=True))


def test_a_file_of_another_model_is_one_sentence(home: Path) -> None:
    keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)]).save(home / "other.h5")
    with pytest.raises(ModelError, match=r"MobileNetV2's weights can't be read from .*delete the file and try again"):
        attach("MobileNetV2", keras.Input((32, 32, 3)), home / "other.h5")
