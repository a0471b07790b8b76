"""Receptive fields against brute force: which pixels change this output? Costs against arithmetic and Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from cnnviz.architecture import describe
from cnnviz.errors import ModelError
from cnnviz.explain.inspection.activations import function_of
from cnnviz.explain.inspection.receptive_field import box, fields, layer_rows
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
