"""Model records: short names, defaults and what a head may be."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from cnnviz.errors import RecipeError
from cnnviz.model_spec import ACTIVATIONS, LAYER_TYPES, Head, ModelSpec
from cnnviz.recipe import parse

FLAT = [{"type": "Flatten"}]
HEADS = [{"units": 2}]


@pytest.mark.parametrize("kind", LAYER_TYPES)
def test_every_layer_comes_back_from_its_json(kind: str) -> None:
    needed = {"Conv2D": {"filters": 4}, "Dense": {"units": 4}, "Reshape": {"target_shape": [4, 4]}}
    spec = parse({"layers": [{"type": kind, **needed.get(kind, {})}], "heads": HEADS}, ModelSpec)
    assert type(spec.layers[0]) is LAYER_TYPES[kind]
    assert spec.layers[0].type == kind
    assert parse(spec.model_dump_json(), ModelSpec) == spec


def test_layers_and_their_list_name_the_same_types() -> None:
    mapping = TypeAdapter(ModelSpec).json_schema()["properties"]["layers"]["items"]["discriminator"]["mapping"]
    assert set(mapping) == set(LAYER_TYPES)


def test_a_pooling_moves_by_its_window_unless_told() -> None:
    spec = parse(
        {"layers": [{"type": "MaxPool", "pool_size": 3}, {"type": "AvgPool", "strides": 1}], "heads": HEADS}, ModelSpec
    )
    assert [(layer.pool_size, layer.strides) for layer in spec.layers] == [(3, None), (2, 1)]


@pytest.mark.parametrize(
    ("units", "activation", "classes"), [(1, "sigmoid", 2), (1, "logits", 2), (2, "softmax", 2), (7, "logits", 7)]
)
def test_one_unit_tells_two_classes_apart(units: int, activation: str, classes: int) -> None:
    assert Head(units=units, activation=activation).classes == classes


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"type": "Conv2D", "filters": 0}, r"layers\.0\.filters is 0: it should be greater than or equal to 1"),
        (
            {"type": "Conv2D", "filters": 4, "kernel_size": 33},
            r"layers\.0\.kernel_size is 33: .* less than or equal to 32",
        ),
        (
            {"type": "Conv2D", "filters": 4, "padding": "full"},
            r"layers\.0\.padding is 'full': choose one of valid, same",
        ),
        (
            {"type": "Dense", "units": 4, "activation": "rleu"},
            r"layers\.0\.activation is 'rleu': .*did you mean 'relu'\?",
        ),
        ({"type": "Dropout", "rate": 1}, r"layers\.0\.rate is 1: it should be less than 1"),
        ({"type": "Dropout", "rate": float("nan")}, r"layers\.0\.rate is nan: it should be a finite number"),
        (
            {"type": "Reshape", "target_shape": []},
            r"layers\.0\.target_shape is \[\]: tuple should have at least 1 item",
        ),
        ({"type": "Reshape", "target_shape": [4, True]}, r"layers\.0\.target_shape\.1 is True: it should be a number"),
        ({"type": "Lambda"}, r"layers\.0\.type is 'Lambda': choose one of Conv2D"),
    ],
)
def test_a_bad_layer_is_refused(layer: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        parse({"layers": [layer, *FLAT], "heads": HEADS}, ModelSpec)


def test_a_model_has_its_limits() -> None:
    with pytest.raises(RecipeError, match=r"layers is .*: tuple should have at most 200 items"):
        parse({"layers": FLAT * 201, "heads": HEADS}, ModelSpec)
    with pytest.raises(RecipeError, match=r"heads is .*: tuple should have at most 40 items"):
        parse({"layers": FLAT, "heads": [{"name": f"h{n}", "units": 2} for n in range(41)]}, ModelSpec)


def test_softmax_is_for_heads_only() -> None:
    assert "softmax" not in ACTIVATIONS
