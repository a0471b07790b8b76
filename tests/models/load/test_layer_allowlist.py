"""What is allowed in a model's file is loaded, and calculates as it did: every form, layer and operation."""

from __future__ import annotations

import importlib
import re
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops

from cnnviz.models.build.model import build
from cnnviz.models.load import layer_allowlist, sandbox
from cnnviz.models.load.archive_check import private_copy
from cnnviz.models.load.load import load_file
from cnnviz.presets import PRESETS
from tests.model_forms import FORMS, made

SIDE = 8
_IMAGE_LAYERS = (
    lambda: layers.Rescaling(1 / 255),
    lambda: layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0]),
    lambda: layers.RandomFlip(),
    lambda: layers.RandomRotation(0.1),
    lambda: layers.RandomZoom(0.1),
    lambda: layers.RandomTranslation(0.1, 0.1),
    lambda: layers.RandomContrast(0.1),
    lambda: layers.RandomBrightness(0.1, value_range=(0, 1)),
    lambda: layers.RandomCrop(SIDE, SIDE),
    lambda: layers.Resizing(SIDE + 2, SIDE + 2),
    lambda: layers.CenterCrop(SIDE, SIDE),
    lambda: layers.ZeroPadding2D(1),
    lambda: layers.Cropping2D(1),
    lambda: layers.Conv2D(4, 3, padding="same", kernel_regularizer="l2", kernel_constraint="max_norm"),
    lambda: layers.DepthwiseConv2D(3, padding="same", depthwise_initializer="he_normal"),
    lambda: layers.SeparableConv2D(4, 3, padding="same", activation="silu"),
    lambda: layers.Conv2DTranspose(4, 3, padding="same", activation=keras.activations.hard_silu),
    lambda: layers.SpectralNormalization(layers.Conv2D(4, 1)),
    lambda: layers.BatchNormalization(),
    lambda: layers.LayerNormalization(),
    lambda: layers.GroupNormalization(2),
    lambda: layers.UnitNormalization(),
    lambda: layers.RMSNormalization(),
    lambda: layers.Activation("gelu"),
    lambda: layers.ReLU(6.0),
    lambda: layers.LeakyReLU(),
    lambda: layers.PReLU(shared_axes=[1, 2]),
    lambda: layers.ELU(),
    lambda: layers.Softmax(),
    lambda: layers.Identity(),
    lambda: layers.Dropout(0.1),
    lambda: layers.SpatialDropout2D(0.1),
    lambda: layers.AlphaDropout(0.1),
    lambda: layers.GaussianDropout(0.1),
    lambda: layers.GaussianNoise(0.1),
    lambda: layers.ActivityRegularization(l2=0.1),
    lambda: layers.UpSampling2D(2),
    lambda: layers.MaxPooling2D(),
    lambda: layers.AveragePooling2D(2, strides=1, padding="same"),
    lambda: layers.Permute((2, 1, 3)),
    lambda: layers.TimeDistributed(layers.Dense(4)),
    lambda: layers.EinsumDense("bhwc,cd->bhwd", output_shape=(None, None, 4)),
)
_ROW_LAYERS = (
    lambda: layers.Reshape((16, 16)),
    lambda: layers.Conv1D(8, 3, padding="same"),
    lambda: layers.SeparableConv1D(8, 3, padding="same"),
    lambda: layers.DepthwiseConv1D(3, padding="same"),
    lambda: layers.Conv1DTranspose(8, 3, padding="same"),
    lambda: layers.ZeroPadding1D(1),
    lambda: layers.Cropping1D(1),
    lambda: layers.UpSampling1D(2),
    lambda: layers.MaxPooling1D(),
    lambda: layers.AveragePooling1D(1),
    lambda: layers.SpatialDropout1D(0.1),
    lambda: layers.LSTM(4, return_sequences=True, recurrent_initializer="orthogonal"),
    lambda: layers.GRU(4, return_sequences=True),
    lambda: layers.Bidirectional(layers.SimpleRNN(4, return_sequences=True)),
)


def _many_layers() -> keras.Model:
    image = given = keras.Input((SIDE, SIDE, 3))
    for make in _IMAGE_LAYERS:
        image = make()(image)
    row = image
    for make in _ROW_LAYERS:
        row = make()(row)
    words = layers.Embedding(300, 8)(ops.cast(layers.Flatten()(given)[:, :16], "int32"))
    seen = layers.MultiHeadAttention(2, 4)(row, words)
    seen = layers.GroupQueryAttention(4, 2, 1)(seen, seen)
    seen = layers.Attention()([seen, seen])
    seen = layers.AdditiveAttention()([seen, seen])
    again = layers.RepeatVector(1)(layers.GlobalAveragePooling2D()(image))
    ends = [
        layers.GlobalAveragePooling1D()(seen),
        layers.GlobalMaxPooling1D()(row),
        layers.Dense(8)(layers.GlobalMaxPooling2D()(image)),
        layers.Flatten()(layers.Dense(8)(again)),
    ]
    merged = [
        merge(ends)
        for merge in (
            layers.Add(),
            layers.Multiply(),
            layers.Average(),
            layers.Maximum(),
            layers.Minimum(),
            layers.Concatenate(),
        )
    ]
    merged += [layers.Subtract()(ends[:2]), layers.Dot(1)(ends[:2])]
    return keras.Model(given, layers.Dense(3, activation="softmax")(ops.concatenate(merged, axis=-1)))


def _many_operations() -> keras.Model:
    given = keras.Input((SIDE, SIDE, 3))
    x = ops.relu(ops.clip(given / 255.0 - 0.5, -1.0, 1.0)) * 2 + ops.abs(given) ** 0.5
    x = ops.maximum(x, np.float32(0.1)) @ np.ones((3, 4), np.float32)
    x = ops.transpose(ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]), (0, 2, 1, 3))
    x = ops.gelu(ops.max_pool(x, 2)) + ops.silu(ops.average_pool(x, 2))
    x = ops.where(x > 1, ops.log(x + 1), ops.minimum(ops.exp(-x), ops.tanh(x)))
    x = ops.stack([x, ops.flip(x, axis=1)], axis=1)[:, 0, ::2, ..., :3]
    x = ops.einsum("bhwc->bhwc", ops.repeat(ops.expand_dims(x, 1), 2, axis=1)[:, 1])
    x = ops.concatenate([ops.mean(x, axis=(1, 2)), ops.max(x, axis=(1, 2)), ops.std(x, axis=(1, 2))], axis=-1)
    x = ops.squeeze(ops.reshape(x, (-1, 1, 9)), axis=1) * ops.sqrt(ops.square(x)) - ops.sum(x, axis=-1, keepdims=True)
    return keras.Model(given, ops.softmax(x))


OWN = {"many layers": _many_layers, "many operations": _many_operations}


def of(form: str, folder: Path) -> keras.Model:
    keras.utils.set_random_seed(4)
    if form in PRESETS:
        return build(PRESETS[form])
    return OWN[form]() if form in OWN else made(form, folder)


def told_apart() -> list[str]:
    """The presets whose files hold different models: what of a backbone is trained isn't in a file."""
    found: dict[tuple, str] = {}
    for name, recipe in PRESETS.items():
        backbone, layers = recipe.network.backbone, tuple(layer.type for layer in recipe.network.layers)
        found.setdefault((backbone.name if backbone else name, layers), name)
    return list(found.values())


@pytest.mark.parametrize("form", [*told_apart(), *FORMS, "many operations"])
def test_a_model_that_is_loaded_predicts_the_same(form: str, tmp_path: Path) -> None:
    model = of(form, tmp_path)
    model.save(tmp_path / "net.keras")
    same(model, tmp_path / "net.keras")


def same(model: keras.Model, path: Path) -> None:
    shape = [side or 12 for side in model.input_shape[1:]]
    pixels = np.random.default_rng(2).integers(0, 256, (1, *shape)).astype(np.float32)
    expected, found = (one(pixels, training=False) for one in (model, load_file(path).model))
    for one, other in zip(keras.tree.flatten(expected), keras.tree.flatten(found), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of every layer that is allowed, in a file."""
    path = tmp_path_factory.mktemp("many") / "net.keras"
    model = of("many layers", path.parent)
    model.save(path)
    same(model, path)
    return path


def test_every_layer_that_is_allowed_is_in_one_of_these(many: Path) -> None:
    with zipfile.ZipFile(many) as archive:
        used = set(re.findall(r'"module": "keras.layers", "class_name": "(\w+)"', archive.read("config.json").decode()))
    assert used == layer_allowlist.OBJECTS["keras.layers"]


def test_all_that_is_allowed_is_there_in_keras() -> None:
    for module, names in layer_allowlist.OBJECTS.items():
        if module != "keras":
            found = importlib.import_module(module)
            assert not [name for name in names if not hasattr(found, name)], module
    assert not [name for name in layer_allowlist.ACTIVATIONS if keras.activations.get(name) is None]


def test_large_weights_are_not_read_by_the_trial_and_are_by_the_server(tmp_path: Path) -> None:
    inputs = keras.Input((40, 40, 3))
    x = layers.Dense(500)(layers.Flatten()(inputs))
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
    model.save(tmp_path / "net.keras")
    assert (tmp_path / "net.keras").stat().st_size > sandbox.LIGHT_BYTES
    found = load_file(tmp_path / "net.keras").model
    for one, other in zip(model.get_weights(), found.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_no_weights_begin_as_an_orthogonal_matrix(many: Path) -> None:
    """A large one takes hours to make, and all that it makes is replaced."""
    with private_copy(many) as copy, zipfile.ZipFile(copy.path) as archive:
        text = archive.read("config.json").decode()
    assert "HeNormal" in text
    assert "rthogonal" not in text
