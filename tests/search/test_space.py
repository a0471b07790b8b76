"""What a search may change: read from JSON, tried on the recipe, drawn by Optuna, turned back into settings."""

from __future__ import annotations

import json

import optuna
import pytest

from cnnviz.errors import RecipeError
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.search import Range, SearchSpec, parse_space, parse_spec
from cnnviz.search.space import EXAMPLE, contains, present_parameters, settings_of, suggest

Q = PRESETS["Q"]


def test_ranges_and_choices_are_read_and_whole_numbers_told_from_others() -> None:
    space = parse_space(
        '{"fit.learning_rate": {"low": 1e-4, "high": 1e-2, "log": true}, "fit.optimizer": ["adam", "sgd"],'
        ' "network.layers.0.filters": {"low": 8, "high": 32, "step": 8},'
        ' "network.layers.5.rate": {"low": 0, "high": 0.5}}',
        Q,
    )
    assert space["fit.learning_rate"] == Range(low=1e-4, high=1e-2, log=True)
    assert space["fit.optimizer"] == ("adam", "sgd")
    assert space["network.layers.0.filters"].whole
    assert not space["network.layers.5.rate"].whole  # 0 is written without a point, but a share is no whole number
    assert parse_space(json.loads(EXAMPLE), Q).keys() == {"fit.learning_rate", "fit.optimizer"}


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ("[", "The space is not JSON"),
        ("[]", r"The space is \[\]; expected a JSON object such as"),
        ("{}", r"The space is {}; expected a JSON object such as"),
        ('{"fit.lr": [1, 2]}', r"no key 'fit.lr': choose one of optimizer, learning_rate"),
        ('{"fits.lr": [1, 2]}', r"no key 'fits': choose one of name, data.*did you mean 'fit'"),
        ('{"network.layers.99.filters": [1, 2]}', "network.layers has 9 items, counted from 0"),
        ('{"network.layers.2.rate": [0.1, 0.2]}', "The recipe has no key 'network.layers.2.rate'"),
        ('{"fit.optimizer": ["adam", "adm"]}', r"fit.optimizer is 'adm': choose one of .*did you mean 'adam'"),
        ('{"fit.optimizer": ["adam"]}', "fit.optimizer has 1 choices: give 2 to 100"),
        ('{"fit.optimizer": ["adam", "adam"]}', 'has the choice "adam" twice'),
        ('{"fit.optimizer": {"low": 1, "high": 2}}', "fit.optimizer is 1"),
        ('{"fit.learning_rate": {"low": 0.01, "high": 0.001}}', r"empty range 0.01 to 0.001: low must be below high"),
        ('{"fit.learning_rate": {"low": 0.01, "high": 0.01}}', "empty range"),
        ('{"fit.learning_rate": {"low": 0.01}}', "fit.learning_rate: The range lacks 'high'"),
        ('{"fit.learning_rate": {"low": 0.01, "high": 1, "lgo": true}}', "The range has no key 'lgo'"),
        ('{"fit.learning_rate": {"low": 1e-4, "high": 100}}', "fit.learning_rate is 100"),
        ('{"fit.learning_rate": {"low": 1e-4, "high": 1e999}}', "high is inf"),
        ('{"fit.weight_decay": {"low": 0, "high": 0.1, "log": true}}', "low must be above 0 then"),
        ('{"fit.learning_rate": {"low": 0.1, "high": 0.2, "log": true, "step": 0.1}}', "has log and step"),
        ('{"fit.learning_rate": {"low": 0.1, "high": 0.2, "step": 0.5}}', "has the step 0.5: choose one above 0"),
        ('{"fit.learning_rate": {"low": 0.1, "high": 0.2, "step": -0.5}}', "has the step -0.5"),
        ('{"fit.batch_size": {"low": 8, "high": 16, "step": 0.5}}', "whole number, so that it must be one"),
        ('{"fit.batch_size": {"low": 8.5, "high": 16}}', "fit.batch_size is 8.5"),
        ('{"data.image_size": {"low": 8, "high": 16}}', "no number in the recipe: give a list of choices"),
        ('{"fit.learning_rate": 0.1}', r"fit.learning_rate is 0.1 in the space; expected a range"),
        ('{"seed": [0, 1]}', "seed can't be searched: the trials of a search differ in how they learn"),
        ('{"name": ["a", "b"]}', "name can't be searched"),
        ('{"data.validation_share": {"low": 0.1, "high": 0.2}}', "data.validation_share can't be searched"),
        ('{"fit.monitor": ["val_accuracy", "val_loss"]}', "fit.monitor can't be searched"),
        ('{"network.heads.0.units": [10, 11]}', "network.heads.0.units can't be searched"),
        ('{"data.nothing": [10, 11]}', "The recipe has no key 'data.nothing'"),
        ('{"augmentation": ["none", "light"], "augmentation.fill_mode": ["wrap", "reflect"]}', "which is a part of it"),
    ],
)
def test_what_is_wrong_is_one_sentence(space: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said) as caught:
        parse_space(space, Q)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"trials": 0}, "trials is 0"),
        ({"trials": None}, "trials is None"),
        ({"minutes": 0}, "minutes is 0"),
        ({"metric": "accuracy"}, r"metric is 'accuracy': choose one of val_accuracy, val_loss"),
        ({"pruner": "hyperbnd"}, "did you mean 'hyperband'"),
        ({"seed": -1}, "seed is -1"),
        ({"parallel": 0}, "parallel is 0"),
        ({"space": {"seed": [1, 2]}}, "seed can't be searched"),
        ({"trails": 3}, "The search has no key 'trails'"),
    ],
)
def test_a_search_is_checked_as_a_whole(change: dict, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        parse_spec({"recipe": Q, "space": json.loads(EXAMPLE), "trials": 3} | change)


def test_a_search_equals_its_json() -> None:
    space = {"fit.learning_rate": {"low": 1e-4, "high": 1e-2}, "augmentation": ["none", "digits"]}
    spec = parse_spec({"recipe": Q, "space": space, "trials": 3, "minutes": 2.5, "pruner": "median"})
    assert SearchSpec.model_validate_json(spec.model_dump_json()) == spec
    assert spec.direction == "maximize"
    assert parse_spec({"recipe": Q, "space": space, "trials": 3, "metric": "val_loss"}).direction == "minimize"


def test_several_heads_can_each_be_what_is_maximised() -> None:
    space = {"fit.optimizer": ["adam", "sgd"]}
    assert parse_spec({"recipe": PRESETS["S"], "space": space, "trials": 1, "metric": "val_colour_accuracy"})
    with pytest.raises(RecipeError, match="val_colour_accuracy"):
        parse_spec({"recipe": PRESETS["S"], "space": space, "trials": 1, "metric": "val_label_accuracy"})


def test_what_optuna_draws_lies_in_the_space_and_makes_recipes() -> None:
    layers = [[{"type": "Flatten"}], [{"type": "Flatten"}, {"type": "Dense", "units": 16}]]
    space = parse_space(
        {
            "fit.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
            "fit.batch_size": {"low": 8, "high": 64, "log": True},
            "fit.weight_decay": {"low": 0, "high": 0.1, "step": 0.05},
            "fit.patience": [None, 3],
            "network.layers": layers,
            "augmentation": ["none", "digits"],
        },
        Q,
    )
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1))
    drawn = [suggest(study.ask(), space) for _ in range(30)]
    for settings in drawn:
        recipe = replace(Q, settings)
        assert 1e-4 <= recipe.fit.learning_rate <= 1e-2
        assert isinstance(recipe.fit.batch_size, int)
        assert recipe.fit.weight_decay in (0, 0.05, 0.1)
    assert {len(settings["network.layers"]) for settings in drawn} == {1, 2}
    assert {settings["fit.patience"] for settings in drawn} == {None, 3}
    assert [settings_of(trial.params, space) for trial in study.trials] == drawn


def test_the_recipe_itself_is_a_point_of_the_space_or_not() -> None:
    space = parse_space({"fit.learning_rate": {"low": 1e-3, "high": 1e-2}, "augmentation": ["none", "digits"]}, Q)
    assert present_parameters(Q, space) == {"fit.learning_rate": 0.003, "augmentation": "digits"}
    assert present_parameters(replace(Q, {"fit.learning_rate": 0.1}), space) is None
    assert present_parameters(replace(Q, {"augmentation": "light"}), space) is None


@pytest.mark.parametrize(
    ("allowed", "value", "inside"),
    [
        (Range(low=1, high=5), 3, True),
        (Range(low=1, high=5, step=2), 4, False),
        (Range(low=1, high=5, step=2), 5, True),
        (Range(low=0.0, high=0.3, step=0.1), 0.3, True),
        (Range(low=0.0, high=0.3, step=0.1), 0.25, False),
        (Range(low=0.0, high=0.3), 0.31, False),
        (Range(low=0, high=3), True, False),
        (Range(low=0, high=3), None, False),
    ],
)
def test_numbers_of_a_range(allowed: Range, value: object, inside: bool) -> None:
    assert contains(allowed, value) == inside
