"""The arithmetic of shapes and parameters, held equal to Keras's own layer by layer."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from cnnviz.architecture import Row, describe
from cnnviz.backbones import layers
from cnnviz.errors import RecipeError
from cnnviz.model_spec import (
    ACTIVATIONS,
    Activate,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Head,
    MaxPooling2D,
    ModelSpec,
    Reshape,
)
from cnnviz.presets import PRESETS
from cnnviz.recipe import Data, Recipe, replace


def of_keras(recipe: Recipe) -> list[tuple]:
    """What Keras says of the model it builds: (name, type, output shape, parameters, trainable) of each layer."""
    import keras

    from cnnviz.models.build.model import build

    def count(weights: list) -> int:
        return sum(math.prod(weight.shape) for weight in weights)

    rows = [
        (layer.name, type(layer).__name__, layer.output.shape[1:], layer.count_params(), count(layer.trainable_weights))
        for layer in build(recipe).layers
        if not isinstance(layer, keras.layers.InputLayer)
    ]
    return as_one(rows, recipe.network.backbone.name) if recipe.network.backbone else rows


def as_one(rows: list[tuple], name: str) -> list[tuple]:
    """A backbone's rows, and its scaling's, as the one that the arithmetic has."""
    end = [row[0] for row in rows].index(layers(name)[-1].name) + 1
    sums = (sum(row[at] for row in rows[:end]) for at in (3, 4))
    return [(name.lower(), name, rows[end - 1][2], *sums), *rows[end:]]


def of_ours(recipe: Recipe) -> list[tuple]:
    """The same of the arithmetic."""
    rows = describe(recipe.network, recipe.data.input_shape)
    return [(row.name, row.type, row.output_shape, row.parameters, row.trainable) for row in rows]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_described_as_keras_describes_it(name: str) -> None:
    assert of_ours(PRESETS[name]) == of_keras(PRESETS[name])


small, padding, activation = st.integers(1, 4), st.sampled_from(["valid", "same"]), st.sampled_from(ACTIVATIONS)
images = st.one_of(
    st.builds(
        Conv2D,
        filters=small,
        kernel_size=small,
        strides=small,
        padding=padding,
        activation=activation,
        use_bias=st.booleans(),
    ),
    st.builds(MaxPooling2D, pool_size=small, strides=st.none() | small, padding=padding),
    st.builds(AveragePooling2D, pool_size=small, strides=st.none() | small, padding=padding),
)
anywhere = st.one_of(
    st.builds(Dropout, rate=st.floats(0, 0.9)),
    st.builds(BatchNormalization),
    st.builds(Activate, activation=activation),
    st.builds(Dense, units=small, activation=activation),
)
ends = st.one_of(st.builds(Flatten), st.builds(GlobalAveragePooling2D))
heads = st.lists(
    st.builds(Head, name=st.sampled_from("abc"), units=st.integers(2, 5)),
    min_size=1,
    max_size=3,
    unique_by=lambda h: h.name,
)
specs = st.builds(
    lambda scaling, body, end, tail, heads: ModelSpec(scaling=scaling, layers=(*body, end, *tail), heads=tuple(heads)),
    st.sampled_from(["none", "unit", "symmetric"]),
    st.lists(images | anywhere, max_size=5),
    ends,
    st.lists(anywhere, max_size=2),
    heads,
)
sizes = st.tuples(st.integers(4, 17), st.integers(4, 17))


@settings(max_examples=60, deadline=None)
@given(network=specs, size=sizes, channels=st.sampled_from([1, 3]))
@example(
    network=ModelSpec(layers=(Reshape(target_shape=(4, 12)), Dense(units=3), Flatten()), heads=(Head(units=2),)),
    size=(4, 4),
    channels=3,
)
def test_random_models_are_described_as_keras_describes_them(network: ModelSpec, size: tuple, channels: int) -> None:
    try:
        describe(network, (*size, channels))
    except ValueError:
        assume(False)
    recipe = Recipe(data=Data(dataset="any", image_size=size, channels=channels), network=network)
    assert of_ours(recipe) == of_keras(recipe)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 6), f=st.integers(1, 9), s=st.integers(1, 4))
def test_a_window_is_refused_where_it_does_not_fit(n: int, f: int, s: int) -> None:
    spec = ModelSpec(
        layers=(Conv2D(filters=1, kernel_size=f, strides=s), GlobalAveragePooling2D()), heads=(Head(units=2),)
    )
    if n < f:
        with pytest.raises(ValueError, match=f"conv2d has a {f}×{f} window but gets only {n}×{n} pixels"):
            describe(spec, (n, n, 1))
    else:
        rows = describe(spec, (n, n, 1))
        assert rows[1].output_shape == (len(range(0, n - f + 1, s)),) * 2 + (1,)


def row(layer: object, shape: tuple[int, ...]) -> Row:
    """The row of one layer that gets `shape`."""
    end = Flatten()
    return describe(ModelSpec(scaling="none", layers=(layer, end), heads=(Head(units=2),)), shape)[0]


def test_the_formulas_carry_the_layers_numbers() -> None:
    conv = row(Conv2D(filters=64), (31, 31, 32))
    assert conv.output_shape == (29, 29, 64)
    assert conv.parameters == conv.trainable == 18_496
    assert conv.formula == (
        "out = ⌊(n + 2p − f)/s⌋ + 1 = ⌊(31 + 0 − 3)/1⌋ + 1 = 29; "
        "params = (f·f·c_in + 1)·filters = (3·3·32 + 1)·64 = 18,496"
    )
    same = row(Conv2D(filters=2, padding="same", strides=2, use_bias=False), (5, 7, 3))
    assert (same.output_shape, same.parameters) == ((3, 4, 2), 54)
    assert "⌈5/2⌉ = 3" in same.formula
    assert "(3·3·3)·2 = 54" in same.formula
    assert row(Dense(units=64), (8, 8, 64)).formula == "params = (n_in + 1)·units = (64 + 1)·64 = 4,160"
    assert row(BatchNormalization(), (8, 8, 5)) == Row(
        "batch_normalization", "BatchNormalization", (8, 8, 5), 20, 10, 0, row(BatchNormalization(), (8, 8, 5)).formula
    )


def test_multiplications_are_counted_for_one_image() -> None:
    assert row(Conv2D(filters=8), (10, 12, 3)).macs == 8 * 10 * 8 * 27
    assert row(Dense(units=16), (4, 4, 3)).macs == 4 * 4 * 3 * 16
    assert row(MaxPooling2D(), (8, 8, 3)).macs == 0


def test_names_count_up_as_keras_does() -> None:
    names = [r.name for r in describe(PRESETS["B2"].network, (72, 59, 3))]
    assert names[:6] == ["rescaling", "conv2d", "max_pooling2d", "conv2d_1", "max_pooling2d_1", "conv2d_2"]
    assert names[-2:] == ["Male", "Smiling"]


@pytest.mark.parametrize("name", ["dense", "pixels", "rescaling", "conv2d_1"])
def test_a_head_cannot_have_a_layers_name(name: str) -> None:
    with pytest.raises(RecipeError, match=f"Head '{name}' has the name of a layer: give it another"):
        replace(PRESETS["Q"], {"network.heads.0.name": name})


def test_huge_models_are_refused_before_they_are_built() -> None:
    wide = ModelSpec(layers=(Flatten(), Dense(units=65_536), Dense(units=65_536)), heads=(Head(units=2),))
    with pytest.raises(
        ValueError, match=r"has 4,\d{3},\d{3},\d{3} parameters; at most 200,000,000 can be trained here"
    ):
        describe(wide, (8, 8, 1))
