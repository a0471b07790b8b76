"""Whether a model's numbers are probabilities or scores, told by its graph, its numbers, or a person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops

from cnnviz.errors import ModelError
from cnnviz.explain import Target, explain
from cnnviz.explain.metrics.parameter_randomization import clone
from cnnviz.models.classifier import Classifier
from cnnviz.models.export.single_head import split
from cnnviz.models.graph.graph import flatten
from cnnviz.models.graph.output_activations import choose, endings
from cnnviz.models.load.infer_heads import heads_of
from cnnviz.models.load.load import load_file

IMAGES = np.random.default_rng(1).integers(0, 256, (5, 10, 10, 3), np.uint8)
PIXELS = IMAGES.astype(np.float32)

Made = tuple[keras.Model, Callable[[np.ndarray], np.ndarray]]
"""A model, and from its pixels to the class probabilities, computed by plain Keras from a part of it."""


def _trunk() -> tuple[keras.KerasTensor, keras.KerasTensor]:
    pixels = keras.Input((10, 10, 3))
    return pixels, layers.Conv2D(4, 3, activation="relu")(layers.Rescaling(1 / 255)(pixels))


def _scores(units: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    pixels, x = _trunk()
    kernel = keras.initializers.RandomUniform(-3, 3, seed=2)
    return pixels, layers.Dense(units, kernel_initializer=kernel)(layers.GlobalAveragePooling2D()(x))


def _by(pixels: keras.KerasTensor, scores: keras.KerasTensor, end: Callable) -> Made:
    below = keras.Model(pixels, scores)
    after = {1: keras.activations.sigmoid}.get(scores.shape[-1], keras.activations.softmax)
    return keras.Model(pixels, end(scores)), lambda given: np.asarray(after(below(given, training=False)))


def _reshaped() -> Made:
    """As the first MobileNet ended: scores by a 1 × 1 convolution, softmax, then a row of them."""
    pixels, x = _trunk()
    x = layers.Conv2D(3, 1)(layers.GlobalAveragePooling2D(keepdims=True)(x))
    below = keras.Model(pixels, x)
    model = keras.Model(pixels, layers.Reshape((3,))(layers.Activation("softmax")(x)))
    return model, lambda given: np.asarray(ops.softmax(below(given)[:, 0, 0]))


def _average() -> Made:
    pixels = keras.Input((10, 10, 3))
    parts = []
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        inner, scores = _scores(3)
        parts.append(keras.Model(inner, layers.Softmax()(scores), name=f"part_{seed}"))
    model = keras.Model(pixels, layers.Average()([part(pixels) for part in parts]))
    return model, lambda given: np.mean([part(given) for part in parts], axis=0)


def _pooled() -> Made:
    pixels, x = _trunk()
    places = layers.Conv2D(3, 1, activation="softmax")(x)
    below = keras.Model(pixels, places)
    model = keras.Model(pixels, layers.GlobalAveragePooling2D()(places))
    return model, lambda given: np.mean(below(given), axis=(1, 2))


def _divided() -> Made:
    """Shares by hand."""
    pixels, x = _scores(3)
    return _by(pixels, x, lambda x: ops.exp(x) / ops.sum(ops.exp(x), axis=-1, keepdims=True))


def _both_classes() -> Made:
    """One unit's probability, and the other class's beside it."""
    pixels, x = _scores(1)
    second = layers.Activation("sigmoid")(x)
    below = keras.Model(pixels, second)
    model = keras.Model(pixels, ops.concatenate([1 - second, second], axis=-1))
    return model, lambda given: np.concatenate([1 - below(given), below(given)], axis=1)


PROBABILITIES: dict[str, tuple[Callable[[], Made], str]] = {
    "operation softmax": (lambda: _by(*_scores(3), ops.softmax), "softmax"),
    "function softmax": (lambda: _by(*_scores(3), keras.activations.softmax), "softmax"),
    "operation sigmoid": (lambda: _by(*_scores(1), ops.sigmoid), "sigmoid"),
    "function sigmoid": (lambda: _by(*_scores(1), keras.activations.sigmoid), "sigmoid"),
    "softmax, reshaped": (_reshaped, "softmax"),
    "softmax, then a cast": (lambda: _by(*_scores(3), lambda x: ops.cast(ops.softmax(x), "float32")), "softmax"),
    "average of models": (_average, "softmax"),
    "softmax, pooled": (_pooled, "softmax"),
    "by hand": (_divided, "softmax"),
    "both classes": (_both_classes, "softmax"),
    "softmax in a wrapper": (
        lambda: _by(*_scores(3), lambda x: layers.SpectralNormalization(layers.Dense(3, "softmax"))(x)),
        "softmax",
    ),
}
SCORES: dict[str, Callable[[keras.KerasTensor], keras.KerasTensor]] = {
    "linear": lambda x: x,
    "linear in an activation": layers.Activation("linear"),
    "relu": layers.ReLU(),
    "operation relu": ops.relu,
    "softplus": layers.Dense(3, activation="softplus"),
    "tanh": layers.Activation("tanh"),
    "temperature": lambda x: x / 3.0,
    "sum of two": lambda x: layers.Add()([x, layers.Dense(3)(x)]),
    "average of two": lambda x: layers.Average()([x, layers.Dense(3)(x)]),
    "harmless": layers.Dense(3, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(1 / 3)),
    "silent": layers.ReLU(max_value=0.0),
}


def _loaded(model: keras.Model, folder: Path, **said: str) -> Classifier:
    model.save(folder / "net.keras")
    return load_file(folder / "net.keras", **said)


@pytest.mark.parametrize("form", PROBABILITIES)
def test_probabilities_are_not_squashed_again(form: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(4)
    (make, activation) = PROBABILITIES[form]
    model, expected = make()
    classifier = _loaded(model, tmp_path)
    assert [head.activation for head in classifier.heads] == [activation]
    assert classifier.doubts == ()
    if form != "softmax in a wrapper":
        wanted = expected(PIXELS)
        wanted = np.concatenate([1 - wanted, wanted], axis=1) if activation == "sigmoid" else wanted
        assert np.ptp(wanted, axis=0).max() > 0.01, "images must be told apart"
    else:
        wanted = np.asarray(model(PIXELS, training=False))
    np.testing.assert_allclose(classifier.predict(IMAGES)[0], wanted, atol=1e-6)


@pytest.mark.parametrize("form", PROBABILITIES)
def test_an_explanation_is_of_the_scores_behind_them(form: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(4)
    (make, activation) = PROBABILITIES[form]
    model = make()[0]
    classifier = _loaded(model, tmp_path)
    scores = flatten(classifier.model).model(PIXELS)[0].numpy()
    after = keras.activations.sigmoid if activation == "sigmoid" else keras.activations.softmax
    np.testing.assert_allclose(after(scores), model(PIXELS, training=False), atol=1e-6)
    made = explain(classifier.model, PIXELS[:1], method="gradient", target=Target(0, 1))
    assert made.map.any()


def test_a_score_is_what_the_softmax_gets(tmp_path: Path) -> None:
    pixels, x = _scores(3)
    model = keras.Model(pixels, ops.softmax(x))
    np.testing.assert_allclose(flatten(model).model(PIXELS)[0], keras.Model(pixels, x)(PIXELS), rtol=1e-5)


@pytest.mark.parametrize("form", SCORES)
def test_scores_stay_scores_however_harmless_they_look(form: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(4)
    pixels, x = _scores(3)
    model = keras.Model(pixels, SCORES[form](x))
    classifier = _loaded(model, tmp_path)
    assert [head.activation for head in classifier.heads] == ["logits"]
    assert classifier.doubts == ()
    np.testing.assert_allclose(classifier.predict(IMAGES)[0], ops.softmax(model(PIXELS)), atol=1e-6)
    np.testing.assert_allclose(flatten(classifier.model).model(PIXELS)[0], model(PIXELS), rtol=1e-5, atol=1e-6)


def test_a_softmax_of_other_axes_is_not_taken_for_classes(tmp_path: Path) -> None:
    """Four rows that each sum to 1, laid in one."""
    pixels, x = _scores(8)
    rows = layers.Flatten()(layers.Softmax()(layers.Reshape((4, 2))(x)))
    assert [one.activation for one in endings(keras.Model(pixels, rows))] == ["logits"]
    columns = layers.Flatten()(layers.Softmax(axis=1)(layers.Reshape((8, 1))(x)))
    model = keras.Model(pixels, columns)
    assert [one.activation for one in endings(model)] == ["softmax"]
    np.testing.assert_allclose(ops.softmax(flatten(model).model(PIXELS)[0]), model(PIXELS), atol=1e-6)


def _open(units: int) -> keras.Model:
    """Nothing says what one number between 0 and 1 is, nor three that are always the same."""
    pixels, x = _scores(1)
    x = ops.sigmoid(x) * 0.9 if units == 1 else ops.tile(ops.sigmoid(x) * 0.0 + 1 / 3, (1, 3))
    return keras.Model(pixels, x)


@pytest.mark.parametrize("units", [1, 3])
def test_what_cannot_be_known_is_said_and_chosen(units: int, tmp_path: Path) -> None:
    model = _open(units)
    gives = np.asarray(model(PIXELS))
    taken = _loaded(model, tmp_path)
    assert taken.heads[0].activation == ("sigmoid" if units == 1 else "softmax")
    assert len(taken.doubts) == 1
    assert taken.doubts[0].startswith("It can't be known what the numbers of the output")
    assert taken.doubts[0].endswith("They are taken for probabilities.")
    np.testing.assert_allclose(taken.predict(IMAGES)[0][:, -1], gives[:, -1], atol=1e-6)
    chosen = load_file(tmp_path / "net.keras", outputs="scores")
    assert (chosen.heads[0].activation, chosen.doubts) == ("logits", ())
    wanted = ops.sigmoid(gives) if units == 1 else ops.softmax(gives)
    np.testing.assert_allclose(chosen.predict(IMAGES)[0][:, -1:], wanted[:, -1:], atol=1e-6)
    np.testing.assert_allclose(flatten(chosen.model).model(PIXELS)[0], gives, rtol=1e-6)
    assert load_file(tmp_path / "net.keras", outputs="probabilities").doubts == ()


def test_a_choice_is_followed_at_once_and_by_copies() -> None:
    model = _open(1)
    before = flatten(model).model(PIXELS)[0].numpy()
    choose(model, "scores")
    gives = np.asarray(model(PIXELS))
    np.testing.assert_allclose(flatten(model).model(PIXELS)[0], gives, rtol=1e-6)
    np.testing.assert_allclose(ops.sigmoid(before), gives, atol=1e-6)
    assert [one.activation for one in endings(clone(model))] == ["logits"]


def test_one_head_of_several_keeps_what_was_chosen(tmp_path: Path) -> None:
    pixels, x = _scores(1)
    model = keras.Model(pixels, [layers.Dense(3, name="kind")(x), layers.Rescaling(0.9, name="yes")(ops.sigmoid(x))])
    whole = _loaded(model, tmp_path, outputs="scores")
    assert [head.activation for head in whole.heads] == ["logits", "logits"]
    assert [one.activation for one in endings(split(whole, "yes").model)] == ["logits"]
    assert [head.activation for head in _loaded(model, tmp_path).heads] == ["logits", "sigmoid"]


@pytest.mark.parametrize(
    ("end", "outputs", "message"),
    [
        (ops.softmax, "scores", "The model gives probabilities, by what it ends with, not scores"),
        (lambda x: x, "probabilities", "The model gives scores, by what it ends with, not probabilities"),
        (lambda x: x * ops.exp(x), "probabilities", r"gives .* to .*, and rows sum to .*: these are no probabilities"),
        (lambda x: x, "shares", "What a model gives can't be 'shares': choose one of auto, probabilities, scores"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(end: Callable, outputs: str, message: str, tmp_path: Path) -> None:
    pixels, x = _scores(3)
    with pytest.raises(ModelError, match=message):
        _loaded(keras.Model(pixels, end(x)), tmp_path, outputs=outputs)


def test_what_is_no_head_can_be_looked_into() -> None:
    """Several sigmoid units answer several questions; their scores are known all the same."""
    pixels, x = _scores(3)
    model = keras.Model(pixels, layers.Activation("sigmoid")(x))
    assert [one.activation for one in endings(model)] == ["sigmoid"]
    np.testing.assert_allclose(flatten(model).model(PIXELS)[0], keras.Model(pixels, x)(PIXELS), rtol=1e-5)
    with pytest.raises(ModelError, match="has 3 sigmoid units, which answer 3 questions at once"):
        heads_of(model)


def test_a_graph_of_hundreds_of_layers_is_looked_at_in_no_time() -> None:
    """A chain nearly as deep as Keras builds, and a lattice whose ways are more than can be counted."""
    pixels, x = _scores(3)
    x = layers.Softmax()(x)
    for _ in range(700):
        x = layers.Identity()(x)
    model = keras.Model(pixels, x)
    assert [one.activation for one in endings(model)] == ["softmax"]
    np.testing.assert_allclose(ops.softmax(flatten(model).logits(PIXELS)[0]), model(PIXELS), atol=1e-6)
    pixels, x = _scores(3)
    for _ in range(60):
        x = layers.Average()([layers.ReLU()(x), layers.Identity()(x)])
    assert [one.activation for one in endings(keras.Model(pixels, x))] == ["logits"]
