"""Recipes: equal to their JSON, and every mistake is one sentence."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cnnviz.errors import RecipeError
from cnnviz.policy import POLICIES, Policy
from cnnviz.presets import PRESETS, preset
from cnnviz.recipe import Recipe, parse, replace

Q = preset("Q")


@pytest.mark.parametrize("name", PRESETS)
def test_a_recipe_equals_its_json(name: str) -> None:
    recipe = PRESETS[name]
    assert parse(recipe.to_json()) == recipe
    assert parse(recipe.to_json().encode()) == recipe
    assert parse(json.loads(recipe.to_json())).to_json() == recipe.to_json()
    assert hash(parse(recipe.to_json())) == hash(recipe)


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert parse("\ufeff" + Q.to_json()) == parse(Q.to_json().encode("utf-8-sig")) == Q


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Q.seed = 1
    with pytest.raises(TypeError, match="can't be changed"):
        Q.data.labels["#1"] = {}
    for change in ("clear", "pop", "popitem", "setdefault", "update", "__delitem__", "__ior__"):
        with pytest.raises(TypeError, match="can't be changed"):
            getattr(Q.data.splits, change)("#1")


def test_edits_of_images_are_equal_to_their_json_in_any_order() -> None:
    splits = {"#1": "test", "b/é.jpg": "train"}
    edits = {"data.labels": {"#3": {"label": "4", "other": "x"}, "#4": {"label": "5"}}, "data.splits": splits}
    recipe = replace(Q, edits)
    assert recipe.data.splits == json.loads(recipe.to_json())["data"]["splits"] == splits
    assert recipe.data.labels == json.loads(recipe.to_json())["data"]["labels"]
    turned = {key: dict(reversed(value.items())) for key, value in edits.items()}
    for same in (
        parse(recipe.to_json()),
        replace(Q, turned),
        copy.deepcopy(recipe),
        pickle.loads(pickle.dumps(recipe)),
    ):
        assert same == recipe
        assert hash(same) == hash(recipe)
    assert recipe != replace(Q, {**edits, "data.splits": {}})
    assert len({recipe.data, Q.data, replace(Q, {"data.splits": splits}).data}) == 3


@pytest.mark.parametrize(
    ("written", "size"),
    [
        (64, (64, 64)),
        ("64", (64, 64)),
        ("64x64", (64, 64)),
        ("72x59", (72, 59)),
        ("72 × 59", (72, 59)),
        ("72,59", (72, 59)),
        ("[72, 59]", (72, 59)),
        ([72, 59], (72, 59)),
        ((72, 59), (72, 59)),
    ],
)
def test_sizes_are_height_and_width(written: Any, size: tuple[int, int]) -> None:
    recipe = replace(Q, {"data.image_size": written})
    assert recipe.data.image_size == size
    assert recipe.data.input_shape == (*size, 1)


@pytest.mark.parametrize(
    "written", ["99x", "x99", "-64", "64x-64", "a64", "64px", "1e2", "", "64x64x64", [64], [64, 64, 64], 64.5, None, {}]
)
def test_a_size_is_never_half_read(written: Any) -> None:
    with pytest.raises(RecipeError, match=r"^data\.image_size is .*: expected one number, or height and width such as"):
        replace(Q, {"data.image_size": written})


def test_replace_sets_dotted_keys() -> None:
    recipe = replace(
        preset("B2"),
        {"fit.epochs": 2, "network.heads.1.name": "Smile", "data.limits.train": 100, "augmentation": "D3", "seed": 7},
    )
    assert (recipe.fit.epochs, recipe.data.limits.train, recipe.seed) == (2, 100, 7)
    assert [head.name for head in recipe.network.heads] == ["Male", "Smile"]
    assert recipe.augmentation == POLICIES["D3"]
    assert preset("B2").fit.epochs == 15


def test_short_layer_names_are_taken() -> None:
    short = [{"type": "Conv2D", "filters": 4}, {"type": "BatchNorm"}, {"type": "MaxPool"}, {"type": "GAP"}]
    layers = replace(Q, {"network.layers": short}).network.layers
    assert [layer.type for layer in layers] == [
        "Conv2D",
        "BatchNormalization",
        "MaxPooling2D",
        "GlobalAveragePooling2D",
    ]


CONV = {"type": "Conv2D", "filters": 4}
TWINS = [{"name": "a", "units": 2}, {"name": "a", "units": 3}]
MISTAKES = [
    ("fit.epochs", -1, r"fit\.epochs is -1: it should be greater than or equal to 1\."),
    ("fit.epochs", 2.5, r"fit\.epochs is 2\.5: it should be a valid integer"),
    ("fit.epochs", True, r"fit\.epochs is True: it should be a number\."),
    ("fit.epochs", "many", r"fit\.epochs is 'many': it should be a valid integer"),
    ("fit.epochs", float("inf"), r"fit\.epochs is inf: it should be a finite number\."),
    ("fit.learning_rate", float("nan"), r"fit\.learning_rate is nan: it should be a finite number\."),
    ("fit.learning_rate", 0, r"fit\.learning_rate is 0: it should be greater than 0\."),
    ("fit.optimizer", "adm", r"fit\.optimizer is 'adm': choose one of .*did you mean 'adam'\?"),
    ("fit", 3, r"fit is 3: expected an object with optimizer, learning_rate"),
    ("fit.epoch", 3, r"no key 'fit\.epoch': choose one of .*did you mean 'epochs'\?"),
    ("fit.epochs.x", 3, r"no key 'fit\.epochs\.x': fit\.epochs is a single value, 12\."),
    ("seed", True, r"seed is True: it should be a number\."),
    ("seed", 2**32, r"seed is 4294967296: it should be less than 4294967296\."),
    ("name", "a\nb", r"name is 'a\\nb': it has characters that can't be printed\."),
    ("data.dataset", "a\0b", r"data\.dataset is .*characters that can't be printed"),
    ("data.dataset", "", r"data\.dataset is '': string should have at least 1 character"),
    ("data.image_size", [True, 64], r"data\.image_size\.0 is True: it should be a number\."),
    ("data.image_size", 2, r"data\.image_size\.0 is 2: it should be greater than or equal to 4\."),
    ("data.channels", 2, r"data\.channels is 2: expected 1 or 3\."),
    ("data.crop", "center", r"data\.crop is 'center': choose one of .*did you mean 'centre'\?"),
    ("data.limits", {"trian": 1}, r"no key 'data\.limits\.trian': choose one of .*did you mean 'train'\?"),
    ("data.without", ["a"] * 10_001, r"data\.without is .*at most 10000 items"),
    ("data.labels", {str(n): {"label": "a"} for n in range(10_001)}, r"data\.labels is .*at most 10000 items"),
    ("data.labels", {"a.jpg": "cat"}, r"data\.labels\.a\.jpg is 'cat': it should be a valid dictionary\."),
    ("data.labels", {"a.jpg": {}}, r"data\.labels\.a\.jpg is \{\}: .*at least 1 item"),
    ("data.labels", {"a.jpg": {"label": "c" * 1001}}, r"data\.labels\.a\.jpg\.label is .*at most 1000 characters"),
    ("data.labels", {"a\nb": {"label": "c"}}, r"data\.labels\.a b is 'a\\nb': it has characters that can't be printed"),
    ("data.splits", {"a" * 1001: "test"}, r"data\.splits\.a+… is .*at most 1000 characters"),
    ("data.splits", {"a.jpg": "tset"}, r"data\.splits\.a\.jpg is 'tset': choose one of train, .*mean 'test'\?"),
    ("network.layers.0", {"type": "Conv"}, r"network\.layers\.0\.type is 'Conv': choose one of .*mean 'Conv2D'\?"),
    ("network.layers.0", {"type": ["Conv2D"]}, r"network\.layers\.0\.type is .*: choose one of Conv2D, MaxPooling2D"),
    ("network.layers.0", {"filters": 3}, r"network\.layers\.0 has no 'type'\."),
    ("network.layers.0", "Conv2D", r"network\.layers\.0 is 'Conv2D': expected an object with a type\."),
    ("network.layers.0", {"type": "Conv2D", "filter": 3}, r"no key 'network\.layers\.0\.filter': .*mean 'filters'\?"),
    ("network.layers.0", {"type": "Conv2D", "Filters": 3}, r"no key 'network\.layers\.0\.Filters': .*mean 'filters'\?"),
    ("network.layers.0", {"type": "MaxPool", "foo": 1}, r"choose one of type, pool_size, strides, padding\."),
    ("network.layers.0", {"type": "Conv2D"}, r"The recipe lacks 'network\.layers\.0\.filters'"),
    ("network.layers.0.filters", True, r"network\.layers\.0\.filters is True: it should be a number\."),
    ("network.layers.9.type", "Dense", r"no key 'network\.layers\.9': network\.layers has 9 items, counted from 0\."),
    ("network.layers.-1.type", "Dense", r"no key 'network\.layers\.-1'"),
    ("network.layers.².type", "Dense", r"no key 'network\.layers\.²'"),
    ("network.layers", [CONV], r"The heads need one row of values but get shape 6×6×4: end the layers with Flatten"),
    (
        "network.layers",
        [{"type": "Flatten"}, CONV],
        r"conv2d \(Conv2D\) needs height × width × channels but gets .* 64",
    ),
    ("network.layers", [{**CONV, "kernel_size": 9}], r"conv2d has a 9×9 window but gets only 8×8 pixels: use fewer"),
    ("network.layers", [{"type": "Reshape", "target_shape": [7]}], r"reshape can't make 7 \(7 values\) of 8×8×1 \(64"),
    (
        "network.layers",
        [{"type": "Dense", "units": 65_536}] * 2 + [{"type": "GAP"}],
        r"has 4,295.* parameters; at most",
    ),
    ("network.heads", TWINS, r"Two heads have the same name: a, a; give each its own\."),
    ("network.heads", [], r"network\.heads is \[\]: tuple should have at least 1 item"),
    ("network.heads.0.name", "a b", r"network\.heads\.0\.name is 'a b': use letters, digits and _ only\."),
    ("network.heads.0.name", "a\n", r"network\.heads\.0\.name is 'a\\n': use letters, digits and _ only\."),
    ("network.heads.0.name", "dense", r"Head 'dense' has the name of a layer: give it another\."),
    (
        "network.heads.0.name",
        "val_x",
        r"network\.heads\.0\.name is 'val_x': val_ marks metrics of the validation split",
    ),
    ("network.heads.0.units", 1, r"Head 'label' has softmax over 1 unit, which is always 1: use 2 units, or sigmoid\."),
    ("network.heads.0.activation", "sigmoid", r"Head 'label' has sigmoid over 10 units: use 1 unit, or softmax\."),
    ("augmentation", "D33", r"augmentation is 'D33': choose one of none, A, D3, .*did you mean 'D3'\?"),
    ("augmentation.steps", [{"type": "rotatoin"}], r"augmentation\.steps\.0\.type is .*did you mean 'rotation'\?"),
    ("augmentation.steps", [{"type": "rotation"}], r"rotation needs low and high, within -180 to 180\."),
    ("augmentation.steps", [{"type": "rotation", "low": 9, "high": 1}], r"rotation has the range 9 to 1: low ≤ high"),
    (
        "augmentation.steps",
        [{"type": "rotation", "low": True, "high": 1}],
        r"steps\.0\.low is True: it should be a num",
    ),
    ("augmentation.steps", [{"type": "grey", "low": 1}], r"grey has a probability only; leave low and high out\."),
    ("nothing.here", 1, r"no key 'nothing': choose one of name, data, augmentation, network, fit, seed\."),
    ("", 1, r"The recipe has no key '': choose one of"),
]


@pytest.mark.parametrize(("key", "value", "message"), MISTAKES)
def test_a_mistake_is_one_sentence(key: str, value: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        replace(Q, {key: value})
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "The recipe is not JSON: "),
        ("{", "The recipe is not JSON: "),
        (b"\xff\xfe\x00", "The recipe is not JSON: "),
        ("[" * 100_000, "The recipe is not JSON: .*recursion"),
        ('{"data":' + "[" * 900 + "]" * 900 + "}", "data is .*: expected an object with dataset, image_size"),
        ("null", "The recipe is None; expected a JSON object with name, data, augmentation, network, fit and seed"),
        ("[1]", "expected a JSON object"),
        ("{}", "The recipe lacks 'data', which has no default"),
        ({"netwrok": 1}, r"The recipe has no key 'netwrok': .*did you mean 'network'\?"),
        ({"Data": 1}, r"The recipe has no key 'Data': .*did you mean 'data'\?"),
        (Q.to_json().replace("0.003", "NaN"), r"fit\.learning_rate is nan: it should be a finite number"),
        (Q.to_json().replace("0.003", "1e999"), r"fit\.learning_rate is inf: it should be a finite number"),
    ],
)
def test_what_is_no_recipe_is_said_so(source: str | bytes | dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        parse(source)


def test_a_part_is_called_by_its_name() -> None:
    assert parse('{"name": "mine"}', Policy) == Policy(name="mine")
    with pytest.raises(RecipeError, match=r"The policy has no key 'stpes': .*did you mean 'steps'\?"):
        parse('{"stpes": []}', Policy)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def paths(tree: Any, here: tuple = ()) -> list[tuple]:
    """The way to every value of a JSON tree, the root apart."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [way for key, value in items for way in ((*here, key), *paths(value, (*here, key)))]


def attempt(make: Callable[[], Recipe]) -> Recipe | str:
    """The recipe, or the sentence why there is none."""
    try:
        return make()
    except RecipeError as error:
        return str(error)


TREE = json.loads(replace(preset("S"), {"augmentation": "strong"}).to_json())


@settings(max_examples=400, deadline=None)
@given(way=st.sampled_from(paths(TREE)), value=JSON, action=st.sampled_from(["set", "drop", "add"]))
@example(way=("network", "layers", 0, "type"), value={}, action="set")
@example(way=("network", "layers", 0), value=True, action="add")
def test_only_sentences_come_out_of_a_damaged_recipe(way: tuple, value: Any, action: str) -> None:
    tree = json.loads(json.dumps(TREE))
    node = tree
    for key in way[:-1]:
        node = node[key]
    if action == "drop":
        del node[way[-1]]
    elif action == "set" or isinstance(node, list):
        node[way[-1]] = value
    else:
        node[f"{way[-1]}_"] = value
    for source in (tree, json.dumps(tree)):
        outcome = attempt(lambda source=source: parse(source))
        if isinstance(outcome, Recipe):
            assert parse(outcome.to_json()) == outcome
        else:
            assert outcome.endswith(".")
            assert len(outcome) < 1000


@settings(max_examples=200, deadline=None)
@given(source=JSON.map(json.dumps) | st.text(max_size=30) | st.binary(max_size=30))
def test_only_sentences_come_out_of_anything(source: str | bytes) -> None:
    with pytest.raises(RecipeError):
        parse(source)


@settings(max_examples=200, deadline=None)
@given(key=st.text(max_size=12) | st.sampled_from([".".join(map(str, way)) for way in paths(TREE)]), value=JSON)
def test_replace_gives_a_recipe_or_a_sentence(key: str, value: Any) -> None:
    outcome = attempt(lambda: replace(Q, {key: value}))
    assert isinstance(outcome, Recipe) or outcome.endswith(".")
