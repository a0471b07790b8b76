"""Models whose channels stand first on the way, and convolutions in wrappers: all is as if they were not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from cnnviz.errors import ModelError
from cnnviz.explain import METHODS, Target, explain
from cnnviz.explain.attribution.defaults import choose_layer
from cnnviz.explain.feature_visualization.filter_objective import FilterOutput
from cnnviz.explain.feature_visualization.patterns import Settings, visualize
from cnnviz.explain.inspection.activations import activations
from cnnviz.explain.inspection.channel_ablation import peaks, with_and_without
from cnnviz.explain.inspection.kernels import kernels
from cnnviz.explain.inspection.output_breakdown import breakdown
from cnnviz.explain.inspection.receptive_field import box, layer_rows
from cnnviz.explain.metrics.parameter_randomization import weighted_layers
from cnnviz.models.classifier import Classifier
from cnnviz.models.graph.graph import flatten
from cnnviz.models.load.load import load_file

PIXELS = np.random.default_rng(1).uniform(0, 255, (3, 14, 12, 3)).astype(np.float32)


def _model(first: bool, wrap: Callable | None = None, plain: bool = False) -> keras.Model:
    """A model of many kinds of layers, with channels first where it can be; `plain` adds an ordinary convolution,
    which processors have with the channels last only; `wrap` wraps the first and the last of them."""
    order = {"data_format": "channels_first"} if first else {"data_format": "channels_last"}
    axis = 1 if first else -1
    keras.utils.set_random_seed(2)
    pixels = keras.Input((14, 12, 3))
    x = layers.Rescaling(1 / 255, name="scaled")(pixels)
    x = layers.Permute((3, 1, 2), name="turn")(x) if first else x
    deep = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="relu", name="deep", **order)
    x = (wrap(deep) if wrap else deep)(x)
    x = layers.BatchNormalization(axis=axis, name="norm")(x)
    x = y = layers.LeakyReLU(name="leaky")(x)
    if plain:
        x = layers.Conv2D(6, 3, padding="same", activation="relu", name="plain", **order)(x)
    x = layers.Conv2D(6, 3, padding="same", groups=2, activation="relu", name="grouped", **order)(x)
    x = layers.Concatenate(axis=axis, name="both")([x, layers.Add(name="sum")([x, y])])
    x = layers.PReLU(name="learned", alpha_initializer="ones")(x)
    x = layers.MaxPooling2D(name="pool", **order)(x)
    last = layers.Conv2D if wrap else layers.SeparableConv2D  # which has no kernel to be wrapped
    last = last(8, 3, activation="relu", name="last", **order)
    x = (wrap(last) if wrap else last)(x)
    x = layers.Flatten(name="flat", **order)(x) if first else layers.Flatten(name="flat")(x)
    return keras.Model(pixels, layers.Dense(3, activation="softmax", name="answer")(x))


def _pair() -> tuple[keras.Model, keras.Model]:
    first, last = _model(True), _model(False)
    weights = [np.random.default_rng(3).uniform(0.05, 0.4, one.shape) for one in last.get_weights()]
    weights[-2] /= 50  # so that no prediction is 1
    last.set_weights(weights)
    turned = [one.transpose(2, 0, 1) if one.ndim == 3 else one for one in weights]  # PReLU's, one for each value
    first.set_weights(turned)
    assert 0.01 < np.asarray(last(PIXELS)).max() < 0.99
    np.testing.assert_allclose(first(PIXELS), last(PIXELS), atol=1e-5)
    return first, last


@pytest.fixture(scope="module")
def pair() -> tuple[keras.Model, keras.Model]:
    """The same function twice, with channels first on the way and without."""
    return _pair()


NAMES = ("deep", "norm", "leaky", "grouped", "sum", "both", "learned", "pool", "last", "flat", "answer")


def test_layers_have_the_shapes_and_values_of_images(pair: tuple[keras.Model, keras.Model]) -> None:
    first, last = pair
    shapes = [{at.name: at.shape for at in flatten(one, logits=False).layers} for one in pair]
    assert shapes[0] == {**shapes[1], "turn": (14, 12, 3)}
    assert flatten(first).convolutions == flatten(last).convolutions == ("deep", "grouped", "last")
    found, wanted = (activations(one, PIXELS[:1], NAMES) for one in pair)
    for name in NAMES:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-4, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("method", METHODS)
def test_maps_are_the_same(method: str, pair: tuple[keras.Model, keras.Model]) -> None:
    for layer in ("grouped", "pool", "last") if METHODS[method].family == "cam" else (None,):
        found, wanted = (explain(one, PIXELS[:1], method=method, layer=layer, target=Target(0, 1)) for one in pair)
        scale = float(wanted.map.max())
        np.testing.assert_allclose(found.map / scale, wanted.map / scale, atol=1e-3, err_msg=str(layer))


def test_all_that_is_told_of_layers_is_the_same(pair: tuple[keras.Model, keras.Model]) -> None:
    first, last = pair
    rows, expected = ({row.name: row for row in layer_rows(one)} for one in pair)
    for name in ("deep", "norm", "leaky", "grouped", "pool", "last", "flat", "answer"):
        if name not in ("pool", "last"):  # behind PReLU, which is given its own order
            assert rows[name] == expected[name]
    assert box(first, "grouped", 3, 4) == box(last, "grouped", 3, 4) == (1, 2, 5, 5)
    for name in ("deep", "grouped", "last"):
        np.testing.assert_array_equal(kernels(first, name).values, kernels(last, name).values)
    assert kernels(first, "deep").rgb == kernels(last, "deep").rgb
    for name, at in (("grouped", (3, 4, 5)), ("deep", (0, 0, 1)), ("pool", (1, 2, 3)), ("norm", (1, 2, 3))):
        mine, other = (breakdown(one, PIXELS[:1], name, at) for one in pair)
        assert mine.value == pytest.approx(other.value, rel=1e-4)
        assert mine.output == pytest.approx(mine.value, rel=1e-4)


def test_channels_are_told_apart(pair: tuple[keras.Model, keras.Model]) -> None:
    first, last = (Classifier("x", one, (), {}, (14, 12)) for one in pair)
    for found, wanted in zip(peaks(first, "last")(PIXELS), peaks(last, "last")(PIXELS), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4)
    for found, wanted in zip(
        with_and_without(first, "last", [2])(PIXELS), with_and_without(last, "last", [2])(PIXELS), strict=True
    ):
        np.testing.assert_allclose(found[0], wanted[0], atol=1e-5)
    with pytest.raises(ModelError, match="has no channel 8: choose 0 to 7"):
        with_and_without(first, "last", [8])


def test_filters_are_the_channels(pair: tuple[keras.Model, keras.Model]) -> None:
    first, last = pair
    assert [FilterOutput(one, "grouped", 16).filters for one in pair] == [6, 6]
    found, wanted = (visualize(one, "grouped", [0, 5], Settings(steps=3, size=16)) for one in (first, last))
    np.testing.assert_allclose(found.after, wanted.after, rtol=1e-3)
    with pytest.raises(ModelError, match="has no filter 6: choose 0 to 5"):
        visualize(first, "grouped", [6], Settings(steps=1, size=16))


def test_an_order_of_its_own_behind_a_change_back() -> None:
    """Channels first for a while, then last again; and rows laid out with the channels first."""
    pixels = keras.Input((6, 5, 3))
    x = layers.Permute((3, 1, 2))(pixels)
    x = layers.DepthwiseConv2D(3, padding="same", data_format="channels_first", name="deep")(x)
    back = layers.Conv2D(4, 3, name="conv")(layers.Permute((2, 3, 1), name="back")(x))
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(back), layers.Flatten(name="flat")(x)])
    model = keras.Model(pixels, layers.Dense(2)(x))
    given = PIXELS[:1, :6, :5]
    np.testing.assert_allclose(flatten(model).model(given)[0], model(given), rtol=1e-4, atol=1e-2)
    found = activations(model, given, ["deep", "flat", "back"])
    own = keras.Model(pixels, model.get_layer("deep").output)(given)[0]
    np.testing.assert_allclose(found["deep"], np.transpose(own, (1, 2, 0)), rtol=1e-4)
    np.testing.assert_allclose(found["back"], found["deep"])
    np.testing.assert_allclose(found["flat"], np.ravel(own), rtol=1e-4)


def test_what_this_computer_cannot_compute_is_one_sentence(tmp_path: Path) -> None:
    """TensorFlow has ordinary convolutions on processors with the channels last only; its graph can be looked into."""
    model = _model(True, plain=True)
    try:
        model(PIXELS)
    except Exception:
        model.save(tmp_path / "net.keras")
        with pytest.raises(ModelError, match=r"can't be computed on this computer: [^\n\x1b\[]*\.$"):
            load_file(tmp_path / "net.keras")
    assert explain(model, PIXELS[:1], method="grad-cam", target=Target()).map.shape == (1, 5, 4)


def _wrapped(layer: layers.Layer) -> layers.Layer:
    return layers.SpectralNormalization(layer, name=f"wrapped_{layer.name}")  # Keras would count on from other tests'


@pytest.fixture(scope="module")
def wrapped() -> tuple[keras.Model, keras.Model]:
    """The same model twice, its convolutions in a wrapper and without."""
    models = _model(False, _wrapped), _model(False, lambda layer: layer)
    for one, other in zip(models[0].layers, models[1].layers, strict=True):
        inner = one.layer if isinstance(one, layers.Wrapper) else one
        if inner.weights:
            inner.set_weights([np.random.default_rng(3).uniform(0.05, 0.2, own.shape) for own in inner.weights])
            other.set_weights(inner.get_weights())
    np.testing.assert_allclose(models[0](PIXELS), models[1](PIXELS), atol=1e-6)
    return models


def test_a_wrapped_convolution_is_one(wrapped: tuple[keras.Model, keras.Model], tmp_path: Path) -> None:
    model, plain = wrapped
    graphs = flatten(model), flatten(plain)
    names = graphs[0].convolutions
    assert names == ("wrapped_deep", "grouped", "wrapped_last")
    assert choose_layer(graphs[0])[0] == names[-1]
    assert [at.type for at in graphs[0].layers] == [at.type for at in graphs[1].layers]
    model.save(tmp_path / "net.keras")
    opened = load_file(tmp_path / "net.keras").model
    for method in ("grad-cam", "score-cam", "gradient"):
        found, wanted = (explain(one, PIXELS[:1], method=method, target=Target(0, 1)) for one in (opened, plain))
        np.testing.assert_allclose(found.map, wanted.map, rtol=1e-3, atol=1e-6)
    for name, own in (("wrapped_deep", "deep"), ("wrapped_last", "last")):
        np.testing.assert_array_equal(kernels(model, name).values, kernels(plain, own).values)
        assert FilterOutput(model, name, 16).filters == FilterOutput(plain, own, 16).filters
        assert box(model, name, 1, 1) == box(plain, own, 1, 1)
    mine, other = (
        breakdown(one, PIXELS[:1], name, (2, 3, 4)) for one, name in ((model, "wrapped_deep"), (plain, "deep"))
    )
    assert (mine.value, mine.type) == (pytest.approx(other.value), "DepthwiseConv2D")
    costs, expected = ([row.macs for row in layer_rows(one)] for one in wrapped)
    assert costs == expected
    stages = [[name for name, _ in weighted_layers(one)] for one in wrapped]
    assert stages[0] == ["answer", "wrapped_last", "learned", "grouped", "wrapped_deep"]
    assert stages[1] == ["answer", "last", "learned", "grouped", "deep"]


@pytest.mark.parametrize("gently", [False, True])
def test_a_wrapped_filter_is_followed_as_any(gently: bool, wrapped: tuple[keras.Model, keras.Model]) -> None:
    images, filters = np.stack([PIXELS[0, :12]] * 2), np.array([1, 3], np.int32)
    found, wanted = (
        FilterOutput(model, name, 12).mean(images, filters, gently=gently).numpy()
        for model, name in zip(wrapped, ("wrapped_deep", "deep"), strict=True)
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_layers_that_are_called_for_each_row() -> None:
    """TimeDistributed: a convolution along rows is one of positions; frames of images are no positions, which is
    said."""
    pixels = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="conv")(pixels)
    rows = layers.TimeDistributed(layers.Conv1D(5, 3, activation="relu"), name="rows")(x)
    dense = layers.TimeDistributed(layers.Dense(4, activation="relu"), name="mixed")(rows)
    model = keras.Model(pixels, layers.Dense(2)(layers.GlobalAveragePooling2D()(dense)))
    assert flatten(model).convolutions == ("conv", "rows")
    given = PIXELS[:1, :8, :8]
    assert explain(model, given, method="grad-cam", target=Target()).map.shape == (1, 6, 4)
    found = breakdown(model, given, "mixed", (1, 2, 3))
    assert found.value == pytest.approx(found.output, rel=1e-4)
    assert breakdown(model, given, "rows", (1, 2, 3)).endswith("outputs are shown as they are.")
    assert box(model, "mixed", 1, 2) == (0, 0, 8, 8)
    assert [row.type for row in layer_rows(model)][:3] == ["Conv2D", "Conv1D", "Dense"]
    x = layers.TimeDistributed(layers.Conv2D(5, 3), name="frames")(layers.Reshape((1, 6, 6, 4))(x))
    framed = keras.Model(pixels, layers.Dense(2)(layers.Flatten()(x)))
    name, why = choose_layer(flatten(framed))
    assert name == "conv"
    assert "frames gives 1 × 4 × 4 × 5, not channels of positions" in why
    with pytest.raises(ModelError, match="frames gives 1 × 4 × 4 × 5, not channels of positions"):
        choose_layer(flatten(framed), "frames")
