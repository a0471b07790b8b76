"""From a `.keras` file of unknown origin to a model that can be asked, and what is said where it can't be."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from cnnviz.errors import ModelError
from cnnviz.model_spec import Head
from cnnviz.models.classifier import Classifier
from cnnviz.models.load.infer_heads import heads_of
from cnnviz.models.load.load import load_file


def saved(folder: Path, *ends: layers.Layer, shape: tuple = (8, 8, 3), name: str = "net.keras") -> Path:
    """A model with one output for each of these last layers."""
    inputs = keras.Input(shape)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(inputs))
    outputs = [end(x) for end in ends]
    path = folder / name
    keras.Model(inputs, outputs[0] if len(outputs) == 1 else outputs).save(path)
    return path


@pytest.mark.parametrize(
    ("end", "units", "activation"),
    [
        (lambda: layers.Dense(3, activation="softmax"), 3, "softmax"),
        (lambda: layers.Dense(1, activation="sigmoid"), 1, "sigmoid"),
        (lambda: layers.Dense(3), 3, "logits"),
        (lambda: layers.Dense(1), 1, "logits"),
        (lambda: keras.Sequential([layers.Dense(3), layers.Softmax()]), 3, "softmax"),
        (lambda: keras.Sequential([layers.Dense(3), layers.Activation("softmax")]), 3, "softmax"),
        (lambda: keras.Sequential([layers.Dense(1, activation="sigmoid"), layers.Dropout(0.1)]), 1, "sigmoid"),
    ],
)
def test_the_last_activation_says_what_the_numbers_are(end, units: int, activation: str, tmp_path: Path) -> None:
    classifier = load_file(saved(tmp_path, end()))
    assert classifier.heads == (Head(name="label", units=units, activation=activation),)
    assert classifier.image_size == (8, 8)
    assert classifier.channels == 3
    predictions = classifier.predict(np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8))
    assert predictions[0].shape == (3, max(2, units))
    np.testing.assert_allclose(predictions[0].sum(axis=1), 1, atol=1e-6)


def test_a_sequential_model_has_its_head(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((6, 6, 1)), layers.Flatten(), layers.Dense(2, activation="softmax")])
    assert heads_of(model) == (Head(name="label", units=2),)
    model.save(tmp_path / "s.keras")
    classifier = load_file(tmp_path / "s.keras", classes=[["no", "yes"]])
    assert classifier.channels == 1
    assert classifier.classes == {"label": ("no", "yes")}


def test_outputs_are_heads_with_their_names(tmp_path: Path) -> None:
    path = saved(tmp_path, layers.Dense(2, activation="softmax", name="kind"), layers.Dense(3, name="val_colour"))
    classifier = load_file(path, classes=[["a", "b"], ["r", "g", "b"]])
    assert [(head.name, head.activation) for head in classifier.heads] == [
        ("kind", "softmax"),
        ("out_val_colour", "logits"),
    ]
    assert classifier.classes == {"kind": ("a", "b"), "out_val_colour": ("r", "g", "b")}
    assert [prediction.shape for prediction in classifier.predict(np.zeros((2, 8, 8, 3), np.uint8))] == [(2, 2), (2, 3)]


def test_a_dict_of_outputs_is_a_list_of_heads(tmp_path: Path) -> None:
    inputs = keras.Input((4, 4, 3))
    x = layers.Flatten()(inputs)
    outputs = {"b": layers.Dense(3, name="b")(x), "a": layers.Dense(2, name="a")(x)}
    keras.Model(inputs, outputs).save(tmp_path / "net.keras")
    classifier = load_file(tmp_path / "net.keras")
    predictions = classifier.predict(np.zeros((1, 4, 4, 3), np.uint8))
    assert [(head.name, head.units) for head in classifier.heads] == [("a", 2), ("b", 3)]
    assert [prediction.shape for prediction in predictions] == [(1, 2), (1, 3)]


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ("raw", (0, 255, 51)),
        ("unit", (0, 1, 0.2)),
        ("symmetric", (-1, 1, -0.6)),
        ("caffe", (51 - 103.939, 255 - 116.779, 0 - 123.68)),
    ],
)
def test_pixels_come_in_the_scale_that_is_taken(scale: str, expected: tuple, tmp_path: Path) -> None:
    classifier = load_file(saved(tmp_path, layers.Dense(2, activation="softmax")), scale=scale)
    image = np.tile(np.array([0, 255, 51], np.uint8), (1, 8, 8, 1))
    np.testing.assert_allclose(classifier.pixels(image)[0, 0, 0], expected, atol=1e-5)


def test_the_caffe_scale_is_keras_own() -> None:
    image = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3), np.uint8)
    classifier = Classifier("x", keras.Sequential(), (), {}, (5, 5), scale="caffe")
    expected = keras.applications.vgg16.preprocess_input(image.astype(np.float32))
    np.testing.assert_allclose(classifier.pixels(image), expected, atol=1e-4)


def test_a_model_of_any_size_takes_the_usual_one(tmp_path: Path) -> None:
    classifier = load_file(saved(tmp_path, layers.Dense(2, activation="softmax"), shape=(None, None, 3)))
    assert classifier.fit(np.zeros((30, 50, 3), np.uint8)).shape == (224, 224, 3)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([["a"]], "1 class names were given for the output 'label': expected 2"),
        ([["a", "b"], ["c", "d"]], "given for 2 outputs, but the model has 1"),
    ],
)
def test_class_names_must_fit(classes: list, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=message):
        load_file(saved(tmp_path, layers.Dense(2, activation="softmax")), classes=classes)


@pytest.mark.parametrize(
    ("end", "shape", "message"),
    [
        (lambda: layers.Dense(3, activation="sigmoid"), (8, 8, 3), "3 sigmoid units"),
        (lambda: layers.Dense(1, activation="softmax"), (8, 8, 3), "softmax over one unit"),
        (lambda: layers.Reshape((2, 2)), (8, 8, 3), "expected one row of scores"),
        (lambda: layers.Dense(2), (8, 8, 4), "expected one input of images"),
    ],
)
def test_a_model_that_does_not_classify_images_says_so(end, shape: tuple, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=message):
        load_file(saved(tmp_path, end(), shape=shape))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a .keras file"),
        (b"text", "is not a .keras file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5 file"),
        (b"PK\x05\x06" + bytes(18), "can't be read"),
    ],
)
def test_other_files_are_one_sentence(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message) as raised:
        load_file(path)
    assert "\n" not in str(raised.value)


def test_a_lambda_is_not_loaded(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Lambda(lambda x: x), layers.Flatten(), layers.Dense(2)])
    model.save(tmp_path / "net.keras")
    with pytest.raises(ModelError, match="can't be read"):
        load_file(tmp_path / "net.keras")


@pytest.mark.parametrize("trained", [False, True])
def test_a_compiled_model_may_be_inside(trained: bool, tmp_path: Path) -> None:
    inner = keras.Sequential([keras.Input((6, 6, 3)), layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(3)])
    inner.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 3), np.uint8)
    if trained:  # its optimizer's numbers are in the file, too
        inner.fit(pixels / 255, np.array([0, 1, 2, 0]), verbose=0)
    model = keras.Sequential([inner, layers.Softmax()])
    model.build((None, 6, 6, 3))
    model.save(tmp_path / "net.keras")
    classifier = load_file(tmp_path / "net.keras")
    assert classifier.heads == (Head(name="label", units=3),)
    np.testing.assert_allclose(classifier.predict(pixels)[0], model(pixels.astype(np.float32)), atol=1e-6)
    assert not classifier.model.layers[0].compiled


def test_a_path_that_is_no_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no file"):
        load_file(tmp_path)
