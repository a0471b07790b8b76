"""Layers lose their weights on a copy, from the top down, and maps are compared with the original."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from scipy.stats import spearmanr

from cnnviz.errors import ModelError
from cnnviz.explain import Cancelled, Target, explain
from cnnviz.explain.metrics.parameter_randomization import (
    clone,
    randomize_parameters,
    rank_correlation,
    structure,
    weighted_layers,
)
from tests.model_forms import FORMS, images, made

IMAGE = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3)).astype(np.float32)


@pytest.fixture
def model() -> keras.Model:
    """A nested model of two heads, one of which has a layer more."""
    keras.utils.set_random_seed(0)
    inner = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(4, 3, padding="same", name="low"),
            layers.BatchNormalization(name="norm"),
        ],
        name="inner",
    )
    pixels = keras.Input((16, 16, 3))
    values = layers.Conv2D(6, 3, padding="same", activation="relu", name="high")(inner(pixels))
    values = layers.Flatten()(layers.MaxPooling2D(4)(values))
    first = layers.Dense(3, activation="softmax", name="first")(values)
    second = layers.Dense(1, activation="sigmoid", name="second")(layers.Dense(5, name="extra")(values))
    return keras.Model(pixels, [first, second])


def grad_cam(model: keras.Model) -> np.ndarray:
    return explain(model, IMAGE, method="grad-cam", target=Target(0, 1)).map[0]


def low(model: keras.Model) -> np.ndarray:
    """A map that ignores all but the first convolution."""
    return np.abs(model.get_layer("inner").get_layer("low")(IMAGE).numpy()[0]).sum(axis=-1)


def test_layers_stand_from_the_top_down_without_those_of_other_heads(model: keras.Model) -> None:
    assert [name for name, _ in weighted_layers(model, 0)] == ["first", "high", "inner/low"]
    assert [name for name, _ in weighted_layers(model, 1)] == ["second", "extra", "high", "inner/low"]
    assert [len(own) for _, own in weighted_layers(model, 0)] == [
        2,
        2,
        6,
    ]  # the normalisation goes with the convolution


def test_a_normalisation_without_a_layer_below_stands_for_itself_and_shared_weights_come_once() -> None:
    pixels = keras.Input((8, 8, 3))
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    values = shared(shared(layers.BatchNormalization(name="first")(pixels)))
    small_model = keras.Model(pixels, layers.Dense(2, name="last")(layers.GlobalAveragePooling2D()(values)))
    assert [(name, len(own)) for name, own in weighted_layers(small_model)] == [
        ("last", 2),
        ("shared:2", 2),
        ("first", 4),
    ]


def test_the_model_is_left_as_it_was(model: keras.Model) -> None:
    before, predictions = [one.copy() for one in model.get_weights()], [one.numpy() for one in model(IMAGE)]
    found = randomize_parameters(model, grad_cam, draws=2)
    assert len(found.stages) == 3
    for one, after in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, after)
    for one, after in zip(predictions, model(IMAGE), strict=True):
        np.testing.assert_array_equal(one, after)


def test_a_copy_answers_alike_and_shares_nothing(model: keras.Model) -> None:
    twin = clone(model)
    for one, other in zip(model(IMAGE), twin(IMAGE), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert not {id(one) for one in model.weights} & {id(one) for one in twin.weights}


def test_a_map_that_ignores_the_top_layers_stays_until_its_own_layer_is_randomized(model: keras.Model) -> None:
    found = randomize_parameters(model, low, draws=3)
    assert [stage.layers for stage in found.stages] == [("first",), ("high",), ("inner/low",)]
    for stage in found.stages[:2]:
        assert stage.correlations == pytest.approx((1, 1, 1))
        assert stage.structures == pytest.approx((1, 1, 1))
        np.testing.assert_allclose(stage.map, found.original)
    assert found.stages[2].correlation < 0.98
    assert (found.wanted, found.ended) == (3, "")


def test_a_map_of_the_top_layers_weights_falls_at_once(model: keras.Model) -> None:
    found = randomize_parameters(model, lambda twin: twin.get_layer("first").kernel.numpy().reshape(12, 24), draws=3)
    assert max(abs(one) for one in found.stages[0].correlations) < 0.5
    np.testing.assert_array_equal(np.sort(found.stages[0].map.ravel()), np.sort(found.original.ravel()))


def test_values_change_their_places_only_and_the_cascade_keeps_what_is_randomized_already(model: keras.Model) -> None:
    seen = []

    def note(twin: keras.Model) -> np.ndarray:
        seen.append(
            {name: [keras.ops.convert_to_numpy(one).copy() for one in own] for name, own in weighted_layers(twin, 0)}
        )
        return low(twin)

    randomize_parameters(model, note, draws=1)
    original, *stages = seen
    for name in original:
        for one, other in zip(original[name], stages[-1][name], strict=True):
            np.testing.assert_array_equal(np.sort(one.ravel()), np.sort(other.ravel()))
    assert not np.array_equal(original["first"][0], stages[0]["first"][0])
    np.testing.assert_array_equal(original["high"][0], stages[0]["high"][0])
    np.testing.assert_array_equal(stages[0]["first"][0], stages[2]["first"][0])


def test_draws_differ_and_a_seed_repeats_them(model: keras.Model) -> None:
    one, other, third = (randomize_parameters(model, grad_cam, draws=2, seed=seed) for seed in (0, 0, 1))
    assert [stage.correlations for stage in one.stages] == [stage.correlations for stage in other.stages]
    assert [stage.correlations for stage in one.stages] != [stage.correlations for stage in third.stages]
    assert one.stages[0].correlations[0] != one.stages[0].correlations[1]
    np.testing.assert_allclose(one.original, grad_cam(model), rtol=1e-5, atol=1e-7)


def test_what_is_done_by_then_is_returned(model: keras.Model) -> None:
    found = randomize_parameters(model, low, budget=-1)
    assert ([len(stage.correlations) for stage in found.stages], found.wanted, found.ended) == ([1], 3, "time")
    said = []
    found = randomize_parameters(
        model, low, draws=2, progress=lambda *now: said.append(now[1:]), cancelled=lambda: len(said) == 5
    )
    assert ([len(stage.correlations) for stage in found.stages], found.ended) == ([2, 2, 1], "stop")
    assert said[-1] == (4, 6)


def test_a_map_that_is_broken_off_leaves_what_was_done(model: keras.Model) -> None:
    calls = []

    def breaks(twin: keras.Model, after: int) -> np.ndarray:
        calls.append(1)
        if len(calls) > after:
            raise Cancelled
        return low(twin)

    found = randomize_parameters(model, partial(breaks, after=3))
    assert ([len(stage.correlations) for stage in found.stages], found.ended) == ([1, 1], "stop")
    with pytest.raises(Cancelled):
        randomize_parameters(model, partial(breaks, after=4))


def test_neighbours_are_taken_together_in_deep_models() -> None:
    deep = keras.Sequential(
        [keras.Input((4, 4, 1)), *(layers.Conv2D(1, 1) for _ in range(29)), layers.Flatten(), layers.Dense(2)]
    )
    found = randomize_parameters(deep, lambda twin: twin.layers[0].kernel.numpy()[0, 0] + np.eye(3), draws=1)
    assert len(found.stages) == 12
    assert {len(stage.layers) for stage in found.stages} == {2, 3}
    assert sum(len(stage.layers) for stage in found.stages) == 30


def test_an_empty_map_is_a_sentence(model: keras.Model) -> None:
    with pytest.raises(ModelError, match="same everywhere"):
        randomize_parameters(model, lambda twin: np.zeros((4, 4)))


def test_rank_correlation_is_spearmans() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random((5, 6)).round(1), rng.random((5, 6)).round(1)
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one.ravel(), other.ravel()).statistic)
    assert rank_correlation(one, one**3) == pytest.approx(1)
    assert rank_correlation(np.array([[1, 2, 3]]), np.array([[30, 20, 10]])) == pytest.approx(-1)
    # ranks 1 2 3 4 and 2 1 3 4: 1 − 6·2 / (4·15)
    assert rank_correlation(np.array([[1, 2], [3, 4]]), np.array([[2, 1], [3, 4]])) == pytest.approx(0.8)
    assert rank_correlation(one, np.zeros((5, 6))) == 0


def test_structure_is_of_scaled_maps_of_any_size() -> None:
    one = np.random.default_rng(0).random((3, 3)).astype(np.float32)
    assert structure(one, 5 * one) == pytest.approx(1)
    assert structure(one, one[::-1]) < 0.8
    assert structure(one, np.zeros((3, 3), np.float32)) < 0.5
    assert structure(np.ones((100, 80)), np.ones((100, 80))) == pytest.approx(1)


@pytest.mark.parametrize("method", ["eigen-cam", "gradient", "layer-cam"])
def test_methods_run_on_the_copy(model: keras.Model, method: str) -> None:
    def map_of(model: keras.Model, target: Target) -> np.ndarray:
        return explain(model, IMAGE, method=method, target=target).map[0]

    found = randomize_parameters(model, partial(map_of, target=Target(1, 1)), head=1, draws=1)
    assert len(found.stages) == 4
    if method == "eigen-cam":  # of the layer `high`: what is above it can't matter
        assert [stage.correlation for stage in found.stages[:2]] == pytest.approx([1, 1])


@pytest.mark.parametrize("form", FORMS)
def test_models_of_every_form_can_be_randomized_and_stay_as_they_were(form: str, tmp_path: Path) -> None:
    small_model = made(form, tmp_path)
    given = images(small_model, 1)
    before = [one.copy() for one in small_model.get_weights()]
    predictions = [np.array(one) for one in keras.tree.flatten(small_model(given, training=False))]
    [original] = explain(small_model, given, method="hires-cam", target=Target(0, 1)).map

    def map_of(twin: keras.Model) -> np.ndarray:
        return explain(twin, given, method="hires-cam", target=Target(0, 1)).map[0]

    found = randomize_parameters(small_model, map_of, draws=1)
    np.testing.assert_allclose(found.original, original, rtol=1e-4, atol=1e-6)
    assert len(found.stages) == len(weighted_layers(small_model)) > 1
    for one, after in zip(before, small_model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, after)
    for one, after in zip(predictions, keras.tree.flatten(small_model(given, training=False)), strict=True):
        np.testing.assert_array_equal(one, after)
