"""Receptive fields against brute force: which pixels change this output? Costs against arithmetic and Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from cnnviz.architecture import describe
from cnnviz.errors import ModelError
from cnnviz.explain.inspection.activations import function_of
from cnnviz.explain.inspection.receptive_field import Window, box, fields, inner_positions, layer_rows, windows
from cnnviz.models.build.model import build
from cnnviz.models.graph.graph import flatten
from cnnviz.presets import PRESETS
from tests.made_models import FORMS, SIDE, made


def brute(model: keras.Model, names: list[str], positions: dict[str, list[tuple[int, int]]]) -> dict:
    """The hull of all pixels that change the outputs at these positions, found by changing one pixel after another."""
    draw = np.random.default_rng(0)
    function = function_of(flatten(model, logits=False), names)
    height, width, channels = (side or SIDE for side in model.input_shape[1:])
    touched = {(name, position): np.zeros(height * width, bool) for name in names for position in positions[name]}
    for amount in (3e3, -3e3, 3e3, -3e3, 40, -40):
        image = draw.uniform(0, 255, (1, height, width, channels)).astype(np.float32)
        many = np.repeat(image, height * width, axis=0)
        many.reshape(height * width, height * width, channels)[
            np.arange(height * width), np.arange(height * width)
        ] += amount * draw.uniform(0.5, 1, (height * width, channels))
        for name, was, values in zip(names, function(image), function(many), strict=True):
            was, values = was.numpy(), values.numpy()
            for position in positions[name]:
                at = (slice(None), *position)[: values.ndim - 1]
                touched[name, position] |= _differs(values[at], was[at])
    return {key: _hull(seen.reshape(height, width)) for key, seen in touched.items()}


def _differs(values: np.ndarray, was: np.ndarray) -> np.ndarray:
    """Batches of other sizes are rounded otherwise, so that the last digits say nothing."""
    return (np.abs(values - was) > 1e-5 * np.maximum(np.abs(was), 1)).reshape(len(values), -1).any(axis=1)


def _hull(seen: np.ndarray) -> tuple[int, int, int, int]:
    if not seen.any():
        return 0, 0, 0, 0
    (top, *_, bottom), (left, *_, right) = (
        [*ends, ends[-1]] for ends in map(np.flatnonzero, (seen.any(1), seen.any(0)))
    )
    return int(top), int(left), int(bottom - top + 1), int(right - left + 1)


def compare(model: keras.Model, count: int = 4, skip: tuple[str, ...] = ()) -> None:
    known = fields(model, (SIDE, SIDE))
    names = [name for name in known if name not in skip]
    draw = np.random.default_rng(1)
    positions = {}
    for name in names:
        sides = (len(known[name].rows.low), len(known[name].columns.low))
        corners = [(0, 0), (sides[0] - 1, sides[1] - 1)]
        positions[name] = corners + [tuple(int(draw.integers(0, side)) for side in sides) for _ in range(count)]
    found = brute(model, names, positions)
    for (name, position), hull in found.items():
        assert box(model, name, *position, image_size=(SIDE, SIDE)) == hull, (name, position)


@pytest.mark.parametrize("form", ["sequential", "functional", "nested", "heads", "file", "grey"])
def test_boxes_are_what_brute_force_finds(form: str) -> None:
    compare(made(form), skip=("answer",))  # a softmax of far scores is 1 whatever a pixel does
    assert set(FORMS) >= {form}


def _straight(*inner: layers.Layer) -> keras.Model:
    x = start = keras.Input((SIDE, SIDE, 2))
    for layer in inner:
        x = layer(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(start, layers.Dense(2)(x))


@pytest.mark.parametrize(
    "inner",
    [
        [layers.Conv2D(3, 3, strides=2, padding="same"), layers.Conv2DTranspose(3, 3, strides=2, padding="same")],
        [layers.Conv2D(3, (1, 5), dilation_rate=(1, 2), padding="same"), layers.Conv2DTranspose(3, 4, strides=3)],
        [layers.ZeroPadding2D(((2, 1), (0, 3))), layers.Conv2D(3, 3), layers.Cropping2D(((1, 2), (0, 1)))],
        [layers.AveragePooling2D(2), layers.UpSampling2D(3), layers.Conv2D(2, 2)],
        [layers.AveragePooling2D(2), layers.UpSampling2D(2, interpolation="bilinear"), layers.Conv2D(2, 2)],
        [layers.AveragePooling2D((3, 2), strides=(2, 1), padding="same"), layers.LayerNormalization(), layers.Dense(3)],
        [layers.AveragePooling2D(2), layers.GroupNormalization(1)],
    ],
    ids=["transposed-same", "dilated", "padded", "enlarged", "bilinear", "rectangular", "whole-picture"],
)
def test_boxes_behind_other_layers(inner: list) -> None:
    compare(_straight(*inner))


def test_branches_meet_and_gates_see_everything() -> None:
    start = keras.Input((SIDE, SIDE, 2))
    short = layers.Conv2D(4, 1, strides=2, name="short")(start)
    long = layers.Conv2D(4, 5, strides=2, padding="same", name="long")(start)
    both = layers.Add(name="both")([short, long])
    gate = layers.Reshape((1, 1, 4), name="gate")(layers.GlobalAveragePooling2D(keepdims=False)(both))
    gate = layers.Conv2D(4, 1, name="squeezed")(gate)
    gated = layers.Multiply(name="gated")([both, gate])
    model = keras.Model(start, layers.Dense(2)(layers.GlobalAveragePooling2D(name="end")(gated)))
    compare(model)
    known = fields(model)
    assert known["both"].size == known["long"].size == (5, 5)
    assert known["both"].stride == (2, 2)
    assert known["gated"].everything
    assert all(field.exact for field in known.values())
    assert known["gated"].size == (SIDE, SIDE)


def test_dense_on_rows_sees_rows() -> None:
    """As in preset C1: every row of the image goes through the same Dense."""
    model = build(PRESETS["C1"])
    known = fields(model)
    row = next(name for name, field in known.items() if len(field.rows.low) == 28 and len(field.columns.low) == 1)
    assert known[row].box(5) == (5, 0, 1, 28)
    assert known["flatten"].box() == (0, 0, 28, 28)


def test_unknown_operations_take_the_whole_image_and_say_so() -> None:
    start = keras.Input((SIDE, SIDE, 2))
    x = keras.ops.flip(layers.Conv2D(2, 3, name="conv")(start), axis=1)
    model = keras.Model(start, layers.Dense(2)(layers.Flatten()(x)))
    known = fields(model)
    flipped = list(known)[1]
    assert not known[flipped].exact
    assert known[flipped].box(3, 3) == (0, 0, SIDE, SIDE)


def test_vgg16s_known_sizes() -> None:
    """Sizes and strides as published, e.g. by Araujo et al. 2019: 212 and 32 behind VGG16's last pooling."""
    model = keras.applications.VGG16(weights=None, include_top=False, pooling="avg", input_shape=(64, 64, 3))
    known = fields(model)
    sizes = {"block1_conv1": 3, "block1_conv2": 5, "block2_conv1": 10, "block3_conv3": 40, "block4_conv3": 92}
    sizes |= {"block5_conv3": 196, "block5_pool": 212}
    assert {name: known[name].size for name in sizes} == {name: (size, size) for name, size in sizes.items()}
    assert known["block5_conv3"].stride == (16, 16)
    assert known["block5_pool"].stride == (32, 32)
    assert known["block1_conv2"].offset == (-2, -2)


@pytest.mark.parametrize("preset", ["A", "B2", "C1", "C2", "D2", "E1", "S"])
def test_costs_are_those_of_the_arithmetic(preset: str) -> None:
    recipe = PRESETS[preset]
    wanted = describe(recipe.network, recipe.data.input_shape)
    found = layer_rows(build(recipe))
    assert sorted((row.name, row.type, row.shape, row.parameters, row.macs) for row in found) == sorted(
        (row.name, row.type, row.output_shape, row.parameters, row.macs) for row in wanted
    )
    assert sum(row.share for row in found) == pytest.approx(1)


def test_costs_of_mobilenet_are_the_papers() -> None:
    """Sandler et al. 2018, table 4: 300 million multiply-adds and 3.4 million parameters."""
    found = layer_rows(keras.applications.MobileNetV2(weights=None))
    assert sum(row.macs for row in found) == pytest.approx(300e6, rel=0.01)
    assert sum(row.parameters for row in found) == 3_538_984


def test_inner_positions_are_those_whose_window_needs_no_padding() -> None:
    """By hand: a side of 7; SAME pads 1 on both sides for 3, also with a stride of 2, and 3 for a dilation of 3."""
    x = start = keras.Input((7, 7, 1))
    same = layers.Conv2D(1, 3, padding="same", name="same")(x)
    apart = layers.Conv2D(1, 3, strides=2, padding="same", name="apart")(same)
    wide = layers.Conv2D(1, 3, dilation_rate=3, padding="same", name="wide")(same)
    plain = layers.Activation("relu", name="plain")(layers.Conv2D(1, 3, name="valid")(wide))
    model = keras.Model(start, [layers.GlobalAveragePooling2D()(one) for one in (apart, plain)])
    expected = {"same": [0, 1, 1, 1, 1, 1, 0], "apart": [0, 1, 1, 0], "wide": [0, 0, 0, 1, 0, 0, 0], "valid": [1] * 5}
    for name, inner in (expected | {"plain": [1] * 5}).items():
        for side in inner_positions(model, name, (7, 7)):
            assert side.tolist() == [bool(one) for one in inner], name
    with pytest.raises(ModelError, match="no layer 'gone'"):
        inner_positions(model, "gone", (7, 7))


def test_windows_are_those_of_the_layers_through_branches() -> None:
    """By hand: (size, stride, dilation, padding before) on an image of 12 × 10."""
    start = keras.Input((12, 10, 2))
    first = layers.Conv2D(4, 3, padding="same", name="first")(start)
    pooled = layers.MaxPooling2D(2, name="pooled")(first)
    wide = layers.Conv2D(4, 3, dilation_rate=2, padding="same", name="wide")(pooled)
    rows = layers.Conv2D(4, (1, 5), padding="same", name="rows")(pooled)
    met = layers.Add(name="met")([wide, rows])
    padded = layers.ZeroPadding2D((1, 2), name="padded")(met)
    apart = layers.Conv2D(2, (3, 2), strides=(2, 1), name="apart")(padded)
    whole = layers.GlobalAveragePooling2D(name="whole")(apart)
    assert windows(keras.Model(start, layers.Dense(2, name="dense")(whole)), (12, 10)) == {
        "first": Window(("",), (3, 1, 1, 1), (3, 1, 1, 1)),
        "pooled": Window(("first",), (2, 2, 1, 0), (2, 2, 1, 0)),
        "wide": Window(("pooled",), (3, 1, 2, 2), (3, 1, 2, 2)),
        "rows": Window(("pooled",), (1, 1, 1, 0), (5, 1, 1, 2)),
        "met": Window(("wide", "rows"), (1, 1, 1, 0), (1, 1, 1, 0)),
        "padded": Window(("met",), (1, 1, 1, 1), (1, 1, 1, 2)),
        "apart": Window(("padded",), (3, 2, 1, 0), (2, 1, 1, 0)),
        "whole": Window(("apart",)),
        "dense": Window(("whole",)),
    }


@pytest.mark.parametrize("form", ["sequential", "functional", "nested", "grey"])
def test_fields_by_arithmetic_are_the_boxes_of_every_position(form: str) -> None:
    """The strip of layers draws them from start, stride and size, and cuts them off at the image's rim."""
    for name, field in fields(made(form), (SIDE, SIDE)).items():
        if field.everything:
            continue
        for span in (field.rows, field.columns):
            at = np.arange(len(span.low)) * span.stride + span.start
            np.testing.assert_array_equal(np.clip(at, 0, SIDE), span.low, err_msg=name)
            np.testing.assert_array_equal(np.clip(at + span.size, 0, SIDE), span.high, err_msg=name)


@pytest.mark.parametrize("form", ["sequential", "functional"])
def test_gradients_are_nowhere_outside_of_the_field(form: str) -> None:
    keras.utils.set_random_seed(0)
    model = made(form)
    known = {name: field for name, field in fields(model, (SIDE, SIDE)).items() if not field.everything}
    function = function_of(flatten(model, logits=False), list(known))
    pixels = tf.constant(np.random.default_rng(0).uniform(0, 1, (1, SIDE, SIDE, model.input_shape[3])), tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(pixels)
        middles = [tf.reduce_sum(values[0, values.shape[1] // 2, values.shape[2] // 2]) for values in function(pixels)]
    reached = 0  # a ReLU lets no gradient through where it gives 0, nor ReLU6 where 6: so pixels are small
    for (name, field), middle in zip(known.items(), middles, strict=True):
        support = np.abs(tape.gradient(middle, pixels).numpy())[0].sum(axis=2) > 0
        top, left, height, width = field.box(len(field.rows.low) // 2, len(field.columns.low) // 2)
        reached += support.any()
        support[top : top + height, left : left + width] = False
        assert not support.any(), name
    assert reached > len(known) / 2


def test_wrong_questions_are_sentences() -> None:
    model = made("sequential")
    with pytest.raises(ModelError, match="no layer 'pol'"):
        box(model, "pol")
    with pytest.raises(ModelError, match="no row 7: choose 0 to 6"):
        box(model, "pool", 7, 0)
    with pytest.raises(ModelError, match="takes images of 16 × 16, not 8 × 8"):
        fields(model, (8, 8))
    start = keras.Input((None, None, 3))
    any_size = keras.Model(start, layers.Dense(2)(layers.GlobalMaxPooling2D()(layers.Conv2D(3, 3, name="c")(start))))
    with pytest.raises(ModelError, match="any size: say which"):
        fields(any_size)
    assert fields(any_size, (10, 12))["c"].box(7, 9) == (7, 9, 3, 3)
    assert layer_rows(any_size, (10, 12))[0].shape == (8, 10, 3)
