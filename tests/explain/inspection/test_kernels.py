"""Kernels against the layers' own weights, and against what a convolution with them alone computes."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from cnnviz.errors import ModelError
from cnnviz.explain.inspection.activations import activations
from cnnviz.explain.inspection.kernels import kernels, levels, signed_colours
from cnnviz.explain.inspection.receptive_field_1d import window_of
from cnnviz.models.graph.graph import flatten
from tests.made_models import SIDE, made, pixels_for


@pytest.mark.parametrize("form", ["sequential", "functional", "nested", "heads", "file", "grey"])
def test_every_filter_computes_its_channel_from_the_inputs_it_names(form: str) -> None:
    """Filter, inputs and bias, put to use by hand in the middle of the image, give the layer's own output there."""
    model = made(form)
    graph, pixels = flatten(model, logits=False), pixels_for(model)
    names = {value: step.name for step in graph.program.steps for value in step.outputs}
    known = activations(model, pixels, [layer.name for layer in graph.layers])
    tried = 0
    for step in graph.program.steps:
        if step.name not in graph.convolutions or step.name == "separable":
            continue
        found, layer = kernels(model, step.name), step.operation
        given = known[names[step.inputs[0]]] if step.inputs[0] else pixels[0]
        at = 2  # far enough from the border that nothing of its window is padding
        size, stride, dilation, before = window_of(layer, 0, given.shape[0])
        seen = at * stride - before + dilation * np.arange(size)
        for filter in range(known[step.name].shape[-1]):
            part = given[np.ix_(seen, seen, found.inputs[:, filter])]
            total = float((part * found.of_filter(filter)).sum(dtype=np.float64))
            total += 0 if found.bias is None else float(found.bias[filter])
            assert known[step.name][at, at, filter] == pytest.approx(float(layer.activation(total)), rel=1e-4, abs=1e-4)
            tried += 1
    assert tried >= 9


def test_groups_depthwise_and_separable_name_their_inputs() -> None:
    model = made("functional")
    grouped, depthwise = kernels(model, "grouped"), kernels(model, "depthwise")
    assert grouped.values.shape == (3, 3, 4, 4)
    assert grouped.inputs.T.tolist() == [[0, 1, 2, 3]] * 2 + [[4, 5, 6, 7]] * 2
    assert depthwise.values.shape == (3, 3, 1, 8)
    assert depthwise.inputs.tolist() == [[0, 0, 1, 1, 2, 2, 3, 3]]
    layer = model.get_layer("depthwise")
    np.testing.assert_array_equal(depthwise.of_filter(5)[..., 0], np.asarray(layer.kernel)[:, :, 2, 1])
    separable = kernels(model, "separable")
    assert separable.values.shape == (3, 3, 1, 4)
    assert "1 × 1" in separable.remark


def test_a_transposed_convolution_has_inputs_and_filters_in_their_places() -> None:
    start = keras.Input((SIDE, SIDE, 3))
    up = layers.Conv2DTranspose(5, 2, name="up")
    model = keras.Model(start, layers.Dense(2)(layers.GlobalAveragePooling2D()(up(start))))
    found = kernels(model, "up")
    assert found.values.shape == (2, 2, 3, 5)
    np.testing.assert_array_equal(found.of_filter(4)[..., 1], np.asarray(up.kernel)[:, :, 4, 1])


def test_norms_by_hand() -> None:
    start = keras.Input((4, 4, 2))
    conv = layers.Conv2D(2, 1, name="conv")
    model = keras.Model(start, layers.Dense(2)(layers.Flatten()(conv(start))))
    conv.set_weights([np.array([[[[3.0, 0], [-4, 2]]]], np.float32), np.zeros(2, np.float32)])
    found = kernels(model, "conv")
    assert found.norms.tolist() == [5, 2]
    assert found.norms_by_input.tolist() == [[3, 0], [4, 2]]
    assert found.scale == 4


def test_levels_have_zero_in_the_middle() -> None:
    assert levels(np.array([-2.0, -1, 0, 0.5, 2])).tolist() == [1, 64, 128, 160, 255]
    assert levels(np.array([-9.0, 1.0]), 2).tolist() == [1, 192]
    assert levels(np.zeros((2, 2))).tolist() == [[128, 128]] * 2


def test_colours_of_both_signs_mirror_each_other() -> None:
    blue, white, orange = signed_colours(np.array([[1, 128, 255]], np.uint8))[0].astype(int)
    assert white.tolist() == [247] * 3
    assert blue[2] > blue[0] + 100
    assert orange[0] > orange[2] + 100
    luma = np.array([0.299, 0.587, 0.114])
    assert abs(float(blue @ luma - orange @ luma)) < 20


def test_only_the_first_layer_is_shown_as_colours() -> None:
    model = made("sequential")
    first = kernels(model, "first")
    assert first.rgb
    colours = first.as_rgb()
    assert (colours.shape, colours.dtype) == ((4, 3, 3, 3), np.uint8)
    np.testing.assert_array_equal(colours[2], levels(first.of_filter(2), first.scale))
    each = first.as_rgb(each=True).reshape(4, -1).astype(int)
    assert (np.abs(each - 128).max(axis=1) == 127).all()
    with pytest.raises(ModelError, match="three colours"):
        kernels(model, "second").as_rgb()
    assert not kernels(made("grey"), "first").rgb
    assert kernels(made("nested"), "inner/conv").rgb
    assert not kernels(made("nested"), "middle/conv").rgb


def test_models_that_take_blue_first_are_shown_as_red_green_blue() -> None:
    model = made("sequential")
    plain = kernels(model, "first")
    turned = kernels(SimpleNamespace(model=model, scale="caffe"), "first")
    np.testing.assert_array_equal(turned.values, plain.values[:, :, ::-1])
    assert turned.inputs[:, 0].tolist() == [2, 1, 0]


def test_layers_without_kernels_are_told() -> None:
    with pytest.raises(ModelError, match=r"pool \(MaxPooling2D\) has no kernels"):
        kernels(made("grey"), "pool")
    with pytest.raises(ModelError, match=r"no layer 'fist': choose one of first, second .*'first'"):
        kernels(made("grey"), "fist")
