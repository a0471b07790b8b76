"""Accounts of single numbers against what the model itself gives, and against arithmetic done by hand."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
from keras import layers

from cnnviz.errors import ModelError
from cnnviz.explain.inspection.activation_formulas import FORMULAS, of_layer
from cnnviz.explain.inspection.activations import activations
from cnnviz.explain.inspection.output_breakdown import Breakdown, breakdown, inputs_and_output
from cnnviz.model_spec import ACTIVATIONS
from cnnviz.models.build.model import build
from cnnviz.models.graph.graph import flatten
from cnnviz.presets import PRESETS
from tests.made_models import SIDE, made, pixels_for

UNTAKEN = {"SeparableConv2D", "Concatenate"}


def check(model: keras.Model, count: int = 6, pixels: np.ndarray | None = None) -> set[str]:
    """Compares random positions of every layer with the model's own output; returns the types taken apart."""
    pixels = pixels_for(model) if pixels is None else pixels
    draw, seen = np.random.default_rng(7), set()
    names = [layer.name for layer in flatten(model, logits=False).layers]
    outputs = activations(model, pixels, names)
    for layer in flatten(model, logits=False).layers:
        known = inputs_and_output(model, pixels, layer.name)
        for _ in range(count):
            at = tuple(int(draw.integers(side)) for side in outputs[layer.name].shape)
            found = breakdown(model, pixels, layer.name, at, known=known)
            if isinstance(found, str):
                assert layer.type in UNTAKEN
                assert f"{layer.name} ({layer.type})" in found
                continue
            seen.add(layer.type)
            wanted = outputs[layer.name][at]
            assert found.at == at
            assert found.output == pytest.approx(wanted, rel=1e-6, abs=1e-6)
            assert found.value == pytest.approx(wanted, rel=1e-5, abs=1e-5), (layer, at)
            terms(found)
    return seen


def terms(found: Breakdown) -> None:
    """What is shown adds up to what is said."""
    if found.products is not None:
        np.testing.assert_allclose(found.products, found.patch * found.weights, rtol=1e-6, atol=1e-6)
        total = found.products.sum(dtype=np.float64) + (found.bias or 0)
        assert total == pytest.approx(found.sum, rel=1e-5, abs=1e-4)
    if found.inside is not None:
        assert found.patch.shape[:2] == found.inside.shape
        assert not found.patch[~found.inside].any()


@pytest.mark.parametrize("form", ["sequential", "functional", "nested", "heads", "file", "grey"])
def test_every_account_is_the_models_number(form: str) -> None:
    seen = check(made(form))
    assert {"Conv2D"} < seen
    if form == "functional":
        assert {"DepthwiseConv2D", "AveragePooling2D", "Add", "ReLU", "GlobalAveragePooling2D", "Activation"} < seen
    if form == "sequential":
        assert {"Rescaling", "MaxPooling2D", "BatchNormalization", "Flatten", "Dense", "Dropout"} < seen


@pytest.mark.parametrize("preset", ["A", "B2", "C1", "D1", "S"])
def test_every_account_is_the_models_number_in_presets(preset: str) -> None:
    check(build(PRESETS[preset]), count=3)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_that_recipes_know(activation: str) -> None:
    start = keras.Input((SIDE, SIDE, 2))
    x = layers.Conv2D(4, 3, strides=3, padding="same", activation=activation)(start)
    x = layers.Activation(activation)(layers.Flatten()(x))
    model = keras.Model(start, layers.Dense(3, activation=activation)(x))
    pixels = np.random.default_rng(0).normal(0, 1.5, (1, SIDE, SIDE, 2)).astype(np.float32)
    assert {"Conv2D", "Activation", "Dense"} <= check(model, 12, pixels)


@pytest.mark.parametrize(
    "layer",
    [
        layers.ReLU(),
        layers.ReLU(max_value=1.5, negative_slope=0.1, threshold=0.5),
        layers.ReLU(threshold=1.0),
        layers.LeakyReLU(0.3),
        layers.ELU(0.7),
        layers.Activation("softplus"),
        layers.Activation("hard_silu"),
    ],
    ids=lambda layer: str(layer.name),
)
def test_activation_layers_with_their_settings(layer: layers.Layer) -> None:
    formula = of_layer(layer)
    for x in (-3.0, -1.5, -0.5, 0.0, 0.25, 0.5, 1.2, 4.0):
        wanted = float(layer(np.array([[x]], np.float32))[0, 0])
        assert formula.compute(x) == pytest.approx(wanted, abs=1e-6), x


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_are_keras_own(name: str) -> None:
    values = np.linspace(-8, 8, 33, dtype=np.float32)
    wanted = np.asarray(keras.activations.get(name)(values))
    np.testing.assert_allclose([FORMULAS[name].compute(float(x)) for x in values], wanted, rtol=1e-5, atol=1e-6)


def test_a_convolution_by_hand() -> None:
    start = keras.Input((4, 4, 2))
    conv = layers.Conv2D(2, 2, strides=2, padding="same", activation="relu", name="conv")
    model = keras.Model(start, layers.Dense(2)(layers.Flatten()(conv(start))))
    kernel = np.arange(16, dtype=np.float32).reshape(2, 2, 2, 2) - 8
    conv.set_weights([kernel, np.array([1, -2], np.float32)])
    pixels = np.arange(32, dtype=np.float32).reshape(1, 4, 4, 2)
    found = breakdown(model, pixels, "conv", (1, 0, 1))
    assert found.corner == (2, 0)
    np.testing.assert_array_equal(found.patch, pixels[0, 2:4, 0:2])
    np.testing.assert_array_equal(found.weights, kernel[..., 1])
    total = sum(
        pixels[0, 2 + i, j, k] * kernel[i, j, k, 1] for i in range(2) for j in range(2) for k in range(2)
    )  # 16·-7 + 17·-5 + 18·-3 + 19·-1 + 24·1 + 25·3 + 26·5 + 27·7 = 148
    assert total == 148
    assert (found.bias, found.sum, found.value, found.output) == (-2, 146, 146, 146)
    assert (found.activation, found.inputs, found.channels) == ("relu", ("pixels",), (0, 2))
    assert found.text == "8 products add up to 148, with the bias −2 to 146; relu, max(0, x), makes it 146."


def test_padding_counts_nothing_and_is_left_out_of_means() -> None:
    start = keras.Input((3, 3, 1))
    x = layers.Conv2D(1, 3, padding="same", use_bias=False, dilation_rate=2, name="conv")(start)
    mean = layers.AveragePooling2D(2, padding="same", name="mean")(x)
    most = layers.MaxPooling2D(2, padding="same", name="most")(x)
    model = keras.Model(start, layers.Dense(2)(layers.Flatten()(layers.Add(name="sum")([mean, most]))))
    pixels = np.full((1, 3, 3, 1), -1, np.float32)
    model.get_layer("conv").set_weights([np.ones((3, 3, 1, 1), np.float32)])
    corner = breakdown(model, pixels, "conv", (0, 0, 0))
    assert (corner.corner, corner.step, int(corner.inside.sum()), corner.value) == ((-2, -2), (2, 2), 4, -4)
    mean = breakdown(model, pixels, "mean", (1, 1, 0))
    assert (int(mean.inside.sum()), mean.value, mean.output) == (1, -4, -4)
    most = breakdown(model, pixels, "most", (1, 0, 0))
    assert (most.value, most.chosen, most.inside.tolist()) == (-2, 1, [[True, True], [False, False]])
    total = breakdown(model, pixels, "sum", (1, 1, 0))
    assert total.inputs == ("mean", "most")
    assert total.text == "−4 + −4 = −8."


def test_a_softmax_has_all_scores() -> None:
    model = made("sequential")
    pixels = pixels_for(model) / 100
    found = breakdown(model, pixels, "answer", (2,))
    powers = [math.exp(score) for score in found.scores]
    assert found.value == pytest.approx(powers[2] / sum(powers), rel=1e-4)
    assert found.sum == pytest.approx(found.products.sum() + found.bias, rel=1e-5)
    assert found.value == pytest.approx(float(model(pixels)[0, 2]), abs=1e-5)


def test_gates_multiply_every_place() -> None:
    start = keras.Input((SIDE, SIDE, 2))
    x = layers.Conv2D(3, 3, name="conv")(start)
    gate = layers.Reshape((1, 1, 3))(layers.GlobalAveragePooling2D()(x))
    gate = layers.Conv2D(3, 1, activation="sigmoid", name="gate")(gate)
    x = layers.Multiply(name="gated")([x, gate])
    model = keras.Model(start, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    assert {"Multiply", "Reshape"} <= check(model, 3)


def test_wrong_questions_are_sentences() -> None:
    model = made("grey")
    with pytest.raises(ModelError, match="no layer 'x'"):
        breakdown(model, pixels_for(model), "x", (0, 0, 0))
    for at in ((0, 0, 4), (14, 0, 0), (0, -1, 0), (0,)):
        with pytest.raises(ModelError, match=r"no output .*: its outputs are 14 × 14 × 4"):
            breakdown(model, pixels_for(model), "first", at)
    assert isinstance(breakdown(model, pixels_for(model), "dense", (0, 0, 3)), Breakdown)


def test_what_is_known_gives_the_same_account() -> None:
    model = made("heads")
    pixels = pixels_for(model)
    plain = breakdown(model, pixels, "second", (3, 2, 5))
    again = breakdown(model, pixels, "second", (3, 2, 5), known=inputs_and_output(model, pixels, "second"))
    assert (plain.value, plain.text, plain.corner) == (again.value, again.text, again.corner)
