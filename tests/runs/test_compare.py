"""What differs between recipes, and short names."""

import numpy as np
import pytest

from cnnviz.architecture import describe
from cnnviz.files import write_json
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import compare, open_run
from cnnviz.runs.overfitting import overfitting_onset
from tests.made_runs import figures_of, make_run


def test_equal_recipes_differ_in_nothing():
    assert compare.differences({"a": PRESETS["Q"], "b": PRESETS["Q"]}) == {}
    assert compare.differences({"a": PRESETS["Q"]}) == {}


def test_only_what_differs_is_told():
    other = replace(PRESETS["Q"], {"fit.learning_rate": 0.05, "data.limits.train": 100, "seed": 3, "name": "Other"})
    rate = f"{PRESETS['Q'].fit.learning_rate:g}"
    assert compare.differences({"one": PRESETS["Q"], "two": other}) == {
        "data.limits.train": {"one": "–", "two": "100"},
        "fit.learning_rate": {"one": rate, "two": "0.05"},
        "seed": {"one": "0", "two": "3"},
    }


def test_layers_are_one_text_with_what_is_not_default():
    told = compare.settings(PRESETS["D1"])
    assert told["network.layers"].startswith("Conv2D(32) → MaxPooling2D → Conv2D(64) → MaxPooling2D")
    assert told["network.heads"] == "label(10)"
    other = replace(PRESETS["D1"], {"network.layers.0.padding": "same"})
    assert list(compare.differences({"a": PRESETS["D1"], "b": other})) == ["network.layers"]
    assert compare.settings(other)["network.layers"].startswith("Conv2D(32, padding same)")


def with_print(run, mark):
    write_json(run.folder / "report.json", {"data": {"sha256": mark}})
    return run


def test_runs_on_different_data_are_told(checkpoints):
    def warned(changes, marks=(None, None), base="Q"):
        pair = [make_run(PRESETS["Q"]), make_run(replace(PRESETS[base], changes))]
        for run, mark in zip(pair, marks, strict=True):
            if mark:
                with_print(run, mark)
        return compare.different_data(pair)

    assert warned({}) == warned({"fit.epochs": 3, "seed": 4, "data.image_size": 16}) == ""
    assert "different data sets (digits, shapes)" in warned({}, base="S")
    assert "at most so many training images (–, 100)" in warned({"data.limits.train": 100})
    assert "different shares for validation (0.15, 0.2)" in warned({"data.validation_share": 0.2})
    assert "images left out (–, #3)" in warned({"data.without": ["#3"]})
    assert "images relabelled (–, #3)" in warned({"data.labels": {"#3": {"label": "1"}}})
    assert "images moved (–, 2 images)" in warned({"data.splits": {"#3": "test", "#4": "train"}})
    # What was read decides over what the recipes say of it.
    assert warned({"data.dataset": "copy of digits"}, ("a", "a")) == ""
    assert "have changed between them" in warned({}, ("a", "b"))
    assert "different data sets" in warned({"data.dataset": "copy of digits"}, ("a", None))


@pytest.mark.parametrize(
    ("key", "one", "other"),
    [
        ("data.without", ["#1", "#2"], ["#1", "#3"]),
        ("data.labels", {"#1": {"label": "1"}}, {"#1": {"label": "2"}}),
        ("data.splits", {"#1": "test", "#2": "test"}, {"#1": "test", "#2": "train"}),
    ],
)
def test_as_many_other_edits_are_a_difference(key, one, other):
    recipes = {"a": replace(PRESETS["Q"], {key: one}), "b": replace(PRESETS["Q"], {key: other})}
    assert list(compare.differences(recipes)) == [key]
    assert compare.differences({"a": recipes["a"], "b": recipes["a"]}) == {}


@pytest.mark.parametrize("name", PRESETS)
def test_every_setting_of_a_recipe_is_told(name):
    told = compare.settings(PRESETS[name])
    tree = PRESETS[name].model_dump(mode="json")
    for section in ("data", "fit"):
        assert {key.split(".")[1] for key in told if key.startswith(section)} == set(tree[section])
    assert {"augmentation.steps", "network.layers", "network.heads", "network.scaling", "seed"} <= set(told)


def test_models_in_a_few_words():
    assert compare.short_model(PRESETS["B2"].network) == "conv 32 64 64 · dense 64 → 2 + 2"
    assert compare.short_model(PRESETS["A"].network) == "conv 32 64 128 256 · average → 1"
    assert compare.short_model(PRESETS["C1"].network) == "reshape · dense 128 64 → 10"


@pytest.mark.parametrize("name", PRESETS)
def test_parameters_are_those_of_the_description(name):
    recipe = PRESETS[name]
    rows = describe(recipe.network, recipe.data.input_shape)
    assert compare.parameters(recipe.network, recipe.data.input_shape) == sum(row.parameters for row in rows)


def test_data_by_a_path_is_called_by_its_last_part(checkpoints, tmp_path):
    run = make_run(replace(PRESETS["P"], {"data.dataset": str(tmp_path / "uploads" / "my-pets")}))
    assert compare.name_of(run).startswith("my-pets · conv 32 ")
    assert compare.data_name(PRESETS["Q"]) == "digits"


def test_runs_of_one_name_are_told_apart(checkpoints):
    made = [make_run(epochs=1) for _ in range(3)] + [make_run(replace(PRESETS["Q"], {"name": "Mine"}), 1)]
    names = compare.labels(made)
    assert len(set(names.values())) == 4
    assert names[made[3].id] == "Mine"
    assert names[made[0].id].startswith(PRESETS["Q"].name)


def test_a_run_without_a_readable_recipe_is_called_by_its_id(checkpoints):
    run = make_run()
    (run.folder / "recipe.json").write_text("{")
    assert compare.name_of(open_run(run.id)) == run.id


def test_validation_turns_where_its_loss_is_lowest():
    assert overfitting_onset([figures_of(epoch, turned=8) for epoch in range(1, 16)]) == 8


@pytest.mark.parametrize("count", [0, 1, 4, 12, 60])
def test_validation_that_follows_does_not_turn(count):
    assert overfitting_onset([figures_of(epoch) for epoch in range(1, count + 1)]) is None


def test_noise_about_a_plateau_is_rarely_a_turn():
    noise = np.random.default_rng(0)
    found = 0
    for _ in range(200):
        epochs = [{"epoch": n, "loss": 1 / n, "val_loss": 1 / n + 0.3 + noise.normal(0, 0.01)} for n in range(1, 31)]
        found += overfitting_onset(epochs) is not None
    assert found <= 20


def test_broken_figures_do_not_matter():
    epochs = [figures_of(epoch, turned=6) for epoch in range(1, 14)]
    epochs[3]["val_loss"] = float("nan")
    epochs[4]["loss"] = None
    del epochs[7]["val_loss"]
    assert overfitting_onset(epochs) == 6
