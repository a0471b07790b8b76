"""Fields that can be searched, with ranges that suggest themselves: each is taken by the recipe it is of."""

from __future__ import annotations

import pytest

from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.search import Range, parse_space
from cnnviz.search.fields import fields_of
from cnnviz.search.space import contains, value_at


@pytest.mark.parametrize("name", PRESETS)
def test_every_suggestion_is_a_space_of_its_recipe(name: str) -> None:
    recipe = PRESETS[name]
    fields = fields_of(recipe)
    assert [field.key for field in fields[:2]] == ["fit.learning_rate", "fit.optimizer"]
    assert len({field.key for field in fields}) == len(fields)
    for field in fields:
        assert field.value == value_at(recipe, field.key)
        part = field.suggestion
        parse_space({field.key: part.model_dump() if isinstance(part, Range) else list(part)}, recipe)
        if isinstance(part, Range):
            assert contains(part, field.value) or field.value is None, field


def test_numbers_are_suggested_round_the_recipes_own() -> None:
    found = {field.key: field.suggestion for field in fields_of(PRESETS["Q"])}
    assert found["fit.learning_rate"] == Range(low=3e-4, high=3e-2, log=True)
    assert found["network.layers.0.filters"] == (16, 32, 64)
    assert found["network.layers.5.rate"] == Range(low=0.0, high=0.6)
    assert found["augmentation.steps.0.high"] == Range(low=0.0, high=16.0)
    assert found["augmentation.steps.0.low"] == Range(low=-16.0, high=0.0)
    assert found["fit.optimizer"] == ("adam", "adamw", "rmsprop", "sgd")
    assert found["fit.epochs"] == Range(low=6, high=24)
    assert not {"seed", "name", "fit.monitor", "data.dataset", "network.heads.0.units"} & found.keys()


def test_choices_that_this_recipe_does_not_take_are_left_out() -> None:
    small = replace(PRESETS["Q"], {"data.image_size": 4, "network.layers.4.pool_size": 4})
    found = {field.key: field.suggestion for field in fields_of(small)}
    assert found["network.layers.4.pool_size"] == (1, 2, 3, 4)
    assert 7 not in found.get("data.image_size", ())
