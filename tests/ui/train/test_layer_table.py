from __future__ import annotations

import pytest

from cnnviz.model_spec import LAYER_TYPES, ModelSpec
from cnnviz.presets import PRESETS
from cnnviz.recipe import parse
from cnnviz.ui.train.layer_table import rows_after_edits, to_layers, to_rows


def layers(preset: str) -> list[dict]:
    return PRESETS[preset].model_dump(mode="json")["network"]["layers"]


@pytest.mark.parametrize("preset", PRESETS)
def test_rows_and_back_are_the_same_layers(preset: str) -> None:
    assert to_layers(to_rows(layers(preset))) == layers(preset)


@pytest.mark.parametrize("kind", LAYER_TYPES)
def test_a_new_row_of_any_type_is_a_valid_layer(kind: str) -> None:
    (layer,) = to_layers([{"type": kind}])
    parse({"layers": [layer], "heads": [{"units": 2}]}, ModelSpec)


def test_a_bias_that_was_switched_off_stays_off() -> None:
    conv = {**layers("Q")[0], "use_bias": False}
    assert to_layers(to_rows([conv])) == [conv]


def test_rows_without_a_type_or_of_an_unknown_one_are_left_out() -> None:
    assert to_layers([{"type": None}, {"type": "Nonsense", "size": 3}, {"size": 3}]) == []


def test_another_type_takes_its_own_settings_but_keeps_its_size() -> None:
    rows = to_rows([{"type": "Dropout", "rate": 0.3}, layers("D2")[0]])
    made = to_layers(rows_after_edits(rows, {"edited_rows": {0: {"type": "BatchNormalization"}, 1: {"type": "Dense"}}}))
    assert made[0] == to_layers([{"type": "BatchNormalization"}])[0]
    assert made[1] == {"type": "Dense", "units": 32, "activation": "relu"}
    again = to_layers(rows_after_edits(rows, {"edited_rows": {0: {"type": "MaxPooling2D", "window": 3}}}))
    assert (again[0]["pool_size"], again[0]["strides"]) == (3, None)


def numbers(rows: list[dict]) -> list[int]:
    return [row["size"] for row in rows]


ROWS = [{"no": n, "type": "Dense", "size": n * 10} for n in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("changes", "sizes"),
    [
        ({}, [10, 20, 30, 40]),
        ({"edited_rows": {"1": {"size": 5}}}, [10, 5, 30, 40]),
        ({"edited_rows": {3: {"no": 2}}}, [10, 40, 20, 30]),
        ({"edited_rows": {0: {"no": 3}}}, [20, 30, 10, 40]),
        ({"edited_rows": {0: {"no": 99}}}, [20, 30, 40, 10]),
        ({"edited_rows": {0: {"no": None}}}, [10, 20, 30, 40]),
        ({"deleted_rows": [0, 2]}, [20, 40]),
        ({"added_rows": [{"type": "Dense", "size": 1}]}, [10, 20, 30, 40, 1]),
        ({"added_rows": [{"type": "Dense", "size": 1, "no": 1}]}, [1, 10, 20, 30, 40]),
        ({"added_rows": [{"type": "Dense", "size": 1}], "deleted_rows": [3]}, [10, 20, 30, 1]),
    ],
)
def test_changes_are_carried_out(changes: dict, sizes: list[int]) -> None:
    assert numbers(rows_after_edits(ROWS, changes)) == sizes
