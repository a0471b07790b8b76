"""Layers' outputs against plain Keras sub-models, their images against the tutorial's own loop."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from cnnviz.errors import ModelError
from cnnviz.explain.inspection.activations import (
    activations,
    dead,
    histogram,
    in_colours,
    mosaic,
    outputs_of,
    shades,
    statistics,
    strongest,
    tile_at,
)
from cnnviz.models.build.model import build
from cnnviz.models.graph.graph import flatten
from cnnviz.mosaics import channel_maps, colours, standardise
from cnnviz.overlay import COLOUR_MAPS
from cnnviz.presets import PRESETS
from cnnviz.progress import Cancelled
from tests.made_models import FORMS, made, pixels_for, references


@pytest.mark.parametrize("form", FORMS)
def test_every_layer_of_every_form_equals_plain_keras(form: str) -> None:
    model = made(form)
    pixels = pixels_for(model)
    wanted = references(model, pixels)
    found = activations(model, pixels, [layer.name for layer in flatten(model, logits=False).layers])
    assert set() < set(wanted) <= set(found)
    for name, values in wanted.items():
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], values[0], rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("preset", ["A", "B1", "B2", "C1", "C2", "D1", "D2", "D3", "E1"])
def test_every_layer_of_the_presets_equals_plain_keras(preset: str) -> None:
    model = build(PRESETS[preset])
    pixels = pixels_for(model)
    wanted = references(model, pixels)
    found = activations(model, pixels, wanted)
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values[0], rtol=1e-4, atol=1e-5, err_msg=name)


def test_several_images_and_the_last_activation() -> None:
    model = made("heads")
    pixels = pixels_for(model, 3)
    found = outputs_of(model, pixels, ["b", "a"])
    for values, wanted in zip((found["a"], found["b"]), model(pixels, training=False), strict=True):
        np.testing.assert_allclose(values, wanted, atol=1e-6)
    logits = flatten(model).model(pixels)
    np.testing.assert_allclose(found["b"], 1 / (1 + np.exp(-logits[1].numpy())), atol=1e-6)


def test_what_a_layer_does_not_need_is_not_computed_and_functions_are_kept() -> None:
    model = made("sequential")
    graph = flatten(model, logits=False)
    assert graph is flatten(model, logits=False)
    before = [weight.numpy() for weight in model.weights]
    activations(model, pixels_for(model), ["pool"])
    kept = [key for key in graph._kept if key[0] == "outputs"]
    assert len(kept) == 1
    operations = {one.type for one in graph._kept[kept[0]].get_concrete_function().graph.get_operations()}
    assert "Conv2D" in operations
    assert not operations & {"MatMul", "Softmax"}
    activations(model, pixels_for(model, seed=1), ["pool"])
    assert [key for key in graph._kept if key[0] == "outputs"] == kept
    for weight, was in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), was)


def test_wrong_layers_and_pixels_are_sentences() -> None:
    model = made("grey")
    with pytest.raises(ModelError, match=r"no layer 'frist': choose one of .*did you mean 'first'"):
        activations(model, pixels_for(model), ["frist"])
    with pytest.raises(ModelError, match=r"\(1, 16, 16, 3\): expected \(n, 16, 16, 1\)"):
        activations(model, np.zeros((1, 16, 16, 3), np.float32), ["first"])
    with pytest.raises(ModelError, match="2 images: expected one"):
        activations(model, pixels_for(model, 2), ["first"])


VALUES = np.random.default_rng(1).normal(3, 2, (9, 7, 21)).astype(np.float32)


def tutorial(values: np.ndarray) -> np.ndarray:
    """The tutorial's loop, word for word but for the copy."""
    grey = np.empty(values.shape, np.uint8)
    for index in range(values.shape[-1]):
        channel_image = values[:, :, index].copy()
        channel_image -= channel_image.mean()
        channel_image /= channel_image.std()
        channel_image *= 64
        channel_image += 128
        grey[..., index] = np.clip(channel_image, 0, 255).astype("uint8")
    return grey


def test_channels_are_standardised_as_in_the_tutorial() -> None:
    relu = np.maximum(VALUES - 3, 0)
    for values in (VALUES, relu, relu * 1e-6, relu + 1e4):
        off = np.abs(standardise(values).astype(int) - tutorial(values))
        assert off.max() <= (1 if values.max() < 1e3 else 2)  # float32 next to 10,000 has steps of a thousandth
        assert np.mean(off > 0) < (0.002 if values.max() < 1e3 else 0.2)


def test_constant_channels_are_black_and_others_untouched() -> None:
    values = VALUES.copy()
    values[..., 4], values[..., 5] = 0, 0.1
    found = standardise(values)
    assert not found[..., 4:6].any()
    np.testing.assert_array_equal(found[..., 6:], standardise(VALUES)[..., 6:])


SIGNED = np.array([[[0.0, 2.0, 0.0], [1.0, -4.0, 0.0]]], np.float32)


def test_channels_go_from_zero_to_their_own_or_the_layers_greatest_size() -> None:
    each, one = shades(SIGNED, "each"), shades(SIGNED, "one")
    np.testing.assert_array_equal(each.levels, [[[0, 128, 0], [255, -255, 0]]])
    np.testing.assert_array_equal(one.levels, [[[0, 128, 0], [64, -255, 0]]])
    assert (each.low.tolist(), each.high.tolist()) == ([0, -4, 0], [1, 4, 0])
    assert (one.low.tolist(), one.high.tolist()) == ([0, -4, 0], [4, 4, 4])
    np.testing.assert_array_equal(shades(np.array([2.0, -1.0]), "each").levels, [255, -128])  # one position: one scale
    with pytest.raises(ModelError, match=r"no scale 'on': choose one of .*did you mean 'one'"):
        shades(SIGNED, "on")


def test_standardised_channels_say_where_their_colours_end() -> None:
    made = shades(VALUES, "standardised")
    np.testing.assert_array_equal(made.levels, standardise(VALUES))
    assert not made.from_zero
    np.testing.assert_allclose((made.low + made.high) / 2, VALUES.mean(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(made.high - made.low, 4 * VALUES.std(axis=(0, 1)), rtol=1e-5)


def tutorial_grid(grey: np.ndarray, columns: int) -> np.ndarray:
    height, width, count = grey.shape
    grid = np.zeros((height * (count // columns), columns * width), np.uint8)
    for row in range(count // columns):
        for column in range(columns):
            tile = grey[:, :, row * columns + column]
            grid[row * height : (row + 1) * height, column * width : (column + 1) * width] = tile
    return grid


def test_a_mosaic_without_margin_is_the_tutorials_grid() -> None:
    grey = standardise(np.concatenate([VALUES, VALUES[..., :11]], axis=2))
    np.testing.assert_array_equal(mosaic(grey, margin=0), tutorial_grid(grey, 16))


def test_a_mosaic_keeps_the_order_and_every_pixel_knows_its_tile() -> None:
    grey, order = standardise(VALUES), np.random.default_rng(2).permutation(21)[:19]
    image = mosaic(grey, order, columns=4, margin=2, background=9)
    assert image.shape == (5 * 9 + 4 * 2, 4 * 7 + 3 * 2)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            tile = tile_at(y, x, (9, 7), 19, 4, 2)
            wanted = 9 if tile is None else grey[y % 11, x % 9, order[tile]]
            assert image[y, x] == wanted
    assert tile_at(0, 40, (9, 7), 19, 4, 2) is None
    assert tile_at(-1, 0, (9, 7), 19, 4, 2) is None


def test_fewer_channels_than_columns() -> None:
    image = mosaic(np.full((2, 3, 2), 7, np.uint8), columns=4, margin=1)
    np.testing.assert_array_equal(image[0], [7, 7, 7, 0, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0])


def test_statistics_by_hand() -> None:
    values = np.array([[[0, -1, 0.5], [0, 0, 1.5]], [[0, -3, 0], [0, -4, 2]]], np.float32)
    found = statistics(values)
    np.testing.assert_allclose(found.strength, [0, -2, 1])
    np.testing.assert_allclose(found.sparsity, [1, 0.25, 0.25])
    np.testing.assert_array_equal(found.silent, [True, True, False])
    np.testing.assert_array_equal(found.low, [0, -4, 0])
    np.testing.assert_array_equal(strongest(values), [2, 0, 1])
    np.testing.assert_allclose(statistics(np.array([0.0, 3.0])).strength, [0, 3])


def test_a_histogram_counts_every_value_once() -> None:
    counts, edges = histogram(VALUES, 30)
    assert counts.sum() == VALUES.size
    assert (edges[0], edges[-1], len(edges)) == (VALUES.min(), VALUES.max(), 31)
    assert histogram(np.zeros((3, 3)))[0].sum() == 9


def test_dead_channels_are_dead_in_all_images() -> None:
    conv = keras.layers.Conv2D(3, 1, activation="relu", name="conv")
    model = keras.Sequential([keras.Input((4, 4, 1)), conv, keras.layers.Flatten(), keras.layers.Dense(2)])
    model.get_layer("conv").set_weights([np.array([1.0, -1, 1]).reshape(1, 1, 1, 3), np.array([0.0, 0, -100])])
    pixels = np.full((70, 4, 4, 1), 50, np.float32)
    pixels[69] = 101
    said: list[tuple[str, int, int]] = []
    found = dead(model, pixels, ["conv"], progress=lambda *count: said.append(count))
    assert found["conv"].tolist() == [False, True, False]
    assert dead(model, pixels[:69], ["conv"])["conv"].tolist() == [False, True, True]
    assert said == [("Looking for dead channels", done, 70) for done in (32, 64, 70)]
    with pytest.raises(Cancelled):
        dead(model, pixels, ["conv"], cancelled=lambda: True)


def test_rows_are_maps_of_one_place() -> None:
    assert channel_maps(np.zeros(5)).shape == (1, 1, 5)
    assert channel_maps(np.zeros((28, 64))).shape == (28, 1, 64)
    with pytest.raises(ModelError, match="can't be drawn"):
        channel_maps(np.zeros((2, 2, 2, 2)))


def test_colours_are_the_maps_ends_and_unknown_ones_are_told() -> None:
    drawn = in_colours(np.array([[0, 255]], np.uint8))
    np.testing.assert_allclose(drawn[0], [[68, 1, 84], [253, 231, 37]], atol=2)  # viridis from dark to light
    with pytest.raises(ModelError, match=r"'virids': choose one of .*did you mean 'viridis'"):
        in_colours(np.zeros((1, 1), np.uint8), "virids")


@pytest.mark.parametrize("colour_map", COLOUR_MAPS)
def test_values_below_zero_have_colours_that_none_above_has(colour_map: str) -> None:
    table = colours(colour_map).astype(int)
    assert table.shape == (511, 3)
    below, above = table[:255], table[255:]
    far = np.abs(below[:, None] - above[None]).sum(axis=2).min(axis=1)
    assert (far[:190] > 60).all()  # from a quarter of the greatest size on
    assert np.abs(np.diff(table, axis=0)).max() < 16  # no step between the two at 0
