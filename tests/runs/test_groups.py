"""Groups of runs: found in their folders alone; means and deviations against NumPy and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnviz import runs
from cnnviz.errors import RecipeError, RunError
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs.compare import differences, labels
from cnnviz.runs.groups import Spread, fold_recipes, groups, kind, mean_epochs, members, seed_recipes, spread, spread_of
from cnnviz.runs.launch import start_group
from cnnviz.runs.status import State
from tests.made_runs import make_run

Q = PRESETS["Q"]


def test_seeds_count_on_and_nothing_else_changes() -> None:
    recipes = seed_recipes(replace(Q, {"seed": 7}), 3)
    assert [recipe.seed for recipe in recipes] == [7, 8, 9]
    assert {recipe.model_copy(update={"seed": 0}) for recipe in recipes} == {Q.model_copy(update={"seed": 0})}
    assert {recipe.data.split_seed for recipe in recipes} == {Q.data.split_seed}


def test_folds_count_from_one_and_nothing_else_changes() -> None:
    recipes = fold_recipes(replace(Q, {"data.fold": [2, 3]}), 4)
    assert [recipe.data.fold for recipe in recipes] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert list(differences(dict(zip("abcd", recipes, strict=True)))) == ["data.fold"]


@pytest.mark.parametrize("count", [1, 21, -3])
def test_too_few_and_too_many_are_one_sentence(count: int) -> None:
    with pytest.raises(RecipeError, match=rf"^The number of seeds is {count}: choose 2 to 20\.$"):
        seed_recipes(Q, count)
    with pytest.raises(RecipeError, match=rf"^The number of folds is {count}: "):
        fold_recipes(Q, count)


def test_a_last_seed_that_is_too_large_is_one_sentence() -> None:
    with pytest.raises(RecipeError, match=r"^seed is 4294967296"):
        seed_recipes(replace(Q, {"seed": 2**32 - 1}), 2)


def test_groups_are_found_in_the_folders_alone_in_the_order_of_seeds(checkpoints: Path) -> None:
    made = [make_run(recipe, group="one") for recipe in seed_recipes(Q, 3)]
    folds = [make_run(recipe, group="two") for recipe in fold_recipes(Q, 2)]
    alone, left = make_run(Q), make_run(Q, group="three")
    found = groups(runs.listing())
    assert {name: [run.id for run in group] for name, group in found.items()} == {
        "one": [run.id for run in made],
        "two": [run.id for run in folds],
    }
    assert [kind(group) for group in found.values()] in (["seeds", "folds"], ["folds", "seeds"])
    assert [run.id for run in members(made[1], runs.listing())] == [run.id for run in made]
    assert members(alone, runs.listing()) == members(left, runs.listing()) == []
    runs.delete(made[0].id)
    assert [run.id for run in groups(runs.listing())["one"]] == [run.id for run in made[1:]]


def test_old_folders_have_none() -> None:
    assert State.model_validate({"state": "finished", "created": 1.7e9}).group == ""


def test_runs_of_a_group_are_called_by_seed_or_fold(checkpoints: Path) -> None:
    made = [make_run(recipe, group="one") for recipe in seed_recipes(Q, 2)]
    assert list(labels(made).values()) == [f"{Q.name} · seed 0", f"{Q.name} · seed 1"]
    made = [make_run(recipe, group="two") for recipe in fold_recipes(Q, 2)]
    assert list(labels(made).values()) == [f"{Q.name} · fold 1 of 2", f"{Q.name} · fold 2 of 2"]


def test_a_group_that_has_no_room_is_not_begun(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil
    from collections import namedtuple

    from cnnviz.runs.launch import space_needed

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, int(2.5 * space_needed(Q))))
    with pytest.raises(RunError, match="free and these 3 runs need about"):
        start_group(seed_recipes(Q, 3))
    assert runs.listing() == []


def test_mean_and_deviation_are_numpys() -> None:
    values = np.random.default_rng(0).normal(0.9, 0.05, 7).tolist()
    found = spread(values)
    assert found is not None
    assert found.mean == pytest.approx(np.mean(values), rel=1e-12)
    assert found.deviation == pytest.approx(np.std(values, ddof=1), rel=1e-12)
    assert found.count == 7


def test_by_hand() -> None:
    assert spread([2, 4, 9]) == Spread(5.0, 13**0.5, 3)  # squares 9 + 1 + 16 over 2
    assert spread([0.5]) == Spread(0.5, None, 1)
    assert spread([None, float("nan"), "x", 3.0, float("inf")]) == Spread(3.0, None, 1)
    assert spread([]) is None
    told = spread_of([{"loss": 1.0, "accuracy": 0.5}, {"loss": 3.0}, {}])
    assert told == {"loss": Spread(2.0, 2**0.5, 2), "accuracy": Spread(0.5, None, 1)}


def test_curves_of_different_lengths_are_means_of_those_that_have_the_epoch() -> None:
    long = [{"kind": "epoch", "epoch": n, "loss": 1.0 * n, "val_loss": 2.0} for n in (1, 2, 3)]
    short = [{"kind": "epoch", "epoch": n, "loss": 3.0 * n} for n in (1, 2)]
    found = mean_epochs([long, short, short])
    assert [one["epoch"] for one in found] == [1, 2, 3]
    assert [one["runs"] for one in found] == [3, 3, 1]
    np.testing.assert_allclose([one["loss"] for one in found], [7 / 3, 14 / 3, 3])
    np.testing.assert_allclose(
        [one["deviation"]["loss"] for one in found[:2]], [np.std([1, 3, 3], ddof=1), np.std([2, 6, 6], ddof=1)]
    )
    assert found[2]["deviation"] == {}
    assert [one["val_loss"] for one in found] == [2.0] * 3
    assert "val_loss" not in found[0]["deviation"], "one run alone has no deviation"
    assert mean_epochs([]) == mean_epochs([[], []]) == []
