"""Models taken apart: logits, halves, names, and that nothing is kept of a model that is gone."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from cnnviz.errors import ModelError
from cnnviz.explain import Target, explain
from cnnviz.explain.attribution.defaults import choose_layer, choose_target
from cnnviz.explain.attribution.targets import weights_of
from cnnviz.models.graph.graph import flatten, trace
from cnnviz.models.graph.output_activations import endings
from cnnviz.models.probabilities import predict
from tests.model_forms import FORMS, images, made


@pytest.mark.parametrize("form", FORMS)
def test_logits_are_what_the_last_activation_gets(form: str, tmp_path: Path) -> None:
    model = made(form, tmp_path)
    pixels = images(model)
    last = {"any size": "log_softmax"}
    after = {
        "log_softmax": keras.ops.log_softmax,
        "softmax": keras.ops.softmax,
        "sigmoid": keras.ops.sigmoid,
        "logits": lambda values: values,
    }
    outputs = keras.tree.flatten(model(pixels, training=False))
    logits = flatten(model).model(pixels)
    assert [one.shape for one in logits] == [one.shape for one in outputs]
    for end, found, wanted in zip(endings(model), logits, outputs, strict=True):
        kind = last.get(form) or end.activation
        np.testing.assert_allclose(after[kind](found), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_halves_meet_at_every_layer_with_places(form: str, tmp_path: Path) -> None:
    model = made(form, tmp_path)
    graph, pixels = flatten(model), images(model)
    whole = graph.model(pixels)
    places = [layer for layer in graph.layers if len(layer.shape) == 3]
    assert set(graph.convolutions) <= {layer.name for layer in places} != set()
    for layer in places:
        cut = graph.halves(layer.name)
        given = cut.lower(pixels)
        assert layer.shape == cut.shape
        assert all(known in (side, None) for side, known in zip(given[0].shape[1:], layer.shape, strict=True))
        for found, wanted in zip(cut.upper(given), whole, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=2e-3 if form == "mixed precision" else 1e-5, atol=1e-6)


def test_names_are_paths_and_calls_are_counted(tmp_path: Path) -> None:
    nested = flatten(made("nested and loaded", tmp_path))
    assert [name.rpartition("/")[0] for name in nested.convolutions] == ["backbone/inner", "backbone"]
    assert None not in nested.layers[1].shape, "sizes that the nested model leaves open are known here"
    assert flatten(made("operations", tmp_path)).convolutions[:2] == ("shared", "shared:2")


def test_a_skip_connection_crosses_the_cut(tmp_path: Path) -> None:
    model = made("residual, list of heads", tmp_path)
    graph = flatten(model)
    cut = graph.cut(graph.convolutions[-1])
    assert len(cut.lower(images(model))) == 2
    assert cut.heads == (True, True)


def test_a_head_beside_the_layer_is_known(tmp_path: Path) -> None:
    model = made("dict of heads", tmp_path)
    graph = flatten(model)
    early = next(head for head, units in enumerate(graph.units) if units == 2)
    last = graph.convolutions[-1]
    assert graph.cut(last).heads == tuple(head != early for head in range(2))
    assert choose_layer(graph, head=1 - early)[0] == last
    assert choose_layer(graph, head=early)[0] == graph.convolutions[0]
    with pytest.raises(ModelError, match=f"doesn't depend on the layer {last}: choose one of {graph.convolutions[0]}"):
        choose_layer(graph, last, early)


def test_the_last_convolution_is_taken_unless_it_has_one_place(tmp_path: Path) -> None:
    name, why = choose_layer(flatten(made("operations", tmp_path)))
    assert name == "shared:2"
    assert why == (
        "shared:2 is the last convolution with more than one position (12 × 12 positions, 3 channels): late "
        "layers know best what things are."
    )


def test_a_layer_can_be_named_by_the_end_of_its_path(tmp_path: Path) -> None:
    graph = flatten(made("nested and loaded", tmp_path))
    inner = graph.convolutions[0]
    assert choose_layer(graph, inner.rpartition("/")[2])[0] == inner
    assert choose_layer(graph, "backbone/pool")[0] == "backbone/pool"
    with pytest.raises(ModelError, match=f"no layer 'con': choose one of {inner}"):
        choose_layer(graph, "con")
    pooled = next(layer.name for layer in graph.layers if layer.type == "GlobalAveragePooling2D")
    with pytest.raises(ModelError, match=f"{pooled} gives 5, not channels of positions"):
        choose_layer(graph, pooled)


def test_a_model_without_convolutions_is_offered_what_works() -> None:
    model = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2, activation="softmax")])
    pixels = images(model)
    with pytest.raises(ModelError, match=r"no convolution, .*: choose occlusion or Integrated Gradients"):
        explain(model, pixels, method="grad-cam", target=Target())
    for method in ("occlusion", "integrated-gradients", "gradient", "smoothgrad"):
        assert explain(model, pixels, method=method, target=Target()).signed.any()


class Coded(keras.Model):
    """What it computes is only in its code."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = layers.Dense(2)

    def call(self, inputs, training=None):
        return self.inside(keras.ops.mean(inputs, axis=(1, 2)))


def test_a_model_that_is_no_graph_is_refused_in_a_sentence() -> None:
    model = Coded()
    model(np.zeros((1, 4, 4, 3), np.float32))
    with pytest.raises(ModelError, match=r"The model is no graph of layers, .*: expected one made by Sequential"):
        flatten(model)


def test_such_a_model_inside_another_is_one_layer() -> None:
    pixels = keras.Input((6, 6, 3))
    model = keras.Model(pixels, layers.Softmax()(Coded()(layers.Conv2D(3, 3)(pixels))))
    graph = flatten(model)
    assert [layer.type for layer in graph.layers] == ["Conv2D", "Coded"]
    explain(model, images(model), method="grad-cam", target=Target())


def test_two_inputs_and_rows_of_pixels_are_refused() -> None:
    first, second = keras.Input((4, 4, 3)), keras.Input((4, 4, 3))
    with pytest.raises(ModelError, match="expected one input of images"):
        flatten(keras.Model([first, second], layers.Flatten()(first + second)))
    with pytest.raises(ModelError, match=r"gives \(None, 2, 2, 1\): expected a row of scores"):
        flatten(keras.Model(first, layers.Conv2D(1, 3)(first)))


def test_new_weights_are_followed(tmp_path: Path) -> None:
    model = made("sequential", tmp_path)
    pixels = images(model)
    before = explain(model, pixels, method="grad-cam", target=Target())
    model.set_weights([2 * one for one in model.get_weights()])
    after = explain(model, pixels, method="grad-cam", target=Target())
    assert (after.strength > 1.5 * before.strength).all()


def test_nothing_is_kept_of_a_model_that_is_gone(tmp_path: Path) -> None:
    model = made("residual, list of heads", tmp_path)
    graph = flatten(model)
    assert flatten(model) is graph
    for method in ("grad-cam", "eigen-cam", "score-cam", "gradient"):
        explain(model, images(model), method=method, target=Target())
    gone = [weakref.ref(model), weakref.ref(graph), weakref.ref(model.layers[1])]
    del model, graph
    for _ in range(2):  # functions of TensorFlow give up what they hold when they are collected themselves
        gc.collect()
    assert [one() for one in gone] == [None, None, None]


def test_scores_of_targets() -> None:
    several, one = np.array([[1.0, 4.0, 2.5]], np.float32), np.array([[3.0]], np.float32)
    assert Target(0, 1).score([several, one]) == [4.0]
    assert Target(0, 1, against=2).score([several, one]) == [1.5]
    assert Target(1, 1).score([several, one]) == [3.0]
    assert Target(1, 0).score([several, one]) == [-3.0]
    assert Target(1, 1, against=0).score([several, one]) == [6.0]
    head, weights = weights_of([Target(0, 0), Target(0, 2)], (3, 1), 2)
    assert head == 0
    assert weights.tolist() == [[1, 0, 0], [0, 0, 1]]
    for target, message in (
        (Target(2, 0), "Head 2 can't be explained: the model's heads are 0 to 1"),
        (Target(0, 3), "Class 3 can't be explained: the head's classes are 0 to 2"),
        (Target(1, 2), "Class 2 can't be explained: the head's classes are 0 to 1"),
        ([Target()], "There are 1 targets for 2 images"),
        ([Target(0), Target(1)], "The targets are of 2 heads"),
    ):
        with pytest.raises(ModelError, match=message):
            weights_of(target, (3, 1), 2)


def test_the_answer_is_explained_where_nobody_said_what() -> None:
    logits = [np.array([1.0, 4.0, 2.5]), np.array([-3.0])]
    assert choose_target(logits) == (Target(0, 1), "Class 1 is what the model predicts.")
    assert choose_target(logits, 1)[0] == Target(1, 0)
    assert choose_target(logits, second=True)[0] == Target(0, 1, against=2)
    assert choose_target(logits, index=2, second=True) == (
        Target(0, 2, against=1),
        "Class 2 is the chosen one, against class 1.",
    )
    with pytest.raises(ModelError, match="Class 7 can't be explained"):
        choose_target(logits, index=7)


def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    model = made("sequential", tmp_path)
    pixels = images(model)
    for message, given, more in (
        (r"shape \(2, 12, 12\): expected \(n, 12, 12, 3\)", pixels[..., 0], {}),
        (r"shape \(0, 12, 12, 3\)", pixels[:0], {}),
        ("hold infinite values", pixels * np.inf, {}),
        ("no method 'grad-cams': .*did you mean 'grad-cam'", pixels, {"method": "grad-cams"}),
        ("Grad-CAM has no setting 'noise': it has none", pixels, {"noise": 1}),
        ("SmoothGrad has no setting 'nois': choose one of samples, noise", pixels, {"method": "smoothgrad", "nois": 1}),
    ):
        with pytest.raises(ModelError, match=message):
            explain(model, given, target=Target(), **{"method": "grad-cam", **more})


def test_layers_may_begin_with_a_dash(tmp_path: Path) -> None:
    """TensorFlow wants a letter where a name stands by itself."""
    given = keras.Input((8, 8, 3))
    x = layers.GlobalAveragePooling2D(name="_pool")(layers.Conv2D(2, 3, name="-conv")(given))
    model = keras.Model(given, layers.Dense(2, activation="softmax", name="-y")(x))
    found = explain(model, np.ones((1, 8, 8, 3), np.float32), method="grad-cam", target=Target(0, 1))
    assert found.layer == "-conv"


def test_what_cannot_be_traced_for_images_of_any_size_is_a_sentence() -> None:
    """Keras enlarges open sides between pixels when it predicts, but TensorFlow makes no graph of that."""

    def model(side: int | None) -> keras.Model:
        given = keras.Input((side, side, 3))
        large = layers.UpSampling2D(3, interpolation="bilinear")(given)
        return keras.Model(given, layers.Dense(2, activation="softmax")(layers.GlobalMaxPooling2D()(large)))

    pixels = np.random.default_rng(0).uniform(0, 1, (1, 8, 8, 3)).astype(np.float32)
    assert model(None)(pixels).shape == (1, 2)
    with pytest.raises(ModelError, match=r"layer of the kind UpSampling2D can't be traced for images of any size: "):
        explain(model(None), pixels, method="gradient", target=Target())
    assert explain(model(8), pixels, method="gradient", target=Target()).map.max() > 0


def test_where_the_memory_is_not_enough_it_is_a_sentence() -> None:
    """TensorFlow is asked for 4 TB."""
    large = trace(lambda sides: tf.ones(sides), tf.TensorSpec((2,), tf.int64))
    assert large(tf.constant([2, 3], tf.int64)).shape == (2, 3)
    with pytest.raises(ModelError, match=r"The memory of this computer isn't enough .*\.$"):
        large(tf.constant([1 << 20, 1 << 20], tf.int64))
    with pytest.raises(ModelError, match=r"The memory of this computer isn't enough"):
        predict(lambda pixels, training: tf.ones([1 << 20, 1 << 20]), np.zeros((1, 2, 2, 3), np.uint8), ())
